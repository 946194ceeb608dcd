"""``mlci versions``."""

import shutil
from itertools import takewhile
from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.registry.ledger_words import sanitize_text
from mlci.cli.registry_factory import load_with_registry
from mlci.registry import ledger
from mlci.registry.entries import rolled_back_versions
from mlci.registry.entry_kinds import Promotion, Rollback
from mlci.registry.registry import RegistryView, Version
from mlci.util.json_text import pretty_json

LIMIT = 20


@click.command()
@options.config
@options.as_json
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="Maximum number to list.")
@click.option("--before", type=click.IntRange(min=1), help="List versions before this one.")
def command(config_path: Path, *, as_json: bool, limit: int, before: int | None) -> int:
    """List the versions of the registry, newest first, and show which is in production and which were rolled back.

    \b
    Examples:
      mlci versions
      mlci versions --limit 100 --before 1981
      mlci versions --config models/churn/mlci.yml --json
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, registry = load_with_registry(config_path)
    view = registry.view()
    last = min(view.state.versions, before - 1) if before else view.state.versions
    page = _page(view, last, limit)
    champion, rolled_back = view.state.champion, _rolled_back(view, page)
    rows = [_plain(version, champion=champion, rolled_back=rolled_back) for version in page]
    more = max(0, last - limit)
    if as_json:
        document = {"model": loaded.config.model, "champion": champion, "versions": rows}
        document |= {"more": more} if more else {}
        click.echo(pretty_json(document))
    elif not view.state.versions:
        empty = f"{loaded.config.model} has no version in {sanitize_text(view.shown)} yet"
        click.echo(f"{empty}; `mlci run` and `mlci promote` make one")
    else:
        click.echo(_table(rows, width=shutil.get_terminal_size((100, 24)).columns))
        if more:
            click.echo(f"{more:,} older: `mlci versions --before {last - limit + 1}`")
    return 0


def _page(view: RegistryView, last: int, limit: int) -> list[Version]:
    """Return at most ``limit`` versions up to number ``last``, newest first."""
    places = [view.state.promoted[str(number)] for number in range(max(1, last - limit + 1), last + 1)]
    return [view.promoted(entry) for entry in ledger.iter_verified(view.store, view.head, places)]


def _rolled_back(view: RegistryView, found: list[Version]) -> dict[int, str]:
    """Return the reasons of rollbacks by version, from the decisions since the oldest of the versions."""
    since = found[-1].entry.number if found else 0
    decided = takewhile(lambda entry: entry.number >= since, view.decisions() if found else ())
    return rolled_back_versions(reversed([one.body for one in decided if isinstance(one.body, Promotion | Rollback)]))


def _plain(version: Version, *, champion: int | None, rolled_back: dict[int, str]) -> dict[str, Any]:
    manifest, entry = version.manifest, version.entry
    note = entry.body.note if entry.body.kind == "promotion" else None
    return {
        "version": version.number,
        "production": version.number == champion,
        "rolled_back": rolled_back.get(version.number),
        "commit": manifest.recipe.commit,
        "promoted_at": entry.at,
        "by": entry.by.actor,
        "rows": manifest.data.rows,
        "fingerprint": manifest.data.fingerprint,
        "note": note,
        "metrics": manifest.metrics,
    }


def _table(rows: list[dict[str, Any]], *, width: int) -> str:
    """Return the table, with the reasons of rollbacks if they fit into the width."""
    whole = _drawn(rows, reasons=True)
    return whole if max(map(len, whole.splitlines())) <= width else _drawn(rows, reasons=False)


def _drawn(rows: list[dict[str, Any]], *, reasons: bool) -> str:
    from tabulate import tabulate  # noqa: PLC0415 (only for the table)

    cells = []
    for row in rows:
        texts = (row["commit"] and row["commit"][:7], row["promoted_at"], row["by"], row["note"])
        cells.append([row["version"], _mark(row, reason=reasons), *(sanitize_text(text) for text in texts)])
    headers = ["version", "", "commit", "promoted", "by", "note"]
    return tabulate(cells, headers=headers, disable_numparse=True)


def _mark(row: dict[str, Any], *, reason: bool) -> str:
    why = row["rolled_back"]
    if why is None:
        return "in production" if row["production"] else ""
    return f"rolled back: {sanitize_text(why)}" if reason else "rolled back"
