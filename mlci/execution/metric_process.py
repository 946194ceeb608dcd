"""Evaluate custom metrics; run as ``mlci.execution.metric_process request.json`` in an isolated process.

:mod:`mlci.execution.metric_stage` writes the request and the arrays, and reads the answer as data. The user's modules
are imported in this process only, after all imports of mlci.
"""

import functools
import importlib
import inspect
import itertools
import json
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlci.errors import InputError
from mlci.execution.environment import add_folders
from mlci.metrics.row_metrics import (
    Array,
    MetricCall,
    On,
    RowMetric,
    draws_random_numbers,
    is_reversed,
    predictions_by_name,
    resample,
)

REQUEST, ANSWER, VALUES, CURRENT = "request.json", "answer.json", "values.bin", "current"

Function = Callable[..., float]
KAPPA = {"quadratic_weighted_kappa": "quadratic", "linear_weighted_kappa": "linear"}
"""mlci's names for a function of scikit-learn with fixed weights."""
_ON_PROBABILITIES = frozenset({"d2_log_loss_score", "log_loss"})
"""Functions of scikit-learn that name probabilities ``y_pred``."""


@dataclass(frozen=True)
class MetricFunction:
    """A function with the predictions that it gets.

    Attributes:
        function: Takes labels and predictions.
        on: The predictions that it gets.
        parameter: Name of its second parameter; ``None`` if it has none.
        guessed: Whether neither the configuration nor the parameter's name decides which predictions it gets.
    """

    function: Function
    on: On
    parameter: str | None = None
    guessed: bool = False


def find_function(metric: RowMetric, *, task: str, classes: int) -> MetricFunction:
    """Return the function of a metric.

    Raises:
        InputError: if the function does not exist, can't be imported, or takes predictions before labels.
    """
    own = ":" in metric.function
    on: On | None
    if own:
        function = _import_custom(metric.function)
        names = _parameters(function)
        if is_reversed(names):
            raise InputError(
                f"metric `{metric.function}` takes ({names[0]}, {names[1]}), and mlci calls function(labels, "
                "predictions); swap the two parameters"
            )
        on = predictions_by_name(names)
    else:
        function, on = scikit_learns(metric.function, classes)
        names = _parameters(function)
    chosen: On = "score" if task == "regression" else metric.on or on or "decision"
    guessed = own and task != "regression" and metric.on is None and on is None
    bound = functools.partial(function, **metric.params) if metric.params else function
    return MetricFunction(bound, chosen, names[1] if len(names) > 1 else None, guessed)


def _import_custom(written: str) -> Function:
    module, _, attribute = written.partition(":")
    try:
        member: object = importlib.import_module(module)
        for part in attribute.split("."):
            member = getattr(member, part)
    except (Exception, SystemExit) as error:  # a script without a `__main__` guard may call sys.exit(0)
        raise InputError(f"metric {written!r} can't be imported: {type(error).__name__}: {error}") from error
    return _callable(written, member)


def scikit_learns(name: str, classes: int) -> tuple[Function, On]:
    """Return a function of ``sklearn.metrics``, or the function and sign of a scorer, and the predictions that it gets.

    Raises:
        InputError: if scikit-learn is not installed or has no such metric.
    """
    try:
        from sklearn import metrics  # noqa: PLC0415 (seconds, and only for such a metric)
    except ImportError as error:
        raise InputError(
            f"metric `{name}` is one of scikit-learn's, which is not installed: pip install 'mlci[metrics]'"
        ) from error
    if name in KAPPA:
        labels = list(range(classes))
        return functools.partial(metrics.cohen_kappa_score, weights=KAPPA[name], labels=labels), "decision"
    if (attribute := getattr(metrics, name, None)) is not None and name.islower():
        function = _callable(name, attribute)
        named = "score" if name in _ON_PROBABILITIES else predictions_by_name(_parameters(function))
        return function, named or "decision"
    if name in metrics.get_scorer_names():
        return _from_scorer(metrics.get_scorer(name))
    raise InputError(f"metric `{name}` is not in the installed version of scikit-learn")


def _from_scorer(scorer: Any) -> tuple[Function, On]:  # noqa: ANN401 (scikit-learn's own type is private)
    function, sign, options = scorer._score_func, scorer._sign, scorer._kwargs  # noqa: SLF001 (no public way)

    def signed(labels: Any, predictions: Any, **params: Any) -> float:  # noqa: ANN401 (arrays)
        return float(sign * function(labels, predictions, **{**options, **params}))

    return signed, "decision" if scorer._response_method == "predict" else "score"  # noqa: SLF001 (as above)


