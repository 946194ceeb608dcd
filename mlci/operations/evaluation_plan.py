"""Plan of an evaluation: a configuration as engine job, question and rules. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mlci.config.checks.scores import score_direction
from mlci.config.models import Config, Evaluation, Gate, Reported, RowsConfig, effective_slices, slice_scope
from mlci.config.slices import Slice, SliceColumnConfig, slice_columns, slice_name
from mlci.engine.interface import SliceColumn, SliceSpec
from mlci.engine.tables import cell_values
from mlci.errors import InputError, Problem
from mlci.gates.limits import Limit, Rule
from mlci.inference.evaluate import Question
from mlci.metrics import catalogue
from mlci.metrics.catalogue import PARITIES, PER_CLASS, shown_name
from mlci.metrics.entries import Direction, MetricInfo
from mlci.metrics.external import sklearn_metric
from mlci.metrics.row_metrics import On, RowMetric
from mlci.metrics.worst_slices import SliceSearch

PROBABILITY = frozenset({"brier_score_loss", "log_loss", "calibration_in_the_large", "expected_calibration_error"})
_DIVIDING = "mean_absolute_percentage_error"
_ON: dict[str, On] = {"scores": "score", "decisions": "decision"}
_FAIRNESS = {
    "binary": (
        *PARITIES,
        "false_positive_rate",
        "false_negative_rate",
        "false_omission_rate",
        "false_discovery_rate",
    ),
    "multiclass": ("accuracy",),
    "regression": (),
    "ranking": (),
}


@dataclass(frozen=True, kw_only=True)
class RequiredStatistics:
    """Statistics that the metrics of a run need."""

    scores: bool
    calibration: bool
    losses: tuple[str, ...]
    class_ranks: tuple[str, ...]
    probabilities: bool
    custom: tuple[RowMetric, ...]
    rankings: tuple[str, ...] = ()


def engine_slices(config: RowsConfig) -> tuple[SliceSpec, ...]:
    """Return the slices for the engine."""
    return tuple(SliceSpec(name=slice_name(item), columns=_columns(item)) for item in effective_slices(config))


def reference_groups(evaluation: Evaluation) -> dict[str, str]:
    """Return the reference group by slice, for slices that have one."""
    chosen = (item for item in evaluation.slices if isinstance(item, SliceColumnConfig) and item.reference is not None)
    return {item.column: _group_name(item.reference) for item in chosen}


def gate_rules(config: Config) -> tuple[Rule, ...]:
    """Return the gates as rules, each with its policy; duplicates are dropped."""
    rules = [_rule(gate, index, config) for index, gate in enumerate(config.gates)]
    return tuple({replace(rule, index=None, line=None): rule for rule in reversed(rules)}.values())[::-1]


def asked_metrics(config: RowsConfig) -> tuple[str, ...]:
    """Return the plain metrics to measure in every scope: the listed ones and those of gates."""
    asked = config.evaluation.reported
    names = [metric_name(item) for item in asked] if asked is not None else _default_metrics(config)
    names += [metric_name(gate) for gate in config.gates]
    return tuple(
        dict.fromkeys(item for item in names if catalogue.find_disparity(item) is None and not _measured_by_run(item))
    )


def asked_disparities(config: RowsConfig) -> tuple[tuple[str, str], ...]:
    """Return (metric, slice) pairs of disparities: all fairness metrics unless metrics are listed, and the gates'."""
    asked = config.evaluation.reported
    spreads = (
        _default_disparities(config)
        if asked is None
        else [metric_name(item) for item in asked if catalogue.find_disparity(item.metric)]
    )
    pairs = [(metric, slice_name(item)) for item in effective_slices(config) for metric in spreads]
    pairs += [(metric_name(gate), str(slice_scope(gate))) for gate in config.gates if gate.across is not None]
    return tuple(dict.fromkeys(pairs))


def metric_name(item: Gate | Reported) -> str:
    """Return the name of a metric in reports."""
    return catalogue.shown_metric(shown_name(catalogue.shown_metric(item.metric), item.params or {}))


