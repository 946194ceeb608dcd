"""Reference of monitoring: the version in production, its predictions on the evaluation set, and their quality."""

from dataclasses import dataclass, replace
from pathlib import Path

from mlci.config.models import RowsConfig
from mlci.engine.interface import Job, Source
from mlci.errors import InputError
from mlci.gates.limits import Rule
from mlci.inference.evaluate import evaluate
from mlci.metrics import catalogue
from mlci.metrics.catalogue import PER_CLASS
from mlci.monitor.quality import ScopedResult
from mlci.operations import evaluation_plan
from mlci.operations.context import RowsContext
from mlci.operations.measure import engine_job
from mlci.operations.models import baseline_ref_or_file
from mlci.operations.models.recorded_predictions import is_made_on
from mlci.operations.registry.find_version import find_version
from mlci.registry import stored_files
from mlci.registry.manifest import Predictions
from mlci.registry.registry import RegistryView, Version


@dataclass(frozen=True, kw_only=True)
class ProductionVersion:
    """The version in production with its predictions on the current evaluation set."""

    version: Version
    predictions: Predictions
    path: Path

    @property
    def source(self) -> Source:
        """The predictions, for the engine."""
        return Source.of(str(self.path), self.predictions)


def find_production(context: RowsContext, view: RegistryView) -> ProductionVersion:
    """Return the version in production, verified, with its predictions on the evaluation set.

    Raises:
        InputError: if nothing was promoted, or the registry has no predictions on the current evaluation set.
        CorruptError: if the version is damaged.
    """
    champion = find_version(view)
    of, own = f"version {champion.number}", champion.manifest.predictions
    rows = baseline_ref_or_file.rows_fingerprint(context)
    same = baseline_ref_or_file.is_same_set(context, own.fingerprint, rows)
    predictions = own if same else is_made_on(view, champion, rows)
    if predictions is None:
        raise InputError(
            f"the evaluation set `{context.config.evaluation.data}` is not the one that {of} was judged on, and the "
            f"registry does not have the predictions of {of} on it. Check out the commit of {of}, or let a run with "
            "`baseline: production` that may write the registry add them:\n    mlci run\n    mlci promote"
        )
    target = context.scratch / "reference" / predictions.file.name
    path = stored_files.fetch_file(view.store, predictions.file, target, of=of)
    return ProductionVersion(version=champion, predictions=predictions, path=path)


def monitored_rules(config: RowsConfig) -> tuple[Rule, ...]:
    """Return the gates that rows of production can answer.

    Not costs, not shifts of two models, not custom metrics, and not the gain that a pull request had to prove.
    """
    rules = (rule for rule in evaluation_plan.gate_rules(config) if _is_answerable(rule.metric))
    kept = (replace(rule, limits=tuple(one for one in rule.limits if not one.proves_gain)) for rule in rules)
    return tuple(rule for rule in kept if rule.limits)


def _is_answerable(metric: str) -> bool:
    if catalogue.is_shift_metric(metric):
        return False
    if catalogue.find_disparity(metric) is not None or PER_CLASS.match(metric):
        return True
    info = catalogue.find(metric)
    return info is not None and info.kind != "operation"


def measure_rows(
    context: RowsContext,
    source: Source,
    *,
    data: str,
    label: str | None = None,
    slices: frozenset[str] | None = None,
    classes: tuple[str, ...] = (),
) -> ScopedResult:
    """Measure predictions on labelled rows: the metrics to report, and the disparities of gates.

    Args:
        context: Run context.
        source: The predictions.
        data: The evaluation set, or a window of the log.
        label: Column with the labels in ``data``, which then has the predictions, too.
        slices: Columns of slices that ``data`` has; ``None`` for all.
        classes: Classes of a multiclass task, as the evaluation set has them.

    Raises:
        InputError: if the rows can't be judged.
    """
    job = _without_custom(engine_job(context.config, source, None, data=data))
    if label is not None:
        job = replace(job, label=label, key=None)
    if classes and job.task == "multiclass":
        job = replace(job, classes=classes)
    if slices is not None:
        job = replace(job, slices=tuple(one for one in job.slices if {part.column for part in one.columns} <= slices))
    observed = context.engine.observe(job)
    question = evaluation_plan.evaluation_question(context.config, baseline=False)
    named = tuple(name for name in question.metrics if catalogue.find(name) is not None)
    spreads = tuple({(rule.metric, rule.across) for rule in monitored_rules(context.config) if rule.across is not None})
    level = context.config.policy.confidence  # production is another set, whose looks are not counted
    question = replace(question, metrics=named, disparities=spreads, confidence=level)
    if observed.undecided:
        question = evaluation_plan.DecisionMetrics(frozenset()).leave_out(question)
    result = evaluate(observed.statistics, question, fingerprint=observed.fingerprint, notes=observed.notes)
    return ScopedResult.of(observed.statistics, result)


def _without_custom(job: Job) -> Job:
    """Leave out functions of rows: monitoring runs no code of the user."""
    return replace(job, row_metrics=(), row_changes=0, slice_search=None)
