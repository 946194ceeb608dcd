"""Behavioural tests of the candidate: run after both models are evaluated, or taken from a recorded report."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlci.config.models import BehaviourTests
from mlci.engine.interface import Source
from mlci.execution.stages import Command
from mlci.inference.result import BehaviourOutcome, BehaviourTest, EvaluationResult
from mlci.metrics.cost_budget import CostBudget
from mlci.operations.context import RowsContext
from mlci.operations.measure import judge_gates
from mlci.operations.models import rescore
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.report_builder import ReportContext, build_report
from mlci.registry.registry import RegistryView
from mlci.report.document import BehaviourRow, Report
from mlci.report.serialization import dump_report

if TYPE_CHECKING:
    from mlci.execution.behaviour_stage import PredictionTable


def add_tests(
    context: RowsContext,
    result: EvaluationResult,
    facts: ReportContext,
    candidate: ModelPredictions,
    baseline: ModelPredictions | None,
    *,
    view: RegistryView | None = None,
) -> EvaluationResult:
    """Run the configured tests, if any, and return the evaluation with their outcomes.

    ``view`` is the registry that holds the baseline's model, if the baseline is a version.

    Raises:
        StepError: if their command failed for another reason than a test, or left no results.
    """
    tests = context.config.tests
    if tests is None:
        return result
    from mlci.execution.behaviour_stage import BehaviourSession, run_behaviour_tests  # noqa: PLC0415 (only for tests)

    report = context.scratch / "report-for-tests.json"
    config = context.config.model_copy(update={"tests": None})
    report.write_text(dump_report(build_report(result, judge_gates(config, result), facts)), encoding="utf-8")
    session = BehaviourSession(
        config=str(Path(context.loaded.path).absolute()),
        candidate=_table(candidate.source),
        baseline=_table(baseline.source) if baseline is not None and _is_joinable(context, baseline) else None,
        model=None if candidate.model is None else str(candidate.model.absolute()),
        baseline_model=_baseline_model(context, baseline, view),
        report=str(report),
    )
    command = _command(context, tests)
    records = run_behaviour_tests(context.runner, command, session, context.scratch.resolve() / "tests")
    return replace(
        result, tests=tuple(_behaviour_test(one.name, one.outcome, one.message, one.budget) for one in records)
    )


def recorded_tests(report: Report) -> tuple[BehaviourTest, ...]:
    """Return the tests of a report: those of the same model, which are not run again."""
    return tuple(_behaviour_test(row.name, row.outcome, row.message or "", _budget(row)) for row in report.tests)


def _budget(row: BehaviourRow) -> CostBudget | None:
    return None if row.budget is None else CostBudget(**row.budget.model_dump())


def _behaviour_test(name: str, outcome: str, message: str, budget: CostBudget | None) -> BehaviourTest:
    return BehaviourTest(name, BehaviourOutcome(outcome), message, budget)


def _baseline_model(context: RowsContext, baseline: ModelPredictions | None, view: RegistryView | None) -> str | None:
    """Return the path of the baseline's model: a copy of a version's, or the one that was kept when it was made."""
    if baseline is None:
        return None
    if baseline.version is None or view is None:
        return None if baseline.model is None or not baseline.model.exists() else str(baseline.model.absolute())
    content = view.version(baseline.version).manifest
    folder = context.scratch.resolve() / "baseline-model"
    path = rescore.copy_model(content, folder, view.store, of=f"version {baseline.version}")
    return None if path is None else str(path)


def _is_joinable(context: RowsContext, baseline: ModelPredictions) -> bool:
    """Check that predictions on other rows than the candidate's have keys to join them by."""
    return baseline.own is None or context.config.evaluation.key is not None


def _table(source: Source) -> "PredictionTable":
    from mlci.execution.behaviour_stage import PredictionTable  # noqa: PLC0415 (only for tests)

    path = source.path if "://" in source.path else str(Path(source.path).absolute())
    return PredictionTable(path=path, **source.columns)


def _command(context: RowsContext, tests: BehaviourTests) -> Command:
    return Command(
        run=tests.run,
        folder=context.folder,
        name="tests",
        timeout=tests.timeout,
        seed=context.config.policy.seed,
    )
