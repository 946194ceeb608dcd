"""Checks of gates against the metric catalogue, the slices and the source of predictions."""

import re
from collections.abc import Iterable, Iterator

from mlci.config import models, slices
from mlci.config.checks.ranking import ranking_faults
from mlci.config.checks.sections import FUNCTION, ROWS_ADD, CheckContext, metric_known
from mlci.config.messages import nearest_word
from mlci.config.models import Gate, Reported
from mlci.config.types import clip_text
from mlci.errors import Problem, yaml_value
from mlci.gates.limits import Limit
from mlci.metrics.catalogue import COST_OUTCOMES, OF_PROBABILITIES, TO_OVERALL, shown_name
from mlci.metrics.entries import MetricInfo
from mlci.metrics.external import OWN_DIRECTIONS, SklearnMetric

_ACROSS = frozenset({"disparity", "shift"})
_SHIFTED = "can't limit a shift, which is a change itself and best at 0; write the most that is allowed as `max`"


def check_gates(context: CheckContext) -> Iterator[Problem]:
    """Check every gate, and that no two have the same limit on the same number."""
    seen: dict[tuple[str, str | None, str | None, str], int] = {}
    for index, gate in enumerate(context.config.gates):
        yield from metric_known(context, gate.metric, "gates", index, "metric")
        yield from _check_limits(context, index, gate)
        yield from _check_scope(context, index, gate)
        yield from _check_evidence(context, index, gate)
        if gate.noise is not None and (message := _noise_fault(context, gate)):
            yield context.loaded.problem(f"`gates[{index}].noise` {message}", "gates", index, "noise")
        for kind in (limit.kind for limit in gate.limits):
            across = models.slice_scope(gate) if gate.across is not None else None
            each = models.slice_scope(gate) if gate.each is not None else None
            plain = context.catalogue.canonical(gate.metric)
            same = (context.catalogue.canonical(shown_name(plain, gate.params or {})), each, across, kind)
            if same in seen and not _is_alias(context, context.config.gates[seen[same]], gate):
                first = context.loaded.lines.of("gates", seen[same], kind)
                message = f"`gates[{index}].{kind}` limits `{gate.metric}` again, after line {first}; keep one"
                yield context.loaded.problem(message, "gates", index, kind)
            seen.setdefault(same, index)


def _is_alias(context: CheckContext, first: Gate, second: Gate) -> bool:
    """Return whether two gates are one disparity with the same limits under two names; it is judged once."""
    alike = {"metric": second.metric, "line": second.line}
    disparity = context.catalogue.find_disparity(second.metric) is not None
    return disparity and first.metric != second.metric and first.model_copy(update=alike) == second


def _check_limits(context: CheckContext, index: int, gate: Gate) -> Iterator[Problem]:
    info = context.find(gate.metric)
    for limit in gate.limits:
        if isinstance(info, MetricInfo) and info.kind == "shift" and limit.kind != "max":
            yield context.loaded.problem(f"`gates[{index}].{limit.kind}` {_SHIFTED}", "gates", index, limit.kind)
            continue
        if limit.proves_gain and (message := _gain_fault(context, info, gate)):
            yield context.loaded.problem(f"`gates[{index}].superior_by` {message}", "gates", index, limit.kind)
            continue
        message = _change_fault(info, gate, limit) if limit.on_change else _percentage_fault(info, limit)
        # Totals are in the user's units: an accuracy of 93.5 is allowed.
        message = message or (None if context.totals else _range_fault(info, gate, limit))
        if message:
            yield context.loaded.problem(f"`gates[{index}].{limit.kind}` {message}", "gates", index, limit.kind)
    if gate.min is not None and gate.max is not None and gate.min.value > gate.max.value:
        message = f"`gates[{index}].min` ({gate.min}) is above its `max` ({gate.max}); nothing could pass"
        yield context.loaded.problem(message, "gates", index, "min")


def _change_fault(info: MetricInfo | SklearnMetric | None, gate: Gate, limit: Limit) -> str | None:
    """Return what is wrong with the direction or the sign of a limit on the change."""
    if limit.proves_gain:
        return f"must not be negative ({limit}); `max_drop` or `max_rise` allows a loss" if limit.value < 0 else None
    better, other = ("lower", "max_rise") if limit.is_floor else ("higher", "max_drop")
    if info is not None and info.direction == better:
        return f"would limit an improvement: {better} is better for `{gate.metric}`; use `{other}`"
    if limit.value < 0:
        return f"must not be negative ({limit}); 0 allows no {limit.verbs[0]} at all"
    return None


