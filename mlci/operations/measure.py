"""Reduce both models' predictions to estimates, and judge the gates; it runs no command and imports none that does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from mlci.config.models import Config, RowsConfig
from mlci.cost.energy import ENERGY
from mlci.cost.minutes import COST, PREDICTION_COST
from mlci.engine.interface import Engine, Job, Source
from mlci.errors import InputError, Problem
from mlci.events.events import Emit, EvaluationFinished, GateEvaluated, NoteShown
from mlci.gates.behaviour import RequiredTests, judge_behaviour
from mlci.gates.judge import judge_rules
from mlci.gates.outcomes import JudgedGate
from mlci.inference.evaluate import evaluate
from mlci.inference.evidence import Evidence, Point, Undefined
from mlci.inference.result import Comparison, EvaluationResult
from mlci.inference.slice_search import confirm_slices
from mlci.inference.training_noise import UNKNOWN, TrainingNoise
from mlci.metrics.statistics import WHOLE
from mlci.metrics.worst_slices import SliceSearch
from mlci.operations import evaluation_plan
from mlci.operations.evaluation_plan import slice_search
from mlci.operations.models.model_predictions import PER_ROWS, PER_THOUSAND, ModelPredictions
from mlci.sealed.label_seal import is_sealed

_ONCE = "measured once, so without an interval"


class MeasurePorts(Protocol):
    """Configuration and ports that a measurement needs; a run's context has them."""

    @property
    def config(self) -> RowsConfig:
        """The configuration."""

    @property
    def engine(self) -> Engine:
        """Turns tables into statistics."""

    @property
    def clock(self) -> Callable[[], float]:
        """Monotonic clock, in seconds."""

    @property
    def emit(self) -> Emit:
        """Receives the events of the run."""

    @property
    def public(self) -> bool:
        """Whether everyone can read the report."""


def judge_gates(config: Config, result: EvaluationResult, noise: TrainingNoise = UNKNOWN) -> tuple[JudgedGate, ...]:
    """Judge the gates and the required tests of a configuration against an evaluation."""
    if result.measured_nothing:
        return ()
    smallest = config.evaluation.min_group_size if config.evaluation else 1
    gates = judge_rules(evaluation_plan.gate_rules(config), result, min_group_size=smallest, noise=noise)
    if config.tests is None:
        return gates
    tests, policy = config.tests, config.policy
    required = RequiredTests(
        names=tests.required, line=tests.line, inconclusive=policy.inconclusive, no_baseline=policy.no_baseline
    )
    return *gates, *judge_behaviour(result, required)


def measure_models(
    context: MeasurePorts, candidate: ModelPredictions, baseline: ModelPredictions | None, *, data: str
) -> tuple[EvaluationResult, dict[str, float]]:
    """Reduce the tables and estimate every metric that the configuration asks for; also return stages' wall times."""
    begun = context.clock()
    asked = engine_job(context.config, candidate.source, baseline.source if baseline else None, data=data)
    search, unsearched = _slice_search(context, baseline)
    asked = replace(asked, row_changes=_shown_rows(context, baseline), slice_search=search)
    slow = ", ".join(metric.name for metric in asked.row_metrics)
    many = f": {slow} by resamples of every group" if slow else ""
    context.emit(NoteShown(text=f"evaluate{many}"))
    observed = context.engine.observe(asked)
    notes = (*candidate.notes, *(baseline.notes if baseline else ()), *observed.notes, *_hidden_rows(context))
    notes = (*notes, *unsearched)
    question = evaluation_plan.evaluation_question(context.config, baseline=baseline is not None)
    if observed.undecided:
        custom = frozenset(metric.name for metric in asked.row_metrics if metric.on == "decision")
        decides = evaluation_plan.DecisionMetrics(custom)
        decides.refuse_gates(context.config, observed.undecided, candidate.source.path)
        question, notes = (
            decides.leave_out(question),
            (*notes, evaluation_plan.missing_threshold_note(observed.undecided)),
        )
    result = evaluate(observed.statistics, question, fingerprint=observed.fingerprint, notes=notes)
    searched = observed.searched_slices
    found = None if searched is None else confirm_slices(searched, result.confidence)
    result = replace(result, row_changes=observed.row_changes, worst_slices=found)
    if observed.undecided:
        result = replace(result, agreement=None)
    before = operational_metrics_of(baseline, rows=observed.rows) if baseline else {}
    now = operational_metrics_of(candidate, rows=observed.rows)
    asked_operations = evaluation_plan.asked_operations(context.config)
    result = add_operational_metrics(result, asked_operations, now, before, unknown=candidate.unknown)
    took = context.clock() - begun
    context.emit(EvaluationFinished(seconds=took, rows=observed.rows))
    return result, {**candidate.seconds, **(baseline.seconds if baseline else {}), "evaluate": took}


def emit_gates(emit: Emit, gates: Iterable[JudgedGate]) -> None:
    """Emit an event for each gate, after waivers."""
    for gate in gates:
        emit(GateEvaluated(gate=gate.id, metric=gate.rule.metric, outcome=gate.outcome.value, blocks=gate.blocks))


def _shown_rows(context: MeasurePorts, baseline: ModelPredictions | None) -> int:
    """Return how many rows the report shows: none on sealed labels, and in public only if the configuration says so."""
    return 0 if baseline is None or _hidden_rows(context) else context.config.report.rows


