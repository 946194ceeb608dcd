"""``mlci drill``."""

import os
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry.copies import format_bytes
from mlci.cli.registry.copy_stores import open_copy
from mlci.cli.registry.find_uv import find_uv
from mlci.cli.registry.ledger_words import sanitize_text
from mlci.cli.registry_factory import build_store, clock, open_registry, runtime_environment
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import LoadedConfig
from mlci.config.types import Duration
from mlci.engine.row_comparison import count_disagreements
from mlci.errors import InputError
from mlci.execution.environment import registry_credentials
from mlci.operations.recovery.drill import DrillResult, DrillTools, record_drill, run_drill
from mlci.operations.recovery.lag import BackupLag, measure_lag
from mlci.operations.registry.reproduce import RuntimeEnvironment
from mlci.operations.registry.retrain import EnvironmentBuilder
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.registry.verification import seconds_between
from mlci.report.text.number_format import format_duration, pluralize
from mlci.util.json_text import pretty_json

_FAILED = 1
_AGREEMENTS = {
    "identical": "the predictions are identical",
    "equivalent": "every decision and metric is the same",
    "different": "the predictions differ",
}


class _DurationType(click.ParamType[Duration]):
    """Time on the command line, as in ``mlci.yml``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Duration:  # noqa: ANN401
        """Parse a time such as ``2d``."""
        try:
            return Duration.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("url")
@options.config
@options.as_json
@click.option(
    "--environment",
    "where",
    type=click.Choice(["locked", "job"]),
    default="locked",
    show_default=True,
    help="`locked`: score in a fresh environment from the version's uv.lock, pylock.toml or requirements.txt. "
    "`job`: score in this job's environment.",
)
@click.option(
    "--max-age",
    type=_DurationType(),
    help="Fail if the registry has an entry that is older than this and not in the backup; a time such as `2d`.",
)
@click.option(
    "--record",
    is_flag=True,
    help="Record the drill in the registry's ledger, in a job that may write to it. `mlci ledger verify` then shows "
    "the newest drill, and the age of what it restored.",
)
def command(url: str, config_path: Path, *, as_json: bool, where: str, max_age: Duration | None, record: bool) -> int:
    """Prove that production can be brought back: restore from the backup alone, and score the champion again.

    The backup is restored into a temporary folder and every byte verified. Then the champion scores the evaluation set
    of this checkout, by its own commit and in a fresh environment from its lock file, and the predictions are compared
    with the stored ones. If the model is lost, the version is retrained. Without --record nothing is written to the
    registry, and it may be unreachable.

    \b
    Exit codes:
      0  restored, and the predictions agree, or there are none to compare
      1  restored, and the predictions differ, or the backup is older than --max-age
      2  configuration or URL
      3  the version's command failed
      4  the backup is unreachable or damaged

    \b
    Examples:
      mlci drill s3://backups/models
      mlci drill /mnt/backup --max-age 2d --json
      mlci drill s3://backups/models --record
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)
    backup = open_copy(loaded, url, None)
    builder = EnvironmentBuilder(find_uv()) if where == "locked" else None
    tools = DrillTools(environment=RuntimeEnvironment(runtime_environment(), builder), count=count_disagreements)
    with tempfile.TemporaryDirectory(prefix="mlci-drill-", ignore_cleanup_errors=True) as folder:
        registry = Registry(FolderStore(Path(folder), loaded.config.model))
        withheld = registry_credentials(url)
        unmetered = replace(loaded, config=loaded.config.model_copy(update={"cost": None}))  # a meter takes seconds
        with run_context(unmetered, cached=False, registry=registry, withheld=withheld) as context:
            result = run_drill(context, backup, tools)
    code = _finish(result, _lag(loaded, config_path.parent, result.copied.number), max_age, as_json=as_json)
    if record and record_drill(open_registry(loaded, config_path.parent, writes=True), result):
        click.echo("mlci: recorded the drill in the ledger", err=True)
    return code


def _lag(loaded: LoadedConfig, folder: Path, number: int) -> BackupLag:
    """Compare the registry with its backup; a registry that can't be opened from here is unknown, not an error."""
    try:
        return measure_lag(build_store(loaded, folder, dict(os.environ)), number)
    except InputError as error:
        return BackupLag(unknown=str(error))


def _finish(result: DrillResult, lag: BackupLag, max_age: Duration | None, *, as_json: bool) -> int:
    """Print the result of a drill; return the exit code.

    Raises:
        CorruptError: if the backup lacks files.
    """
    now = clock()
    lost_since = lag.since or (result.copied.newest_at if lag.unknown else None)
    exposed = seconds_between(lost_since, now) if lost_since is not None else 0.0
    too_old = max_age is not None and exposed > max_age
    text = drill_text(result, lag, age=seconds_between(result.copied.newest_at, now))
    text += f"\nthe backup is older than --max-age {max_age}: `mlci backup` was not run since" if too_old else ""
    document = {**asdict(result), "total_seconds": result.total, "lag": asdict(lag), "exposed_seconds": exposed}
    click.echo(pretty_json(document) if as_json else text)
    write_step_result({"agreement": result.scored.agreement, "entry": result.copied.number}, text)
    if result.copied.faults:
        raise CorruptError("; ".join(result.copied.faults), remedy="Run `mlci backup` while the registry has them")
    return _FAILED if too_old or result.scored.agreement == "different" else 0


def drill_text(result: DrillResult, lag: BackupLag, *, age: float) -> str:
    """Return the result of a drill, a line for each stage."""
    copied, seconds = result.copied, result.seconds
    restored = f"{pluralize(copied.entries, 'entry', 'entries')} and {pluralize(copied.files, 'file')}"
    verified = "not verified as a whole, because files are lost" if copied.faults else "every byte verified"
    newest = f"entry {copied.number} of {sanitize_text(copied.newest_at)}, {format_duration(age)} ago"
    source = f"{sanitize_text(copied.source)} in {format_duration(seconds['restore'])}"
    lines = [
        f"restored {restored} ({format_bytes(copied.bytes)}) from {source}; {verified}",
        f"the newest restorable state is {newest}; {_lag_text(lag)}",
        *_scored_lines(result),
        f"time to restore: {format_duration(result.total)}",
    ]
    return "\n".join(lines)


def _lag_text(lag: BackupLag) -> str:
    if lag.unknown:
        return f"the registry itself can't be compared: {sanitize_text(lag.unknown)}"
    if not lag.entries:
        return "the registry has nothing beyond it"
    return f"the registry has {pluralize(lag.entries, 'later entry', 'later entries')}, the first of {lag.since}"


def _scored_lines(result: DrillResult) -> list[str]:
    """Return how the champion scored, and what differs."""
    scored = result.scored
    how = "retrained" if scored.retrained else "scored again"
    if scored.agreement == "not compared":
        return [f"predictions are not compared: {sanitize_text(scored.where)}"]
    lines = [f"version {result.version}, {how} {sanitize_text(scored.where)}: {_AGREEMENTS[scored.agreement]}"]
    if scored.agreement == "different":
        rows, keys = scored.differing or (0, ())
        named = f": {', '.join(map(sanitize_text, keys))}" if keys else ""
        lines += [f"{pluralize(rows, 'row')} decided differently{named}"] if scored.differing else []
        lines += [
            f"{name}: {old:.6g} stored, {new:.6g} now" for name, (old, new) in scored.metrics.items() if old != new
        ]
    return lines
