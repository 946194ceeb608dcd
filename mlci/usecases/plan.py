"""From a configuration to what the engine, inference and gates are asked. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mlci.config.models import Column, Config, Evaluation, Gate, Reported, Slice
from mlci.config.slices import columns, effective, name, scope
from mlci.config.values import Limit
from mlci.engine import values
from mlci.engine.interface import SliceColumn, SliceSpec
from mlci.gates.rules import Bound, Kind, Rule
from mlci.inference.evaluate import Question
from mlci.metrics import catalogue
from mlci.metrics.catalogue import PARITIES, PER_CLASS
from mlci.metrics.info import MetricInfo
from mlci.metrics.row_metrics import On, RowMetric, shown_name

KINDS: tuple[Kind, ...] = ("min", "max", "max_drop", "max_rise")
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
}


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Which statistics the metrics of a run rest on."""

    scores: bool
    calibration: bool
    losses: tuple[str, ...]
    probabilities: bool
    custom: tuple[RowMetric, ...]


def slices(config: Config) -> tuple[SliceSpec, ...]:
    """Return the slices as the engine takes them."""
    return tuple(SliceSpec(name=name(item), columns=_columns(item)) for item in effective(config))


def references(evaluation: Evaluation) -> dict[str, str]:
    """Return the reference group by slice, where one is configured."""
    chosen = (item for item in evaluation.slices if isinstance(item, Column) and item.reference is not None)
    return {item.column: _group_name(item.reference) for item in chosen}


def rules(config: Config) -> tuple[Rule, ...]:
    """Return the gates as they are judged, with the policy that holds for each; of two equal ones the first."""
    found = [_rule(gate, config) for gate in config.gates]
    return tuple({replace(rule, line=None): rule for rule in reversed(found)}.values())[::-1]


def metrics(config: Config) -> tuple[str, ...]:
    """Return the plain metrics to measure in every scope: those asked for, and those that gates look at."""
    asked = config.evaluation.reported if config.evaluation else None
    names = [metric_name(item) for item in asked] if asked is not None else _default_metrics(config)
    names += [metric_name(gate) for gate in config.gates]
    return tuple(dict.fromkeys(item for item in names if catalogue.spread(item) is None and not _measured_by_run(item)))


def disparities(config: Config) -> tuple[tuple[str, str], ...]:
    """Return (metric, slice) pairs to take a spread of: all of fairness unless metrics are listed, and the gates'."""
    if config.evaluation is None:
        return ()
    asked = config.evaluation.reported
    spreads = (
        _default_disparities(config)
        if asked is None
        else [metric_name(item) for item in asked if catalogue.spread(item.metric)]
    )
    pairs = [(metric, name(item)) for item in effective(config) for metric in spreads]
    pairs += [(metric_name(gate), str(scope(gate))) for gate in config.gates if gate.across is not None]
    return tuple(dict.fromkeys(pairs))


def metric_name(item: Gate | Reported) -> str:
    """Return the name that a metric has in reports."""
    return shown_name(catalogue.shown(item.metric), item.params or {})


def row_metrics(config: Config) -> tuple[RowMetric, ...]:
    """Return the metrics that are functions of rows, each once; a later mention may add what an earlier left open."""
    reported = (config.evaluation.reported if config.evaluation else None) or ()
    found: dict[str, RowMetric] = {}
    entries: list[Gate | Reported] = [*config.gates, *reported]
    for item in entries:
        name, written = metric_name(item), item.metric
        if catalogue.find(name) is not None:
            continue
        known = found.get(name)
        on: On | None = _ON[item.on] if item.on else known.on if known else None
        line = known.line if known else getattr(item, "line", None)
        function = written if ":" in written else catalogue.canonical(written)
        found[name] = RowMetric(name=name, function=function, on=on, params=item.params or {}, line=line)
    return tuple(found.values())


