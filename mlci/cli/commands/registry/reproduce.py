"""``mlci reproduce``."""

import os
from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.output_files import write_files
from mlci.cli.registry.find_uv import find_uv
from mlci.cli.registry_factory import open_registry, refuse_training_beside_credentials, runtime_environment
from mlci.cli.standard_output import terminal_style
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import CheckedConfig, LoadedConfig
from mlci.engine.row_comparison import count_disagreements
from mlci.errors import InputError, Problem
from mlci.operations.registry.diff import PRODUCTION
from mlci.operations.registry.reproduce import (
    MOST_BYTES,
    SAVE_REMEDY,
    Reproduction,
    RuntimeEnvironment,
    record_reproduction,
    reproduce_version,
    take_over_reproduction,
)
from mlci.operations.registry.retrain import EnvironmentBuilder
from mlci.report.terminal import reproduction_text
from mlci.util.json_text import pretty_json
from mlci.util.safe_files import read_bounded

_DIFFERENT = 1
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("version", default=PRODUCTION)
@options.config
@options.as_json
@click.option("-k", "runs", type=click.IntRange(1, 100), show_default="1", help="Number of trainings.")
@click.option(
    "--environment",
    "where",
    type=click.Choice(["locked", "job"]),
    default="locked",
    show_default=True,
    help="`locked`: train in a fresh environment from the version's uv.lock, pylock.toml or requirements.txt. "
    "`job`: train in this job's environment.",
)
@click.option("--no-record", is_flag=True, help="Write nothing to the registry.")
@click.option("--save", type=_FILE, help="Also write the record to this file, for `--record` in another job.")
@click.option("--record", "taken", type=_FILE, help="Do not train; record the file that another job wrote by `--save`.")
def command(
    version: str,
    config_path: Path,
    *,
    as_json: bool,
    runs: int | None,
    where: str,
    no_record: bool,
    save: Path | None,
    taken: Path | None,
) -> int:
    """Retrain a version in clean worktrees of its commit, and compare the result with the version.

    Its commands run in a fresh environment that uv makes from the version's lock file, or in this job's environment if
    the version has no lock file.

    The first rerun has the version's own MLCI_SEED, each further one the next seed. Three or more reruns give the
    spread from which gates with `noise: retraining` take the training noise.

    \b
    Exit codes: 0 identical, or within the spread of the reruns · 1 different
                2 not reproducible · 3 its training failed · 4 the registry or network failed

    \b
    Examples:
      mlci reproduce
      mlci reproduce 7 -k 5
      mlci reproduce -k 5 --no-record --save found.json   # beside a token that can only read
      mlci reproduce --record found.json                  # in another job, which trains nothing
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)
    if taken is not None:
        alone = (version, save, runs, no_record) == (PRODUCTION, None, None, False)
        return _record_of_other_job(loaded, config_path.parent, taken, alone=alone)
    builder = EnvironmentBuilder(find_uv()) if where == "locked" else None
    reproduction = _reproduce(loaded, version, runs or 1, builder, records=not no_record)
    if save is not None:
        record = reproduction.record.model_dump_json(by_alias=True, indent=1) + "\n"
        write_files(save.parent, {save.name: record}, option="--save")
    if as_json:
        click.echo(pretty_json(_plain(reproduction)))
    else:
        click.echo(_shown(reproduction), nl=False)
    return _DIFFERENT if reproduction.outcome == "different" else 0


def _reproduce(
    loaded: CheckedConfig, version: str, runs: int, builder: EnvironmentBuilder | None, *, records: bool
) -> Reproduction:
    """Open the registry, retrain the version, and record the result if ``records`` is set."""
    if records:
        instead = "train with `--no-record --save FILE`, and let a job of its own run `mlci reproduce --record FILE`"
        refuse_training_beside_credentials(loaded, os.environ, instead=instead)
    registry = open_registry(loaded, Path(loaded.path).parent, writes=records)
    environment = RuntimeEnvironment(runtime_environment(), builder)
    with run_context(loaded, cached=False, registry=registry) as context:
        return reproduce_version(context, name=version, runs=runs, environment=environment, count=count_disagreements)


def _record_of_other_job(loaded: LoadedConfig, folder: Path, taken: Path, *, alone: bool) -> int:
    """Record the reproduction of another job."""
    if not alone:
        raise click.UsageError("--record takes the version from its file, trains nothing, and writes to the registry")
    registry = open_registry(loaded, folder, writes=True)
    try:
        data = read_bounded(taken, MOST_BYTES)
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}; {SAVE_REMEDY}", str(taken))) from error
    record = take_over_reproduction(registry, data, path=str(taken))
    number = record_reproduction(registry, record, once=True)
    trainings = len(record.spread.reruns)
    count = f"{trainings} training{'' if trainings == 1 else 's'}"
    text = f"version {record.spread.version}, trained again: {record.outcome} ({count}; entry {number})"
    click.echo(text)
    write_step_result({"version": record.spread.version, "outcome": record.outcome}, text)
    return 0


def _shown(reproduction: Reproduction) -> str:
    return reproduction_text(
        version=reproduction.version,
        outcome=reproduction.outcome,
        how=reproduction.how,
        runs=len(reproduction.reruns),
        metrics=_rows(reproduction),
        rows=reproduction.disagreements,
        notes=reproduction.notes,
        width=terminal_style()[1],
    )


def _rows(reproduction: Reproduction) -> list[tuple[str, float, float, float | None, bool]]:
    return [(name, one.original, one.mean, one.sd, one.inside) for name, one in reproduction.metrics.items()]


def _plain(reproduction: Reproduction) -> dict[str, Any]:
    names = ("metric", "version", "mean", "sd", "inside")
    count, keys = reproduction.disagreements or (None, ())
    return {
        "version": reproduction.version,
        "outcome": reproduction.outcome,
        "identical": reproduction.how,
        "runs": len(reproduction.reruns),
        "metrics": [dict(zip(names, row, strict=True)) for row in _rows(reproduction)],
        "otherwise": {"rows": count, "keys": list(keys)},
        "reruns": [item.model_dump(mode="json") for item in reproduction.reruns],
        "notes": list(reproduction.notes),
        "entry": reproduction.entry,
    }
