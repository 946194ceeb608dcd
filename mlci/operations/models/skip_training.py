"""Skip training when no relevant file changed; the baseline's numbers are reported.

Training is skipped only if every file that `paths:` covers is unchanged since the merge base and since the commit of
the baseline, and if the evaluation set has the content that the baseline was judged on. If training would make that
set, or only a metrics file, `paths:` has to be explicit: see ``relevant_changes``. In any doubt, everything runs.
"""

from dataclasses import replace
from pathlib import Path

from mlci.config.models import Baseline, Config
from mlci.engine.tables.table_path import files_of
from mlci.errors import InputError
from mlci.git.git import is_tracked, tracked_files
from mlci.git.refs import resolve_ref
from mlci.inference.evidence import Cause, Evidence, Point, Tie, Undefined
from mlci.inference.intervals.error_intervals import Recorded
from mlci.inference.result import Comparison, Disparity, EvaluationResult, GroupRate
from mlci.lineage.rows import SCHEME
from mlci.metrics import catalogue
from mlci.metrics.statistics import Scope
from mlci.operations import evaluation_sets, metrics_only
from mlci.operations.behaviour import recorded_tests
from mlci.operations.context import MetricsContext, RowsContext, RunContext
from mlci.operations.metrics_only import MetricValues
from mlci.operations.models import baseline_production, recorded_predictions
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.models.relevant_changes import find_difference, reason_to_train
from mlci.registry.registry import RegistryView, Version
from mlci.report.document import DisparityRow, Evidenced, MetricRow, Report

_OF_BOTH = frozenset({Cause.NAME, Cause.MISSING, Cause.LABELS, Cause.TOO_FEW})
"""Causes that do not depend on the model that a version was compared with."""


def unchanged_since(context: RunContext, since: str) -> str | None:
    """Return the merge base with ``since`` if no relevant file differs from it; ``None`` in any doubt.

    Args:
        context: Run context.
        since: Commit or branch that the change is to be merged into.
    """
    try:
        answer = context.git.ask("merge-base", "--", since, "HEAD")
    except InputError:
        return None
    base = answer.out.partition("\n")[0]
    if answer.status != 0 or not base:
        context.say(f"--changed-since {since}: no common commit is in this clone (`fetch-depth: 0`?), so training runs")
        return None
    if difference := find_difference(context.loaded, context.git, base):
        context.say(f"--changed-since {since}: compared with {base[:7]}, {difference}, so everything runs")
        return None
    return base


def same_as_champion(context: RowsContext, champion: ModelPredictions) -> ModelPredictions | None:
    """Return the champion's predictions as the candidate's, if the candidate would be made from the same files.

    Only predictions that the champion was judged on are used: if the evaluation set moved, it may have moved outside of
    the repository, and the training data with it.
    """
    if champion.version is None or champion.rescored or not _rows_are_inside(context):
        return None
    if not same_files(context, champion.made_from, of=f"version {champion.version}"):
        return None
    return replace(champion, commit=None, version=None, label=None, notes=(), seconds={})


def same_as_file(context: RowsContext, baseline: ModelPredictions) -> ModelPredictions | None:
    """Return the predictions of the baseline's file as the candidate's, if git tracks them and the evaluation set."""
    chosen = context.config.baseline
    if not isinstance(chosen, Baseline) or chosen.file is None or not _rows_are_inside(context):
        return None
    if not is_tracked(context.git, chosen.file) or not _is_tracked(context):
        context.say(f"nothing relevant changed, but git does not track {chosen.file} and its rows, so everything runs")
        return None
    return replace(baseline, label=None)


def recorded_champion(context: RowsContext, view: RegistryView) -> tuple[Version, Report] | None:
    """Return the champion and its report, if training would reproduce its model and its evaluation set.

    Args:
        context: Run context with the registry.
        view: The registry as of one entry.
    """
    champion = view.champion
    if champion is None or not _rows_are_inside(context):
        return None
    of = f"version {champion.number}"
    if not same_files(context, recorded_predictions.made_from(context.config, champion), of=of):
        return None
    report = baseline_production.report_of(context, champion)
    if report is None or not report.evaluation.made_by_training or report.evaluation.rows is None:
        context.say(f"nothing relevant changed, but {of} was judged on rows that no training made, so training runs")
        return None
    return (champion, report) if report.policy.confidence == context.config.judged_confidence else None


def same_as_reference(context: RowsContext) -> bool:
    """Check if a baseline from a reference is made from the same files, evaluation set included."""
    baseline = context.config.baseline
    if not isinstance(baseline, Baseline) or baseline.ref is None:
        return False
    if not evaluation_sets.is_made_by_training(context) and not _is_tracked(context):
        context.say(
            f"nothing relevant changed, but git does not track {context.config.evaluation.data}, so training runs"
        )
        return False
    return _rows_are_inside(context) and same_as_ref(context, str(baseline.ref))


def same_as_ref(context: RunContext, ref: str) -> bool:
    """Check that no relevant file differs from a reference; an unknown reference counts as different."""
    try:
        return same_files(context, resolve_ref(context.git, ref).commit, of=ref)
    except InputError:
        return False