def row_metrics(config: RowsConfig) -> tuple[RowMetric, ...]:
    """Return the metrics that are functions of rows, each once, with the settings of all its mentions."""
    reported = config.evaluation.reported or ()
    metrics: dict[str, RowMetric] = {}
    entries: list[Gate | Reported] = [*config.gates, *reported]
    for item in entries:
        name, written = metric_name(item), item.metric
        if catalogue.find(name) is not None:
            continue
        earlier = metrics.get(name)
        on: On | None = _ON[item.on] if item.on else earlier.on if earlier else None
        line = earlier.line if earlier else getattr(item, "line", None)
        function = written if ":" in written else catalogue.canonical(written)
        resampling = item.method or (earlier.resampling if earlier else None)
        metrics[name] = RowMetric(
            name=name, function=function, on=on, params=item.params or {}, resampling=resampling, line=line
        )
    return tuple(metrics.values())


def required_statistics(config: RowsConfig) -> RequiredStatistics:
    """Return the statistics that the run's metrics and disparities need."""
    names = set(asked_metrics(config))
    for metric, _ in asked_disparities(config):
        spread = catalogue.find_disparity(metric)
        names |= set(spread.bases) if spread else set()
    infos = [info for name in sorted(names) if (info := catalogue.find(name))]
    return RequiredStatistics(
        scores=any(info.kind == "ranks" for info in infos),
        calibration=any(info.kind == "calibration" for info in infos),
        losses=tuple(dict.fromkeys(info.loss for info in infos if info.loss and info.kind != "class_ranks")),
        class_ranks=tuple(dict.fromkeys(info.loss for info in infos if info.loss and info.kind == "class_ranks")),
        probabilities=_requires_probabilities(config, names),
        custom=row_metrics(config),
        rankings=tuple(info.name for info in infos if info.kind == "ranking"),
    )


def _requires_probabilities(config: RowsConfig, names: Iterable[str]) -> bool:
    """Whether scores outside [0, 1] are refused: not if only the default metrics would need probabilities.

    A configured threshold states that scores are on the scale that the default metrics expect.
    """
    reported = config.evaluation.reported
    named = [*(item.metric for item in config.gates), *(item.metric for item in reported or ())]
    chosen = names if reported is not None or "threshold" in config.predict.model_fields_set else named
    return any(part in PROBABILITY for name in chosen for part in _parts(name))


def divides_by_label(config: RowsConfig) -> bool:
    """Whether a gate, or the list of metrics to report, names a metric that divides by the label."""
    asked = config.evaluation.metrics or ()
    names = [item if isinstance(item, str) else item.metric for item in (*asked, *config.gates)]
    return any(_DIVIDING in part for name in names for part in _parts(name))


def _parts(name: str) -> tuple[str, ...]:
    return tuple(map(catalogue.canonical, (spread.bases if (spread := catalogue.find_disparity(name)) else (name,))))


def evaluation_question(config: RowsConfig, *, baseline: bool) -> Question:
    """Return the question for the inference."""
    evaluation = config.evaluation
    return Question(
        task=config.task,
        metrics=asked_metrics(config),
        baseline=baseline,
        disparities=asked_disparities(config),
        references=reference_groups(evaluation),
        confidence=config.judged_confidence,
        seed=config.policy.seed,
        min_group_size=evaluation.min_group_size,
        per_class=config.task == "multiclass" and evaluation.metrics is None,
        named=_named_by_slice(config),
    )


def _named_by_slice(config: RowsConfig) -> dict[str, frozenset[str]]:
    """Return the metrics that `evaluation.metrics` lists, and those that gates limit in a slice, by slice."""
    listed = {metric_name(item) for item in config.evaluation.reported or ()}
    gated = [(slice_scope(gate), metric_name(gate)) for gate in config.gates]
    slices = [slice_name(item) for item in effective_slices(config)]
    return {name: frozenset(listed | {metric for where, metric in gated if where == name}) for name in slices}


def asked_operations(config: Config) -> tuple[str, ...]:
    """Return the operational metrics that gates limit."""
    return tuple(dict.fromkeys(gate.metric for gate in config.gates if _measured_by_run(gate.metric)))


def _rule(gate: Gate, index: int, config: Config) -> Rule:
    return Rule(
        metric=gate.metric if config.predict.metrics or config.predict.log else metric_name(gate),
        limits=tuple(_directed(limit, gate, config) for limit in gate.limits),
        each=slice_scope(gate) if gate.each is not None else None,
        across=slice_scope(gate) if gate.across is not None else None,
        judge=gate.judge,
        retraining=gate.noise == "retraining",
        inconclusive=gate.policy.inconclusive or config.policy.inconclusive,
        no_baseline=gate.policy.no_baseline or config.policy.no_baseline,
        index=index,
        line=gate.line,
    )