def _gain_fault(context: CheckContext, info: MetricInfo | SklearnMetric | None, gate: Gate) -> str | None:
    """Return what is wrong with a gain that has to be proven: it needs an interval, and a better direction."""
    if context.totals:
        return f"asks for proof, and a metrics file has no interval; {ROWS_ADD}"
    if gate.judge == "estimate":
        return "asks for proof, which the estimate alone is not; remove `judge: estimate`, or limit the value by `min`"
    if isinstance(info, MetricInfo) and not info.interval:
        return f"asks for proof, and `{gate.metric}` has no interval; limit its change by `max_drop` or `max_rise`"
    direction = info.direction if info is not None else "none"
    if not context.scored and gate.gain_direction(direction) == "none":
        return (
            f"needs to know if a higher `{gate.metric}` is better; add `max_drop: 0` if higher is, `max_rise: 0` if "
            "lower is"
        )
    return None


def _percentage_fault(info: MetricInfo | SklearnMetric | None, limit: Limit) -> str | None:
    """Return what is wrong with a percentage that bounds a value."""
    if limit.relative and not (isinstance(info, MetricInfo) and info.unit == "fraction"):
        return f"can't be in per cent ({limit}): the metric is not a fraction; only limits on a change can"
    return None


def _range_fault(info: MetricInfo | SklearnMetric | None, gate: Gate, limit: Limit) -> str | None:
    """Return what is wrong with a limit that no value of the metric can reach, or that every value meets."""
    if not isinstance(info, MetricInfo):
        return None
    low, high = info.low, info.high
    if not limit.on_change:
        outside = (low is not None and limit.value < low) or (high is not None and limit.value > high)
        if outside:
            return f"is {limit}, but `{gate.metric}` {_describe_range(low, high)}"
        never = limit.value == (low if limit.is_floor else high)
    elif limit.relative:
        falls = gate.gain_direction(info.direction) == "lower" if limit.proves_gain else limit.is_floor
        never = falls and low is not None and low >= 0 and limit.value >= 1
    else:
        never = low is not None and high is not None and limit.value >= high - low
    if never and limit.proves_gain:
        return f"is {limit}, but `{gate.metric}` {_describe_range(low, high)}: the gate could never pass"
    return f"is {limit}, but `{gate.metric}` {_describe_range(low, high)}: the gate could never fail" if never else None


def _describe_range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"is at most {high:g}" if high is not None else f"is at least {low or 0:g}"
    return f"lies between {low:g} and {high:g}"


def _check_scope(context: CheckContext, index: int, gate: Gate) -> Iterator[Problem]:
    """Check ``each`` and ``across`` against the slices and the kind of metric."""
    key = "each" if gate.each is not None else "across" if gate.across is not None else None
    if key and context.totals:
        message = (
            f"`gates[{index}].{key}` needs rows, and `predict.metrics` has only totals; predictions (`run` or `file`) "
            "would add slices, fairness and intervals"
        )
        yield context.loaded.problem(message, "gates", index, key)
        return
    info = context.find(gate.metric)
    if not context.totals and info and (misused := _disparity_fault(context, info, gate, key)):
        yield context.loaded.problem(f"`gates[{index}]`: {misused}", "gates", index, key or "metric")
    if key and (astray := _slice_fault(context, gate)):
        yield context.loaded.problem(f"`gates[{index}].{key}` {astray}", "gates", index, key)


def _disparity_fault(
    context: CheckContext, info: MetricInfo | SklearnMetric, gate: Gate, key: str | None
) -> str | None:
    """Return what is wrong if a disparity has no slice, or another metric has one."""
    name = gate.metric
    kind = info.kind if isinstance(info, MetricInfo) else "custom"
    if kind == "operation" and key:
        return f"`{name}` is measured once for the whole run; remove `{key}`"
    if kind in _ACROSS and key != "across":
        example = slices.slice_as_written(context.slices[0]) if context.slices else "a slice"
        return f"`{name}` is a disparity between groups; name the slice, e.g. `across: {example}`"
    if kind not in _ACROSS and key == "across":
        disparity = f"{name}_difference"
        instead = f"use `{disparity}`, or " if context.catalogue.find(disparity) else ""
        return f"`{name}` is not a disparity between groups; {instead}gate every group with `each`"
    return None