def _callable(name: str, member: object) -> Function:
    if not callable(member):
        raise InputError(f"metric `{name}` is not a function; it has to take (labels, predictions) and return a number")
    return member


def _parameters(function: Function) -> list[str]:
    try:
        return [name for name, item in inspect.signature(function).parameters.items() if item.kind in _BY_POSITION]
    except (TypeError, ValueError):
        return []


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def main(folder: Path) -> None:
    """Evaluate the request and write the answer."""
    request = json.loads((folder / REQUEST).read_text("utf-8"))
    metrics = [RowMetric(**item) for item in request["metrics"]]
    try:
        functions = _find_all(metrics, request)
    except InputError as error:
        answer: dict[str, Any] = {"problems": [problem.message for problem in error.problems]}
    else:
        answer = _evaluate(metrics, functions, request, folder)
    (folder / ANSWER).write_text(json.dumps(answer, allow_nan=False), "utf-8")


def _find_all(metrics: list[RowMetric], request: dict[str, Any]) -> list[MetricFunction]:
    """Import the functions: scikit-learn's before the user's folders are on the module path.

    Raises:
        InputError: if a metric can't be evaluated; the message names all such metrics.
    """
    functions: dict[str, MetricFunction] = {}
    problems: list[str] = []
    for own in (False, True):
        if own:
            add_folders(*request["folders"])
        for metric in (item for item in metrics if (":" in item.function) == own):
            try:
                functions[metric.name] = _find_one(metric, request)
            except InputError as error:
                problems += [problem.message + _line(metric) for problem in error.problems]
    if problems:
        raise InputError(*problems)
    return [functions[metric.name] for metric in metrics]


def _find_one(metric: RowMetric, request: dict[str, Any]) -> MetricFunction:
    function = find_function(metric, task=request["task"], classes=len(request["classes"]))
    if function.on in request["lacking"]:
        why = f"its parameter `{function.parameter}`" if metric.on is None else f"`on: {metric.on}s`"
        other = "decision" if function.on == "score" else "score"
        raise InputError(
            f"metric `{metric.function}` takes {function.on}s by {why}, and the predictions have none: "
            f"name their column in `predict.{function.on}`, or set `on: {other}s` beside the metric"
        )
    return function


def _line(metric: RowMetric) -> str:
    return f" (line {metric.line} of the configuration)" if metric.line else ""


def _evaluate(
    metrics: list[RowMetric], functions: list[MetricFunction], request: dict[str, Any], folder: Path
) -> dict[str, Any]:
    random.seed(request["seed"])
    np.random.seed(request["seed"] % 2**32)  # noqa: NPY002 - the generator that the user's functions share
    rows, edges = np.load(folder / "rows.npy"), np.load(folder / "edges.npy")
    scopes = [rows[start:end] for start, end in itertools.pairwise(edges)]
    calls = [_call(metric, item, request, folder) for metric, item in zip(metrics, functions, strict=True)]
    marker = os.open(folder / CURRENT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def begin(index: int) -> None:
        os.pwrite(marker, b"%6d" % index, 0)

    unsteady = []
    for index, call in enumerate(calls):
        begin(index)
        unsteady += [index] if draws_random_numbers(call, scopes[0]) else []
    values, reasons = resample(calls, scopes, draws=request["draws"], seed=request["seed"], begin=begin)
    values.astype("<f8").tofile(folder / VALUES)
    return {
        "on": [item.on for item in functions],
        "reasons": [[index, scope, text[:300]] for (index, scope), text in sorted(reasons.items())],
        "guessed": [[index, item.parameter] for index, item in enumerate(functions) if item.guessed],
        "random": unsteady,
    }


def _call(metric: RowMetric, function: MetricFunction, request: dict[str, Any], folder: Path) -> MetricCall:
    """Return a function with labels and predictions: original class values for custom functions, codes for others."""
    classes = np.array(request["classes"]) if ":" in metric.function and request["classes"] else None
    labels = as_written(np.load(folder / "labels.npy"), classes, request["task"])
    predictions = [np.load(folder / f"{function.on}{model}.npy") for model in range(request["models"])]
    if function.on == "decision":
        predictions = [as_written(item, classes, request["task"]) for item in predictions]
    return MetricCall(function.function, labels, tuple(predictions))


def as_written(codes: Array, classes: Array | None, task: str) -> Array:
    """Return the class values of codes: the codes as integers without values, a regression's numbers unchanged."""
    if classes is not None:
        return classes[codes]
    return codes if task == "regression" else codes.astype(np.int64)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