def _directed(limit: Limit, gate: Gate, config: Config) -> Limit:
    """Return a limit with its direction, which the key of a gain that has to be proven does not say."""
    if not limit.proves_gain:
        return limit
    return replace(limit, lower_is_better=gate.gain_direction(_direction(gate.metric, config)) == "lower")


def _direction(name: str, config: Config) -> Direction:
    if config.task == "scores":
        return score_direction(name)
    info = catalogue.find(name) or sklearn_metric(name) or sklearn_metric(catalogue.canonical(name))
    return info.direction if info is not None else "none"


def _columns(item: Slice) -> tuple[SliceColumn, ...]:
    return tuple(SliceColumn(column=column.column, cut=column.cut) for column in slice_columns(item))


def _group_name(value: object) -> str:
    """Return a group's name as the engine writes it; ``(null)`` is the group without a value."""
    if isinstance(value, str):
        return value if value == cell_values.NULL_GROUP else cell_values.group_name(value)
    return cell_values.group_name(cell_values.parse_cell(value))


def _default_metrics(config: RowsConfig) -> list[str]:
    names = catalogue.metrics_of_task(config.task)
    predict = config.predict
    scored = predict.model is not None or predict.score is not None
    if config.task == "binary" and not scored:
        names = [name for name in names if _info(name).kind not in {"ranks", "loss", "calibration"}]
    if config.task == "multiclass" and predict.probabilities is None:
        names = [name for name in names if _info(name).kind not in catalogue.OF_PROBABILITIES]
    if config.task == "binary" and not 0 < predict.threshold < 1:
        names = [name for name in names if name not in PROBABILITY]
    return names


def _default_disparities(config: RowsConfig) -> list[str]:
    if config.task == "ranking":
        return []
    names = [f"{base}_{kind}" for base in _FAIRNESS[config.task] for kind in ("difference", "ratio")]
    return names or ["mean_error_difference", "mean_absolute_error_difference"]


def _measured_by_run(name: str) -> bool:
    info = None if PER_CLASS.match(name) else catalogue.find(name)
    return info is not None and info.kind == "operation"


def _info(name: str) -> MetricInfo:
    info = catalogue.find(name)
    if info is None:
        raise KeyError(name)
    return info


_OF_SCORES = frozenset({"ranks", "operation", *catalogue.OF_PROBABILITIES})
_REMEDY = "set the decision threshold: `predict: {threshold: …}`"


def missing_threshold_note(found: Sequence[str]) -> str:
    """Return the report's note about models whose scores have no threshold."""
    return f"{_why(found)}, so metrics of decisions and probabilities are left out; for those of decisions, {_REMEDY}"


def _why(found: Sequence[str]) -> str:
    return f"{found[0]}, for which 0.5 is not a threshold"


@dataclass(frozen=True)
class DecisionMetrics:
    """Selection of the metrics that need decisions.

    Attributes:
        custom: Names of custom metrics that take decisions.
    """

    custom: frozenset[str]

    def refuse_gates(self, config: Config, found: Sequence[str], path: str) -> None:
        """Refuse gates on metrics of decisions.

        Raises:
            InputError: if a gate limits such a metric; ``path`` is the candidate's predictions.
        """
        gates = [gate for gate in config.gates if self.rests(gate.metric)]
        if gates:
            listed = ", ".join(dict.fromkeys(f"`{gate.metric}`" for gate in gates))
            raise InputError(Problem(f"{_why(found)}, and gates limit {listed}: {_REMEDY}", path))

    def leave_out(self, question: Question) -> Question:
        """Return the question without metrics of decisions and of probabilities."""
        kept = (name for name in question.metrics if not self.rests(name))
        metrics = tuple(name for name in kept if catalogue.canonical(name) not in PROBABILITY)
        spreads = tuple(pair for pair in question.disparities if not self.rests(pair[0]))
        return replace(question, metrics=metrics, disparities=spreads)

    def rests(self, metric: str) -> bool:
        """Check if a metric, or the base of a disparity, needs decisions."""
        spread = catalogue.find_disparity(metric)
        if spread is not None:
            return any(self.rests(base) for base in spread.bases)
        info = catalogue.find(metric)
        if info is None:
            return metric in self.custom or PER_CLASS.match(metric) is not None
        return info.kind not in _OF_SCORES


def slice_search(evaluation: Evaluation) -> SliceSearch | None:
    """Return the search for the worst slices that an evaluation set is configured with."""
    asked = evaluation.searched
    if asked is None:
        return None
    return SliceSearch(columns=asked.columns, max_columns=asked.max_columns, min_group_size=evaluation.min_group_size)