def _slice_fault(context: CheckContext, gate: Gate) -> str | None:
    """Return what is wrong if a gate uses a slice that is not listed."""
    wanted = models.slice_scope(gate) or ""
    if wanted in context.slices or context.config.evaluation is None:
        return None
    if any(wanted in _parts(name) for name in context.slices):
        return None  # a column of a crossing becomes its own slice if a gate uses it
    here = slices.slice_as_written(wanted)
    turned = next((name for name in context.slices if _parts(name) == _parts(wanted)), None)
    if turned:
        return f"is `{here}`, but the crossing is written `{slices.slice_as_written(turned)}`"
    if isinstance(gate.each or gate.across, tuple) and _parts(wanted) <= set(context.slices):
        return f"names no crossing under `evaluation.slices`; add `{here}` there, or write one gate for each column"
    if (column := re.split("[=:]", wanted)[0].strip()) != wanted and column in context.slices:
        key = "each" if gate.each is not None else "across"
        return f"is `{clip_text(here)}`, but a gate covers every group of a slice; write `{key}: {yaml_value(column)}`"
    return f"is `{clip_text(here)}`, which is not under `evaluation.slices`; {_suggest_slice(context, wanted)}"


def _suggest_slice(context: CheckContext, wanted: str) -> str:
    """Return the slice that was probably meant, or how to add one."""
    if guess := nearest_word(wanted, context.slices):
        return f"did you mean `{slices.slice_as_written(guess)}`?"
    if not context.slices:
        return f"add `slices: [{yaml_value(wanted)}]` under `evaluation`"
    listed = ", ".join(slices.slice_as_written(name) for name in context.slices[:8])
    line = context.loaded.lines.of("evaluation", "slices")
    return f"listed there: {listed}; if it is a column, add it there (line {line})"


def _parts(name: str) -> set[str]:
    return set(name.split(slices.CROSS))


def _check_evidence(context: CheckContext, index: int, gate: Gate) -> Iterator[Problem]:
    """Check that the number that a gate is judged on can be computed."""
    info = context.find(gate.metric)
    if gate.judge == "interval":
        if context.totals:
            message = "a metrics file has no interval; predictions (`run` or `file`) would give one"
            yield context.loaded.problem(f"`gates[{index}].judge`: {message}", "gates", index, "judge")
        elif isinstance(info, MetricInfo) and not info.interval:
            message = f"`gates[{index}].judge`: `{gate.metric}` has no interval; remove it, or write `estimate`"
            yield context.loaded.problem(message, "gates", index, "judge")
    if not context.totals and isinstance(info, MetricInfo) and gate.judge != "estimate":
        yield from _missing_interval(context, index, gate, info)
    if not context.totals and isinstance(info, MetricInfo) and context.config.task in info.tasks:
        for message in (*_missing_scores(context, info), *_missing_costs(context, gate.metric)):
            yield context.loaded.problem(f"`gates[{index}]`: {message}", "gates", index, "metric")


def _missing_interval(context: CheckContext, index: int, gate: Gate, info: MetricInfo) -> Iterator[Problem]:
    """Check that a limit on a change has an interval to be compared with: a group's share of a total has none."""
    if "share" not in _kinds(context, info):
        return
    message = f"a change of `{gate.metric}` has no interval; set `judge: estimate`, or limit the selection rate"
    for kind in (limit.kind for limit in gate.limits if limit.on_change):
        yield context.loaded.problem(f"`gates[{index}].{kind}`: {message}", "gates", index, kind)


def _noise_fault(context: CheckContext, gate: Gate) -> str | None:
    """Return what is wrong if a change can't be widened by training noise."""
    if not any(limit.on_change for limit in gate.limits):
        return "widens the interval of a change; the gate needs `max_drop`, `max_rise` or `superior_by`"
    if gate.each is not None or gate.across is not None:
        key = "each" if gate.each is not None else "across"
        return f"is known for the whole set only; remove it, or `{key}`"
    if context.config.baseline != "production":
        return "is recorded for versions of the registry; it needs `baseline: production`"
    info = context.find(gate.metric)
    if context.totals or gate.judge == "estimate" or (isinstance(info, MetricInfo) and not info.interval):
        return "widens an interval, and this gate is judged on the estimate"
    return None


def _kinds(context: CheckContext, info: MetricInfo) -> set[str]:
    """Return the kind of a metric, or the kinds of a disparity's base metrics."""
    disparity = context.catalogue.find_disparity(info.name)
    parts: Iterable[str] = disparity.bases if disparity else (info.name,)
    return {base.kind for part in parts if (base := context.catalogue.find(part))}