def _slice_search(
    context: MeasurePorts, baseline: ModelPredictions | None
) -> tuple[SliceSearch | None, tuple[str, ...]]:
    """Return the search for the worst slices, or the note about why a configured one is left out."""
    search = slice_search(context.config.evaluation)
    if search is None:
        return None, ()
    if baseline is None:
        return None, (
            "the worst slices are left out, because the search compares two models, and the baseline is missing",
        )
    if is_sealed(context.config.evaluation.labels):
        return None, ("the worst slices are left out, because the labels are sealed and a search reveals them",)
    return search, ()


def _hidden_rows(context: MeasurePorts) -> tuple[str, ...]:
    """Return the note about rows that a report on sealed labels, or a public one, leaves out."""
    report, evaluation = context.config.report, context.config.evaluation
    if report.rows and evaluation is not None and is_sealed(evaluation.labels):
        return (
            "the rows that changed most are left out, because a row is shown with its label, and the labels are sealed",
        )
    if not report.rows or report.public or not context.public:
        return ()
    wanted = f"`report: {{rows: {report.rows}, public: true}}`"
    return (f"the rows that changed most are left out, because everyone can read this report; {wanted} shows them",)


def operational_metrics_of(side: ModelPredictions, *, rows: int) -> dict[str, float]:
    """Return a model's operational metrics, prediction times for a thousand rows."""
    return scale_costs(side.costs, measured_for=PER_ROWS, rows=side.measured_for or rows)


def engine_job(config: RowsConfig, candidate: Source, baseline: Source | None, *, data: str) -> Job:
    """Return the engine's job for a configuration."""
    evaluation = config.evaluation
    if evaluation.weight is not None and is_sealed(evaluation.labels):
        message = (
            "`evaluation.weight` is refused with sealed labels: one row of a very large weight would reveal its label; "
            "remove `weight`, or evaluate on labels that are not sealed"
        )
        raise InputError(Problem(message, setting=("evaluation", "weight")))
    needs = evaluation_plan.required_statistics(config)
    return Job(
        task=config.task,
        data=data,
        key=evaluation.key,
        label=evaluation.label,
        positive=evaluation.positive,
        classes=evaluation.classes,
        threshold=config.predict.threshold,
        assumed_threshold="threshold" not in config.predict.model_fields_set,
        slices=evaluation_plan.engine_slices(config),
        candidate=candidate,
        baseline=baseline,
        decisions=config.task in {"binary", "multiclass"},
        scores=needs.scores,
        calibration=needs.calibration,
        losses=needs.losses,
        class_ranks=needs.class_ranks,
        probabilities=needs.probabilities,
        zero_labels="refused" if evaluation_plan.divides_by_label(config) else "left out",
        row_metrics=needs.custom,
        row_timeout=float(evaluation.timeout),
        seed=config.policy.seed,
        max_groups=evaluation.max_groups,
        cluster=evaluation.cluster,
        weight=evaluation.weight,
        query=evaluation.query,
        rankings=needs.rankings,
    )


def add_operational_metrics(
    result: EvaluationResult,
    asked: tuple[str, ...],
    candidate: Mapping[str, float],
    baseline: Mapping[str, float],
    *,
    unknown: Mapping[str, str] | None = None,
) -> EvaluationResult:
    """Add measured costs: all of the candidate's, and those of gates even if nothing was measured.

    ``unknown`` has the reasons of metrics that could not be measured.
    """
    names, reasons = dict.fromkeys((*candidate, *asked)), unknown or {}
    added = tuple(
        _comparison(name, candidate.get(name), baseline.get(name), result, reason=reasons.get(name)) for name in names
    )
    return replace(result, comparisons=result.comparisons + added)


def scale_costs(costs: Mapping[str, float], *, measured_for: int, rows: int) -> dict[str, float]:
    """Convert prediction times and costs, measured as if for ``measured_for`` rows, to a thousand of ``rows``."""
    factor = measured_for / rows if rows else 0.0
    return {name: value * factor if name in PER_THOUSAND else value for name, value in costs.items()}


def _comparison(
    name: str, now: float | None, before: float | None, result: EvaluationResult, *, reason: str | None
) -> Comparison:
    change: Evidence = Undefined(_one_model_only(name))
    if now is not None and before is not None:
        change = Point(now - before, reason=_ONCE)
    return Comparison(
        metric=name,
        scope=WHOLE,
        rows=result.rows or 0,
        support=1,
        unit="runs",
        candidate=_point(name, now, reason),
        baseline=_point(name, before) if result.has_baseline else None,
        change=change if result.has_baseline else None,
    )


def _one_model_only(name: str) -> str:
    """Return the reason of a missing change: a baseline that was not measured, an unknown price or energy."""
    said = f"{name} was measured for one model only: the baseline came from a file or the cache"
    if name not in {COST, PREDICTION_COST, ENERGY}:
        return said
    what = "energy" if name == ENERGY else "price"
    return f"{said}, or is a version that was judged without a known {what}; limit it by `max` until the next promotion"


def _point(name: str, value: float | None, reason: str | None = None) -> Evidence:
    return (
        Undefined(reason or f"{name} was not measured: no step of this run has it")
        if value is None
        else Point(value, reason=_ONCE)
    )
