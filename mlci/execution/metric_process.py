"""Evaluate custom metrics; run as ``mlci.execution.metric_process request.json`` in an isolated process.

:mod:`mlci.execution.metric_stage` writes the request and the arrays, and reads the answer as data. The user's modules
are imported in this process only, after all imports of mlci.
"""

import itertools
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mlci.errors import InputError
from mlci.execution.environment import add_folders
from mlci.execution.metric_functions import MetricFunction, find_function
from mlci.metrics.resampling import MetricCall, draws_random_numbers, resample
from mlci.metrics.row_metrics import Array, RowMetric

REQUEST, ANSWER, VALUES, CURRENT = "request.json", "answer.json", "values.bin", "current"


def main(folder: Path) -> None:
    """Evaluate the request and write the answer."""
    request = json.loads((folder / REQUEST).read_text("utf-8"))
    metrics = [RowMetric(**item) for item in request["metrics"]]
    try:
        found = _find_all(metrics, request)
    except InputError as error:
        answer: dict[str, Any] = {"problems": [problem.message for problem in error.problems]}
    else:
        answer = _evaluate(metrics, found, request, folder)
    (folder / ANSWER).write_text(json.dumps(answer, allow_nan=False), "utf-8")


def _find_all(metrics: list[RowMetric], request: dict[str, Any]) -> list[MetricFunction]:
    """Import the functions: scikit-learn's before the user's folders are on the module path.

    Raises:
        InputError: if a metric can't be evaluated; the message names all such metrics.
    """
    found: dict[str, MetricFunction] = {}
    problems: list[str] = []
    for own in (False, True):
        if own:
            add_folders(*request["folders"])
        for metric in (item for item in metrics if (":" in item.function) == own):
            try:
                found[metric.name] = _find_one(metric, request)
            except InputError as error:
                problems += [problem.message + _line(metric) for problem in error.problems]
    if problems:
        raise InputError(*problems)
    return [found[metric.name] for metric in metrics]


def _find_one(metric: RowMetric, request: dict[str, Any]) -> MetricFunction:
    found = find_function(metric, task=request["task"], classes=len(request["classes"]))
    if found.on in request["lacking"]:
        why = f"its parameter `{found.parameter}`" if metric.on is None else f"`on: {metric.on}s`"
        other = "decision" if found.on == "score" else "score"
        raise InputError(
            f"metric `{metric.function}` takes {found.on}s by {why}, and the predictions have none: name their column "
            f"in `predict.{found.on}`, or set `on: {other}s` beside the metric"
        )
    return found


def _line(metric: RowMetric) -> str:
    return f" (line {metric.line} of the configuration)" if metric.line else ""


def _evaluate(
    metrics: list[RowMetric], found: list[MetricFunction], request: dict[str, Any], folder: Path
) -> dict[str, Any]:
    random.seed(request["seed"])
    np.random.seed(request["seed"] % 2**32)  # noqa: NPY002 - the generator that the user's functions share
    rows, edges = np.load(folder / "rows.npy"), np.load(folder / "edges.npy")
    scopes = [rows[start:end] for start, end in itertools.pairwise(edges)]
    calls = [_call(metric, item, request, folder) for metric, item in zip(metrics, found, strict=True)]
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
        "on": [item.on for item in found],
        "reasons": [[index, scope, text[:300]] for (index, scope), text in sorted(reasons.items())],
        "guessed": [[index, item.parameter] for index, item in enumerate(found) if item.guessed],
        "random": unsteady,
    }


def _call(metric: RowMetric, found: MetricFunction, request: dict[str, Any], folder: Path) -> MetricCall:
    """Return a function with labels and predictions: original class values for custom functions, codes for others."""
    classes = np.array(request["classes"]) if ":" in metric.function and request["classes"] else None
    labels = as_written(np.load(folder / "labels.npy"), classes, request["task"])
    predictions = [np.load(folder / f"{found.on}{model}.npy") for model in range(request["models"])]
    if found.on == "decision":
        predictions = [as_written(item, classes, request["task"]) for item in predictions]
    return MetricCall(found.function, labels, tuple(predictions))


def as_written(codes: Array, classes: Array | None, task: str) -> Array:
    """Return the class values of codes: the codes as integers without values, a regression's numbers unchanged."""
    if classes is not None:
        return classes[codes]
    return codes if task == "regression" else codes.astype(np.int64)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