def _missing_scores(context: CheckContext, info: MetricInfo) -> Iterator[str]:
    """Yield what is missing for a metric that ranks rows or averages scores."""
    predict = context.config.predict
    scored = bool(_kinds(context, info) & {"ranks", "calibration", "loss"}) and context.config.task == "binary"
    if scored and predict.score is None and predict.model is None:
        yield f"`{info.name}` needs scores; name their column in `predict.score`"
    probable = bool(_kinds(context, info) & OF_PROBABILITIES) and context.config.task == "multiclass"
    if probable and predict.probabilities is None:
        yield (
            f"`{info.name}` needs a probability for each class; name their columns: "
            "`predict: {probabilities: {cat: p_cat, dog: p_dog}}`"
        )


def _missing_costs(context: CheckContext, name: str) -> Iterator[str]:
    """Yield what is missing for an operational metric."""
    config = context.config
    if name == "train_seconds" and config.train is None:
        yield "`train_seconds` needs `train.run`; nothing is trained here"
    if name == "predict_seconds_per_1k_rows" and config.predict.run is None and config.predict.model is None:
        yield "`predict_seconds_per_1k_rows` needs `predict.run`; nothing is predicted here"
    if name == "peak_memory_megabytes" and config.train is None and not (config.predict.run or config.predict.model):
        yield "`peak_memory_megabytes` needs `train.run` or `predict.run`; nothing is run here"
    predicts = bool(config.predict.run or config.predict.model)
    if name == "cost_usd" and config.train is None and not predicts:
        yield "`cost_usd` needs `train.run` or `predict.run`; nothing is run here"
    if name == "energy_kwh" and not (config.cost is not None and config.cost.energy):
        yield "`energy_kwh` needs `cost: {energy: true}`, and CodeCarbon: pip install 'mlci[energy]'"
    if name == "energy_kwh" and config.train is None and not predicts:
        yield "`energy_kwh` needs `train.run` or `predict.run`; nothing is run here"
    if name == "predict_cost_usd_per_1k_rows" and not predicts:
        yield "`predict_cost_usd_per_1k_rows` needs `predict.run`; nothing is predicted here"
    if name == "model_megabytes" and not (config.predict.model or (config.train and config.train.model)):
        yield "`model_megabytes` needs `train.model`, the file or folder that training leaves behind"


WITH_PARAMETERS = frozenset({"cohen_kappa_score", "mean_pinball_loss"})
"""Metrics of the catalogue that scikit-learn evaluates if ``params`` is set."""
_NEEDED = {
    "fbeta_score": ("beta", "2"),
    "recall_at_fpr": ("fpr", "0.05"),
    "specificity_at_sensitivity": ("sensitivity", "0.9"),
}
_MULTICLASS_AVERAGE = frozenset({"fbeta_score"})


def check_functions(context: CheckContext) -> Iterator[Problem]:
    """Check every entry that names a metric, and that all entries of one function agree."""
    seen: dict[tuple[str, str, str], tuple[str, str]] = {}
    for item, here, where in _entries(context):
        for key, message in _entry_faults(context, item):
            yield context.loaded.problem(f"`{here}{key and f'.{key}'}` {message}", *where, *([key] if key else ()))
        function = (context.catalogue.canonical(item.metric), repr(sorted((item.params or {}).items())))
        for key, value in (("on", item.on), ("method", item.method)):
            if value is None:
                continue
            first = seen.setdefault((*function, key), (value, here))
            if first[0] != value:
                other = f"`{first[1]}` evaluates the same function {'on' if key == 'on' else 'by'} {first[0]}"
                message = f"`{here}.{key}` is `{value}`, but {other}; keep one"
                yield context.loaded.problem(message, *where, key)


def _entries(context: CheckContext) -> Iterator[tuple[Gate | Reported, str, tuple[str | int, ...]]]:
    for index, gate in enumerate(context.config.gates):
        yield gate, f"gates[{index}]", ("gates", index)
    evaluation = context.config.evaluation
    for index, item in enumerate((evaluation.reported if evaluation else None) or ()):
        yield item, f"evaluation.metrics[{index}]", ("evaluation", "metrics", index)


