"""``mlci gate``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import click
from pydantic import Field, ValidationError

from mlci.cli import options
from mlci.cli.events.current import current_events
from mlci.cli.output_files import clear_output
from mlci.cli.registry_factory import open_registry
from mlci.cli.run_output import REPORT_FILES, write_report
from mlci.cli.wiring import checkout_git, load_configuration, report_context, today
from mlci.config.loader import LoadedConfig
from mlci.config.models import rows_evaluation
from mlci.errors import InputError, MlciError, Problem
from mlci.events.events import ModelSelected
from mlci.execution.sanitize import sanitize
from mlci.gates.outcomes import JudgedGate
from mlci.gates.waivers import is_waivable
from mlci.git.refs import read_head
from mlci.inference import serialization
from mlci.inference.result import EvaluationResult
from mlci.inference.training_noise import TrainingNoise
from mlci.operations.context import evaluation_path
from mlci.operations.holdout import holdout_looks
from mlci.operations.holdout.holdout_looks import budget_line
from mlci.operations.measure import emit_gates, judge_gates
from mlci.operations.models import baseline_ref_or_file
from mlci.operations.registry import training_noise, waivers
from mlci.operations.report_builder import ReportContext, build_report
from mlci.report.document import BaselineRef, Candidate, HoldoutLook, Judging, Seconds, SharedRows
from mlci.report.lineage_rows import Lineage, TrendRow
from mlci.report.parts import ReportPart
from mlci.util.safe_files import read_bounded

_MOST_ORIGINS = 1_000_000


class Origins(ReportPart):
    """Facts that `mlci evaluate` writes beside its numbers."""

    candidate: Candidate
    baseline: BaselineRef
    seconds: Seconds
    anchor: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,17}:[0-9a-f]{64}$")] | None = None
    uses: int | None = None
    look: HoldoutLook | None = None
    judging: Judging | None = None
    lineage: Lineage | None = None
    trend: tuple[TrendRow, ...] = ()
    made_by_training: bool = False
    shared: SharedRows | None = None


@click.command()
@options.config
@options.out
@options.as_json
def command(config_path: Path, out: Path, *, as_json: bool) -> int:
    """Judge the evaluation.json in the output folder by the configuration's gates and write the report.

    \b
    Example:
      mlci gate --config mlci.yml --out .mlci/out
    """  # noqa: D301 (click's mark against rewrapping)
    clear_output(out, REPORT_FILES)
    loaded = load_configuration(config_path)
    current_events().emit(ModelSelected(model=loaded.config.model))
    result = serialization.parse_evaluation(
        _read(out / "evaluation.json", serialization.MOST_BYTES), path=str(out / "evaluation.json")
    )
    _agree(loaded, result)
    known = report_context(loaded)
    origins = _origins(out / "origins.json", known)
    gates = judge_gates(loaded.config, result, _noise(loaded, config_path.parent, result, origins))
    gates = (*gates, *holdout_looks.worn_out_gates(_look(loaded, result, origins), line=budget_line(loaded)))
    gates = _waived(loaded, gates, known.candidate.commit)
    emit_gates(current_events().emit, gates)
    result = replace(result, notes=(*result.notes, *holdout_looks.estimate_note(origins.look, gates)))
    return write_report(build_report(result, gates, origins), out, as_json=as_json)


def _look(loaded: LoadedConfig, result: EvaluationResult, origins: ReportContext) -> HoldoutLook | None:
    """Return the look that `mlci evaluate` found.

    Raises:
        InputError: if `reuse` is newer than the evaluation.
    """
    judged = not result.measured_nothing and result.unchanged_since is None
    if loaded.config.reuse is not None and origins.look is None and judged:
        words = "`reuse` counts looks, and `mlci evaluate` ran without it; run `mlci evaluate` again"
        raise InputError(loaded.problem(words, "reuse"))
    return origins.look


def _noise(loaded: LoadedConfig, folder: Path, result: EvaluationResult, origins: ReportContext) -> TrainingNoise:
    """Return the training noise, for gates that ask for it."""
    config, version = loaded.config, origins.baseline.version
    view = open_registry(loaded, folder).view() if training_noise.is_noise_wanted(config) else None
    rows = (
        baseline_ref_or_file.same_rows(config, result.fingerprint, evaluation_path(evaluation, folder))
        if (evaluation := rows_evaluation(config.evaluation))
        else ""
    )
    against = int(version) if version is not None and version.isdecimal() else None
    return training_noise.load_noise(config, view, against=against, rows=rows)


def _waived(loaded: LoadedConfig, gates: tuple[JudgedGate, ...], head: str | None) -> tuple[JudgedGate, ...]:
    """Return the gates after the ledger's waivers; a registry that can't be read from here has none.

    The commit is that of the event, not the one in the files of the job that ran the pull request's code.
    """
    if loaded.config.baseline != "production" or not any(is_waivable(gate) for gate in gates):
        return gates
    here = read_head(checkout_git(loaded)) if head is None else None
    head = here.commit if here is not None and not here.dirty else head
    try:
        view = open_registry(loaded, Path(loaded.path).parent).view()
        return waivers.apply_recorded_waivers(gates, view, head=head, today=today())
    except MlciError as error:
        click.echo(f"note: waivers were not read: {sanitize(str(error))}", err=True)
        return gates


def _agree(loaded: LoadedConfig, result: EvaluationResult) -> None:
    """Refuse an evaluation that was measured for another task or confidence than the configuration's."""
    config = loaded.config
    again = "run `mlci evaluate` again"
    if config.task != result.task:
        raise InputError(loaded.problem(f"`task` is {config.task}, but {result.task} was measured; {again}", "task"))
    if config.judged_confidence != result.confidence:
        named = "`policy.confidence`" if config.reuse is None else "the confidence by `policy` and `reuse`"
        words = f"{named} is {config.judged_confidence}, but {result.confidence} was measured; {again}"
        raise InputError(loaded.problem(words, "policy", "confidence"))


def _origins(path: Path, known: ReportContext) -> ReportContext:
    try:
        origins = Origins.model_validate_json(_read(path, _MOST_ORIGINS))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(Problem(f"is not a file of `mlci evaluate`: {first['msg']}", str(path))) from error
    seconds = origins.seconds.model_dump(exclude_none=True)
    return replace(
        known,
        candidate=origins.candidate,
        baseline=origins.baseline,
        seconds=seconds,
        uses=origins.uses,
        look=origins.look,
        anchor=origins.anchor,
        judging=origins.judging,
        lineage=origins.lineage,
        trend=origins.trend,
        made_by_training=origins.made_by_training,
        shared=origins.shared,
    )


def _read(path: Path, most: int) -> bytes:
    try:
        return read_bounded(path, most, links=False)
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}; run `mlci evaluate` first", str(path))) from error
