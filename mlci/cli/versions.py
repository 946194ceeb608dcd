"""``mlci versions``."""

import json
from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.registry import opened
from mlci.registry import ledger
from mlci.registry.versions import Version, every


@click.command()
@options.config
@options.as_json
def command(config_path: Path, *, as_json: bool) -> int:
    """List the versions of the registry, newest first, and say which one is in production.

    \b
    Examples:
      mlci versions
      mlci versions --config models/churn/mlci.yml --json
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, store = opened(config_path)
    end = ledger.tail(store)
    found, champion = list(every(store, end)), end.state.champion
    if as_json:
        rows = [_plain(version, champion=champion) for version in found]
        document = {"model": loaded.config.model, "champion": champion, "versions": rows}
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
    elif not found:
        click.echo(f"{loaded.config.model} has no version in {store.shown} yet; `mlci run` and `mlci promote` make one")
    else:
        click.echo(_table(found, champion=champion))
    return 0


def _plain(version: Version, *, champion: int | None) -> dict[str, Any]:
    manifest, entry = version.manifest, version.entry
    note = entry.body.note if entry.body.kind == "promotion" else None
    return {
        "version": version.number,
        "production": version.number == champion,
        "commit": manifest.recipe.commit,
        "promoted_at": entry.at,
        "by": entry.by.actor,
        "rows": manifest.data.rows,
        "fingerprint": manifest.data.fingerprint,
        "note": note,
        "metrics": manifest.metrics,
    }


def _table(found: list[Version], *, champion: int | None) -> str:
    from tabulate import tabulate  # noqa: PLC0415 (only for the table)

    rows = []
    for row in (_plain(version, champion=champion) for version in found):
        mark = "in production" if row["production"] else ""
        cells = (row["commit"] and row["commit"][:7], row["promoted_at"], row["by"], row["note"])
        rows.append([row["version"], mark, *(harmless(cell) for cell in cells)])
    headers = ["version", "", "commit", "promoted", "by", "note"]
    return tabulate(rows, headers=headers, disable_numparse=True)


def harmless(text: str | None) -> str:
    """Return text from a ledger so that it commands no terminal."""
    from mlci.steps.clean import clean  # noqa: PLC0415 (only for tables)

    return clean(text or "")