def _entry_faults(context: CheckContext, item: Gate | Reported) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an entry, by key."""
    given = [key for key in ("on", "params", "method") if getattr(item, key) is not None]
    if context.totals:
        yield from ((key, "has no effect with `predict.metrics`, which has no rows; remove it") for key in given)
        return
    info = context.catalogue.find(item.metric)
    name = context.catalogue.canonical(item.metric)
    own = isinstance(info, MetricInfo) and not (name in WITH_PARAMETERS and item.params)
    if own and info is not None and info.kind == "top_k":
        yield from _top_k_faults(item)
    elif own and info is not None and info.kind == "cost":
        yield from _cost_faults(item)
    elif own and info is not None and info.kind == "disparity":
        yield from _disparity_faults(context, item)
    elif own and info is not None and info.kind == "ranking":
        yield from ranking_faults(item)
    elif own:
        message = f"is for custom and scikit-learn functions; `{item.metric}` is built in, remove it"
        yield from ((key, message) for key in given)
    elif item.on is not None:
        yield from (("on", message) for message in _on_faults(context, item.on))
    if not own and not FUNCTION.fullmatch(item.metric):
        yield from _missing_parameters(context, name, item)


def _top_k_faults(item: Gate | Reported) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the number of classes of a top-k accuracy."""
    yield from _resampling_faults(item)
    k = (item.params or {"k": 2}).get("k")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1 or set(item.params or {}) - {"k"}:
        yield "params", f"of `{item.metric}` is one whole number of at least 1, as `params: {{k: 3}}`"


def _cost_faults(item: Gate | Reported) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the costs of a decision's outcomes."""
    yield from _resampling_faults(item)
    costs = item.params or {}
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in costs.values())
    if not {"fp", "fn"} <= set(costs) <= set(COST_OUTCOMES) or not numbers:
        example = "as `params: {fp: 5, fn: 100}`; `tp` and `tn` are 0 without their own"
        yield "params", f"of `{item.metric}` are the costs of a decision, {example}"
    elif len({0, *costs.values()} if len(costs) < len(COST_OUTCOMES) else {*costs.values()}) == 1:
        yield "params", f"of `{item.metric}` are equal, so that every decision costs the same"


def _resampling_faults(item: Gate | Reported) -> Iterator[tuple[str, str]]:
    """Yield settings of functions at a metric that is built in."""
    for key in ("on", "method"):
        if getattr(item, key) is not None:
            yield key, f"is for custom and scikit-learn functions; `{item.metric}` is built in, remove it"


def _disparity_faults(context: CheckContext, item: Gate | Reported) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the parameter of a disparity, by which groups are compared with the whole set."""
    yield from _resampling_faults(item)
    if item.params is None:
        return
    if dict(item.params) != {"method": "to_overall"}:
        yield "params", f"of `{item.metric}` is `{{method: to_overall}}`; remove it to compare groups with each other"
    elif context.catalogue.find_disparity(f"{item.metric}{TO_OVERALL}") is None:
        message = f"and `{item.metric}` has no such form: only rates and means over rows"
        yield "params", f"compares groups with the whole set, {message}"
    elif isinstance(item, Gate) and any(limit.on_change for limit in item.limits) and item.judge != "estimate":
        message = "has no interval for a change; limit it with `max` or `min`, or limit the change without `params`"
        yield "params", f"compares groups with the whole set, which {message}"


def _on_faults(context: CheckContext, on: str) -> Iterator[str]:
    config = context.config
    if config.task == "regression":
        yield "is for classes; a regression has one predicted value, remove it"
    elif on == "scores" and config.predict.score is None and config.predict.model is None:
        yield "needs scores; name their column in `predict.score`"


def _missing_parameters(context: CheckContext, name: str, item: Gate | Reported) -> Iterator[tuple[str, str]]:
    """Yield the parameters that a scikit-learn function requires."""
    params = item.params or {}
    if name in _NEEDED and _NEEDED[name][0] not in params:
        key, example = _NEEDED[name]
        yield "", f"names `{item.metric}`, which needs a parameter; add `params: {{{key}: {example}}}`"
    elif name in OWN_DIRECTIONS and name in _NEEDED:
        key, example = _NEEDED[name]
        share = params[key]
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            yield "params", f"has `{key}: {share}`, which is a share between 0 and 1, such as `{key}: {example}`"
    elif name in _MULTICLASS_AVERAGE and context.config.task == "multiclass" and "average" not in params:
        yield "params", f"lacks `average`, which `{item.metric}` needs for more than two classes, e.g. `average: macro`"