def same_metrics(context: MetricsContext, view: RegistryView | None) -> MetricValues | None:
    """Return the baseline's numbers in metrics files as the candidate's, if it would be made from the same files.

    The numbers are empty if nothing recorded any: against a reference whose metrics file git does not track.
    """
    if not _inside(context, shown=False):
        return None
    if view is not None:
        champion = view.champion
        of = f"version {champion.number}" if champion is not None else "production"
        made_from = None if champion is None else recorded_predictions.made_from(context.config, champion)
        same = same_files(context, made_from, of=of)
        return metrics_only.champion_values(context, view) if same else None
    baseline = context.config.baseline
    if not isinstance(baseline, Baseline):
        return None
    if baseline.file is not None:
        return metrics_only.of_file(context) if is_tracked(context.git, baseline.file) else None
    if not same_as_ref(context, str(baseline.ref)):
        return None
    commit = resolve_ref(context.git, str(baseline.ref)).commit
    return metrics_only.as_committed(context, commit)


def same_files(context: RunContext, commit: str | None, *, of: str) -> bool:
    """Check if a baseline was made from a commit without a relevant difference.

    Args:
        context: Run context.
        commit: The commit; ``None`` if it is unknown, or the baseline was also made from other changes.
        of: The baseline in messages: ``version 7``, ``main``.
    """
    if commit is None:
        context.say(f"nothing relevant changed, but no commit holds what {of} was made from, so training runs")
        return False
    if difference := find_difference(context.loaded, context.git, commit):
        reason = f"{of} was made from {commit[:7]}: {difference}"
        context.say(f"nothing relevant changed since the merge base, but {reason}, so everything runs")
        return False
    return True


def result_without_rows(config: Config, base: str) -> EvaluationResult:
    """Return an evaluation without measurements, because no relevant file differs from ``base``."""
    return EvaluationResult(
        task=config.task,
        rows=None,
        fingerprint=None,
        has_baseline=True,
        confidence=config.judged_confidence,
        seed=config.policy.seed,
        comparisons=(),
        unchanged_since=base,
    )


def _rows_are_inside(context: RowsContext) -> bool:
    return _inside(context, shown=not evaluation_sets.is_made_by_training(context))


def _inside(context: RunContext, *, shown: bool) -> bool:
    """Check that no data outside of the repository is used, which may have changed."""
    reason = reason_to_train(context.config, context.git, shown=shown)
    if reason is not None:
        context.say(f"nothing relevant changed, but everything runs: {reason}")
    return reason is None


def _is_tracked(context: RowsContext) -> bool:
    """Check if the evaluation set is one file that git tracks, or two with its labels."""
    paths = [Path(file) for file in files_of(context.data)]
    try:
        return all(path.is_file() and bool(tracked_files(context.git, path)) for path in paths)
    except InputError:
        return False


def recorded_result(config: Config, report: Report, *, version: int, base: str) -> EvaluationResult:
    """Return an evaluation in which both models are the champion, with the numbers of its report.

    Args:
        config: The configuration.
        report: The champion's report.
        version: The champion's number.
        base: Commit since which nothing relevant changed.
    """
    level, evaluation = report.policy.confidence, report.evaluation
    return EvaluationResult(
        task=report.task,
        rows=evaluation.rows,
        fingerprint=evaluation.fingerprint if evaluation.fingerprint_scheme == SCHEME else None,
        has_baseline=True,
        confidence=level,
        seed=config.policy.seed,
        comparisons=tuple(_recorded_comparison(row, level) for row in report.metrics),
        disparities=tuple(_recorded_disparity(row, level) for row in report.disparities),
        tests=recorded_tests(report),
        notes=(f"the numbers are those of version {version}, as recorded when it was judged",),
        unchanged_since=base,
    )


def _recorded_comparison(row: MetricRow, level: float) -> Comparison:
    value = _recorded_value(row, level)
    return Comparison(
        metric=row.metric,
        scope=Scope(row.slice, row.group),
        rows=row.rows or 0,
        support=row.support or 0,
        unit=row.support_unit or "rows",
        candidate=value,
        baseline=value,
        change=_no_change(row),
    )


def _recorded_disparity(row: DisparityRow, level: float) -> Disparity:
    value = _recorded_value(row, level)
    groups = tuple(
        GroupRate(
            group=group.group,
            rows=group.rows,
            baseline=group.candidate,
            candidate=group.candidate,
            ratio=group.ratio,
            difference=group.difference,
            shortage=group.shortage,
        )
        for group in row.groups
    )
    return Disparity(
        metric=row.metric,
        across=row.across,
        reference=row.reference,
        groups=groups,
        small=tuple(group.group for group in row.groups if group.small),
        smallest=min((group.rows for group in row.groups if not group.small), default=0),
        candidate=value,
        baseline=value,
        change=_no_change(row),
    )


def _recorded_value(row: Evidenced, level: float) -> Evidence:
    if row.candidate is None:
        of_both = catalogue.is_shift_metric(row.metric) and row.cause is None  # one model has no value of it
        cause = None if of_both else _cause(row, Cause.CANDIDATE)
        return Undefined(row.reason or "it has no value", cause=cause)
    reason = None if row.candidate_interval else row.reason
    if row.candidate_method == Point.method:
        return Point(row.candidate, reason=reason)
    method = row.candidate_method or row.method or "recorded"
    return Recorded(row.candidate, row.candidate_interval, level, method, reason)


def _no_change(row: Evidenced) -> Evidence:
    """Return the change from the champion to itself: none, or none that exists."""
    shift = catalogue.is_shift_metric(row.metric) and _cause(row, Cause.BOTH) not in _OF_BOTH
    if row.candidate is None and not shift:
        return Undefined(row.reason or "it has no value", cause=_cause(row, Cause.BOTH))
    return Point(0.0) if row.candidate_method == Point.method else Tie()


def _cause(row: Evidenced, instead: Cause) -> Cause:
    cause = Cause(row.cause) if row.cause is not None else instead
    return cause if cause in _OF_BOTH else instead
