"""Evaluate both models on the same rows, or on the rows that both of their evaluation sets contain."""

from dataclasses import dataclass, replace
from pathlib import Path

from mlci.errors import InputError, Problem
from mlci.inference.result import EvaluationResult
from mlci.operations import evaluation_sets
from mlci.operations.context import RowsContext
from mlci.operations.measure import engine_job, measure_models
from mlci.operations.models import baseline_production
from mlci.operations.models.model_predictions import ModelPredictions, OwnRows
from mlci.report.document import SharedRows


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Both models' statistics, the wall time of each stage, and the rows they share if their sets differ."""

    result: EvaluationResult
    seconds: dict[str, float]
    shared: SharedRows | None = None


def evaluate_models(
    context: RowsContext, candidate: ModelPredictions, baseline: ModelPredictions | None, *, data: str
) -> Measured:
    """Measure both models; an error about a temporary file names the step that wrote it instead."""
    if baseline is not None and baseline.own is not None:
        return _on_shared_rows(context, candidate, baseline, baseline.own, data=data)
    try:
        with baseline_production.blame_registry_if_misfit(context, baseline, data):
            result, seconds = measure_models(context, candidate, baseline, data=data)
    except InputError as error:
        raise InputError.of(_placed(problem, context.scratch) for problem in error.problems) from error
    baseline_production.refuse_moved_set(baseline, result.fingerprint)
    return Measured(result=result, seconds=seconds)


def _on_shared_rows(
    context: RowsContext,
    candidate: ModelPredictions,
    baseline: ModelPredictions,
    own: OwnRows,
    *,
    data: str,
) -> Measured:
    """Measure both models on the rows that both evaluation sets contain; the candidate's set gives the fingerprint."""
    try:
        asked = engine_job(context.config, candidate.source, baseline.source, data=data)
        asked, shared = evaluation_sets.restrict_to_shared(context, asked, own)
        one = replace(candidate, source=asked.candidate)
        other = replace(baseline, source=asked.baseline or baseline.source)
        result, seconds = measure_models(context, one, other, data=asked.data)
    except InputError as error:
        raise InputError.of(_placed(problem, context.scratch) for problem in error.problems) from error
    notes = (*result.notes, evaluation_sets.shared_rows_note(shared, own))
    return Measured(
        result=replace(result, fingerprint=context.fingerprint(data), notes=notes), seconds=seconds, shared=shared
    )


def _placed(problem: Problem, scratch: Path) -> Problem:
    """Replace a temporary file, which is gone after the run, by the name of what wrote it."""
    if problem.path is None or not Path(problem.path).is_relative_to(scratch):
        return problem
    inside = Path(problem.path).relative_to(scratch).parts[-1 if "shared" in problem.path else 0]
    if inside.startswith("evaluation"):
        return replace(problem, path="shared rows of the evaluation set", line=None)
    return replace(problem, path=f"{'baseline ' if inside.startswith('baseline') else ''}predictions")
