"""``mlci diff``."""

from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.registry_factory import open_registry
from mlci.cli.standard_output import terminal_style
from mlci.cli.wiring import load_configuration, run_context
from mlci.operations.registry.diff import CANDIDATE, PRODUCTION, Diff, DiffSide, diff_versions
from mlci.report.terminal import diff_text
from mlci.util.json_text import pretty_json


@click.command()
@click.argument("before", metavar="[A]", default=PRODUCTION)
@click.argument("after", metavar="[B]", default=CANDIDATE)
@options.config
@options.out
@options.as_json
def command(before: str, after: str, config_path: Path, out: Path, *, as_json: bool) -> int:
    """Show what differs between two versions: metrics, code, data, configuration, environment.

    A and B are version numbers, `production`, or `candidate` for the bundle of `mlci run` in --out. The default
    compares production and candidate.

    \b
    Examples:
      mlci diff 3 4
      mlci diff production candidate --json
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)
    registry = open_registry(loaded, config_path.parent)
    with run_context(loaded, cached=False, registry=registry) as context:
        diff = diff_versions(context, before, after, out=out)
    if as_json:
        click.echo(pretty_json(_plain(diff)))
    else:
        _, width = terminal_style()
        names = (diff.before.name, diff.after.name)
        shown = diff_text(*names, diff.metrics, diff.lineage, same_rows=diff.same_rows, width=width)
        click.echo(shown, nl=False)
    return 0


def _plain(found: Diff) -> dict[str, Any]:
    metrics = [
        {"metric": name, "a": old, "b": new, "change": None if old is None or new is None else new - old}
        for name, (old, new) in found.metrics.items()
    ]
    lineage = found.lineage.model_dump(mode="json")
    ends = {"a": _end(found.before), "b": _end(found.after)}
    return {**ends, "same_rows": found.same_rows, "metrics": metrics, "lineage": lineage}


def _end(end: DiffSide) -> dict[str, Any]:
    return {"name": end.name, "commit": end.origin.commit, "fingerprint": end.origin.fingerprint}