def needs(config: Config) -> Needs:
    """Return the statistics that the run's metrics and disparities rest on."""
    names = set(metrics(config))
    for metric, _ in disparities(config):
        spread = catalogue.spread(metric)
        names |= set(spread.bases) if spread else set()
    infos = [info for name in sorted(names) if (info := catalogue.find(name))]
    return Needs(
        scores=any(info.kind == "ranks" for info in infos),
        calibration=any(info.kind == "calibration" for info in infos),
        losses=tuple(dict.fromkeys(info.loss for info in infos if info.loss)),
        probabilities=_requires_probabilities(config, names),
        custom=row_metrics(config),
    )


def _requires_probabilities(config: Config, names: Iterable[str]) -> bool:
    """Whether scores outside [0, 1] are refused: not if only the default metrics would need probabilities.

    A threshold that is configured says that scores are what the default metrics take them for.
    """
    reported = config.evaluation.reported if config.evaluation else None
    named = [*(item.metric for item in config.gates), *(item.metric for item in reported or ())]
    chosen = names if reported is not None or "threshold" in config.predict.model_fields_set else named
    return any(part in PROBABILITY for name in chosen for part in _parts(name))


def divides_by_label(config: Config) -> bool:
    """Whether a gate, or the list of metrics to report, names a metric that divides by the label."""
    asked = (config.evaluation.metrics if config.evaluation else None) or ()
    names = [item if isinstance(item, str) else item.metric for item in (*asked, *config.gates)]
    return any(_DIVIDING in part for name in names for part in _parts(name))


def _parts(name: str) -> tuple[str, ...]:
    return tuple(map(catalogue.canonical, (spread.bases if (spread := catalogue.spread(name)) else (name,))))


def question(config: Config, *, baseline: bool) -> Question:
    """Return what inference is asked."""
    evaluation = config.evaluation
    return Question(
        task=config.task,
        metrics=metrics(config),
        baseline=baseline,
        disparities=disparities(config),
        references=references(evaluation) if evaluation else {},
        confidence=config.policy.confidence,
        seed=config.policy.seed,
        min_group_size=evaluation.min_group_size if evaluation else 1,
        per_class=config.task == "multiclass" and evaluation is not None and evaluation.metrics is None,
    )


def operations(config: Config) -> tuple[str, ...]:
    """Return the names of the run's own costs that gates look at."""
    return tuple(dict.fromkeys(gate.metric for gate in config.gates if _measured_by_run(gate.metric)))


def _rule(gate: Gate, config: Config) -> Rule:
    limits = [(kind, limit) for kind in KINDS if isinstance(limit := getattr(gate, kind), Limit)]
    return Rule(
        metric=gate.metric if config.predict.metrics is not None else metric_name(gate),
        limits=tuple((kind, Bound(limit.value, relative=limit.relative)) for kind, limit in limits),
        each=scope(gate) if gate.each is not None else None,
        across=scope(gate) if gate.across is not None else None,
        judge=gate.judge,
        retraining=gate.noise == "retraining",
        inconclusive=gate.policy.inconclusive or config.policy.inconclusive,
        no_baseline=gate.policy.no_baseline or config.policy.no_baseline,
        line=gate.line,
    )


def _columns(item: Slice) -> tuple[SliceColumn, ...]:
    return tuple(SliceColumn(column=column.column, cut=column.cut) for column in columns(item))


def _group_name(value: object) -> str:
    """Return a group's name as the engine writes it; ``(null)`` is the group without a value."""
    if isinstance(value, str):
        return value if value == values.NULL_GROUP else values.group(value)
    return values.group(values.parse(value))


def _default_metrics(config: Config) -> list[str]:
    names = catalogue.of_task(config.task)
    predict = config.predict
    scored = predict.model is not None or predict.score is not None
    if config.task == "binary" and not scored:
        names = [name for name in names if _info(name).kind not in {"ranks", "loss", "calibration"}]
    if config.task == "binary" and not 0 < predict.threshold < 1:
        names = [name for name in names if name not in PROBABILITY]
    return names


def _default_disparities(config: Config) -> list[str]:
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
