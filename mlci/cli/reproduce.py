"""``mlci reproduce``."""

import json
from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.build import configuration, terminal_style, tools
from mlci.cli.registry import connected, surroundings
from mlci.engine.otherwise import otherwise
from mlci.report.reproduced import text
from mlci.usecases.diff import PRODUCTION
from mlci.usecases.reproduce import Reproduction, reproduce

_DIFFERENT = 1


@click.command()
@click.argument("version", default=PRODUCTION)
@options.config
@options.as_json
@click.option("-k", "runs", type=click.IntRange(1, 100), default=1, show_default=True, help="How often to train.")
@click.option("--no-record", is_flag=True, help="Write nothing to the registry.")
def command(version: str, config_path: Path, *, as_json: bool, runs: int, no_record: bool) -> int:
    """Train a version again in clean worktrees of its commit, and hold what comes out against it.

    The first rerun has the version's own MLCI_SEED, each further one the next. From two on, their spread is recorded:
    gates with `noise: retraining` know by it how far the luck of training goes.

    \b
    Exit codes: 0 identical, or within the spread of the reruns · 1 different
                2 it can't be made again · 3 its training failed · 4 the registry did not do its part

    \b
    Examples:
      mlci reproduce
      mlci reproduce 7 -k 5
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = configuration(config_path)
    folder = config_path.parent
    store, stamp = connected(loaded, folder, writes=not no_record)
    with tools(folder, cached=False, registry=store, stamp=stamp) as effects:
        found = reproduce(
            loaded,
            effects,
            name=version,
            runs=runs,
            folder=folder,
            environment=surroundings(),
            otherwise=otherwise,
        )
    if as_json:
        click.echo(json.dumps(_plain(found), indent=1, ensure_ascii=False))
    else:
        click.echo(_shown(found), nl=False)
    return _DIFFERENT if found.outcome == "different" else 0


def _shown(found: Reproduction) -> str:
    return text(
        version=found.version,
        outcome=found.outcome,
        how=found.how,
        runs=len(found.reruns),
        metrics=_rows(found),
        rows=found.otherwise,
        notes=found.notes,
        width=terminal_style()[1],
    )


def _rows(found: Reproduction) -> list[tuple[str, float, float, float | None, bool]]:
    return [(name, one.original, one.mean, one.sd, one.inside) for name, one in found.metrics.items()]


def _plain(found: Reproduction) -> dict[str, Any]:
    names = ("metric", "version", "mean", "sd", "inside")
    count, keys = found.otherwise or (None, ())
    return {
        "version": found.version,
        "outcome": found.outcome,
        "identical": found.how,
        "runs": len(found.reruns),
        "metrics": [dict(zip(names, row, strict=True)) for row in _rows(found)],
        "otherwise": {"rows": count, "keys": list(keys)},
        "reruns": [item.model_dump(mode="json") for item in found.reruns],
        "notes": list(found.notes),
        "entry": found.entry,
    }
