"""Checks of ``task: scores``: keys that evaluation logs need, and keys that only they or only rows have."""

from collections.abc import Iterator

from mlci.config.loader import LoadedConfig
from mlci.config.models import Baseline, Evaluation, Gate
from mlci.config.slices import AutoSlices
from mlci.errors import Problem
from mlci.metrics.entries import Direction

_LABELLED_ONLY = ("label", "labels", "labels_table", "positive", "classes")
_ROWS_ONLY = ("data", "table", *_LABELLED_ONLY, "timeout", "weight", "slice_search")
_ITEMS_ONLY = ("items", "partial", "prompts")
_PREDICT_ROWS = ("table", "trusted", "score", "decision", "probabilities", "threshold")
_LOWER = ("cost_", "latency_", "input_tokens", "output_tokens", "errored_share")
_LOG = "name the evaluation log: `predict: {log: logs/*.eval}`"


def score_direction(name: str) -> Direction:
    """Return the better direction of a metric of items; of a scorer it is not known before its log is read."""
    return "lower" if name.startswith(_LOWER) else "none"


def check_score_task(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check a configuration whose models are compared by evaluation logs."""
    config, predict = loaded.config, loaded.config.predict
    if predict.log is None:
        source = next((key for key in ("file", "model", "metrics") if getattr(predict, key) is not None), None)
        instead = f"; `predict.{source}` is for other tasks" if source else ""
        yield loaded.problem(f"`task: scores` reads evaluation logs{instead}; {_LOG}", "predict")
    if config.evaluation is not None:
        yield from _check_items(loaded, config.evaluation)
    yield from _misplaced(loaded, "predict", _PREDICT_ROWS)
    yield from _misplaced(loaded, "evaluation", _ROWS_ONLY)
    if isinstance(config.baseline, Baseline):
        if config.baseline.file is not None:
            message = "`baseline.file` is for predictions and metrics; name the log as `baseline: {log: …}`"
            yield loaded.problem(message, "baseline", "file")
        yield from _misplaced(loaded, "baseline", ("table", "score", "decision", "probabilities", "threshold"))
    for section in ("tests", "monitor", "probe"):
        if getattr(config, section) is not None:
            yield loaded.problem(
                f"`{section}` needs predictions for rows, and `task: scores` has none; remove it", section
            )
    for index, gate in enumerate(config.gates):
        for key in ("across", "on", "params", "noise"):
            if getattr(gate, key) is not None:
                message = f"`gates[{index}].{key}` has no effect with `task: scores`; remove it"
                yield loaded.problem(message, "gates", index, key)
        yield from _check_direction(loaded, index)


def _check_items(loaded: LoadedConfig, evaluation: Evaluation) -> Iterator[Problem]:
    """Check repeats and slices of the items."""
    if evaluation.repeat is not None and evaluation.key is None:
        message = "`evaluation.repeat` is for a table of scores, which needs `key`: the column with the item"
        yield loaded.problem(message, "evaluation", "repeat")
    if isinstance(evaluation.slices, AutoSlices):
        message = "`slices: auto` searches rows of a table, and `task: scores` reads a log; name the slices"
        yield loaded.problem(message, "evaluation", "slices")


def _check_direction(loaded: LoadedConfig, index: int) -> Iterator[Problem]:
    """Check that no limit on a change contradicts the direction that the gate sets."""
    gate = loaded.config.gates[index]
    if gate.higher_is_better is None:
        return
    if score_direction(gate.metric) != "none":
        message = f"`gates[{index}].higher_is_better` is for scorers; of `{gate.metric}` lower is better"
        yield loaded.problem(message, "gates", index, "higher_is_better")
        return
    for kind in improvement_limits(gate, higher_is_better=gate.higher_is_better):
        message = f"`gates[{index}].{kind}` {describe_improvement_limit(gate, kind, 'the gate says')}"
        yield loaded.problem(message, "gates", index, kind)


def improvement_limits(gate: Gate, *, higher_is_better: bool) -> list[str]:
    """Return the limits of a gate on a change for the better."""
    losses = (limit for limit in gate.limits if limit.on_change and not limit.proves_gain)
    return [limit.kind for limit in losses if limit.is_floor != higher_is_better]


def describe_improvement_limit(gate: Gate, kind: str, source: str) -> str:
    """Return what is wrong with a limit on a change for the better."""
    better, other = ("lower", "max_rise") if kind == "max_drop" else ("higher", "max_drop")
    return f"would limit an improvement: {source} that {better} is better for `{gate.metric}`; use `{other}`"


def _misplaced(loaded: LoadedConfig, section: str, keys: tuple[str, ...]) -> Iterator[Problem]:
    part = getattr(loaded.config, section)
    for key in keys if part is not None else ():
        if key in part.model_fields_set:
            message = f"`{section}.{key}` is for rows of a table, and `task: scores` reads a log; remove it"
            yield loaded.problem(message, section, key)


def refuse_score_keys(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check that a configuration with rows or a metrics file has no key that only evaluation logs have."""
    config = loaded.config
    needs = "is for evaluation logs (`task: scores`); remove it"
    if config.predict.log is not None:
        message = f"`predict.log` is for `task: scores`, and this task is {config.task}"
        yield loaded.problem(message, "predict", "log")
    if isinstance(config.baseline, Baseline) and config.baseline.log is not None:
        yield loaded.problem(f"`baseline.log` {needs}", "baseline", "log")
    if config.report.items is not None:
        yield loaded.problem(f"`report.items` {needs}", "report", "items")
    if config.grader is not None:
        yield loaded.problem(f"`grader` {needs}", "grader")
    for key in (*_ITEMS_ONLY, "repeat") if config.evaluation is not None else ():
        if config.evaluation is not None and key in config.evaluation.model_fields_set:
            yield loaded.problem(f"`evaluation.{key}` {needs}", "evaluation", key)
    for index, gate in enumerate(config.gates):
        for key in ("range", "higher_is_better"):
            if getattr(gate, key) is not None:
                yield loaded.problem(f"`gates[{index}].{key}` {needs}", "gates", index, key)
