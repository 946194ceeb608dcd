"""Evaluate custom metrics; run as ``mlci.execution.metric_process FOLDER`` in an isolated process.

:mod:`mlci.execution.metric_stage` writes the request and the arrays, and reads the answer as data. The user's modules
are imported in this process and its workers only, after all imports of mlci. A worker has two more arguments, its
number and how many there are, and evaluates its share of the resamples.
"""

import itertools
import json
import os
import random
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlci.errors import InputError
from mlci.execution.environment import add_folders, isolated_command
from mlci.execution.metric_functions import MetricFunction, as_written, choose_method, find_function
from mlci.execution.metric_stage import ANSWER, CURRENT, REQUEST, VALUES
from mlci.execution.metric_workers import WorkerShare, Workload, evaluate_all, evaluate_share
from mlci.metrics.resampling import MetricCall, Plan, draws_random_numbers, weighs_rows
from mlci.metrics.row_metrics import Array, Method, RowMetric

WORKLOAD = "workload.json"
_BY_CLUSTER: dict[Method, Method] = {
    "row bootstrap": "cluster bootstrap",
    "cell jackknife": "cluster jackknife",
    "group jackknife": "cluster jackknife",
}
_START_WORKER = isolated_command("mlci.execution.metric_process")  # before the user's folders are on the module path


def main(folder: Path, share: WorkerShare | None = None) -> None:
    """Evaluate the request and write the answer, or as a worker a share of the resamples."""
    request = json.loads((folder / REQUEST).read_text("utf-8"))
    metrics = [RowMetric(**item) for item in request["metrics"]]
    try:
        functions = _find_all(metrics, request)
    except InputError as error:
        answer: dict[str, Any] = {"problems": [problem.message for problem in error.problems]}
    else:
        evaluation = _Evaluation(metrics, functions, request, folder)
        if share is not None:
            evaluation.work(share)
            return
        answer = evaluation.answer()
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
    if request["weighted"] and not function.weighted:
        raise InputError(
            f"metric `{metric.function}` has no parameter `sample_weight`, and `evaluation.weight` gives rows weights; "
            "add the parameter to your function, or leave the metric out"
        )
    return function


def _line(metric: RowMetric) -> str:
    return f" (line {metric.line} of the configuration)" if metric.line else ""


@dataclass(frozen=True)
class _Evaluation:
    """Metrics with their functions and arrays."""

    metrics: list[RowMetric]
    functions: list[MetricFunction]
    request: dict[str, Any]
    folder: Path

    def answer(self) -> dict[str, Any]:
        """Evaluate everything, write the values, and return the rest of the answer."""
        plan, begin = self._plan(), _marker(self.folder / CURRENT, self.request["seed"])
        scope = plan.scopes[0]
        own = [index for index, metric in enumerate(self.metrics) if metric.is_users]
        unsteady, unweighted = [], []
        for index, call in enumerate(plan.calls):
            begin(index, 0, 0)
            if index in own and draws_random_numbers(call, scope):
                unsteady.append(index)
            if call.method == "cell jackknife" and not weighs_rows(call, scope, plan.classes):
                unweighted.append(index)
        if unweighted:
            plan = self._plan([None if index in unweighted else call.method for index, call in enumerate(plan.calls)])
        values, reasons = plan.samples(lambda metric: begin(metric, 0, 0))
        workload = Workload.of(plan, frozenset(reasons))
        (self.folder / WORKLOAD).write_text(workload.dumps(), "utf-8")
        command = (*_START_WORKER, str(self.folder))
        evaluate_all(workload, values, begin, folder=self.folder, command=command, timeout=self.request["timeout"])
        np.concatenate([table.ravel() for tables in values for table in tables]).astype("<f8").tofile(
            self.folder / VALUES
        )
        return {
            "on": [item.on for item in self.functions],
            "methods": [call.method for call in plan.calls],
            "reasons": [[index, scope, text[:300]] for (index, scope), text in sorted(reasons.items())],
            "guessed": [[index, item.parameter] for index, item in enumerate(self.functions) if item.guessed],
            "random": unsteady,
            "unweighted": unweighted,
        }

    def work(self, share: WorkerShare) -> None:
        """Evaluate a share of the resamples, as the workload says."""
        text = (self.folder / WORKLOAD).read_text("utf-8")
        plan = self._plan(Workload.methods(text))
        begin = _marker(self.folder / f"{CURRENT}{share.index}", self.request["seed"])
        evaluate_share(Workload.loads(text, plan), share, begin, folder=self.folder)

    def _plan(self, methods: list[Method | None] | None = None) -> Plan:
        """Return the calls on all scopes; a metric whose method is ``None`` is bootstrapped."""
        rows, edges = _load(self.folder / "rows.npy"), _load(self.folder / "edges.npy")
        task, classes = self.request["task"], len(self.request["classes"])
        chosen = methods or [
            choose_method(metric, function, task=task, classes=classes)
            for metric, function in zip(self.metrics, self.functions, strict=True)
        ]
        calls = [
            self._call(metric, function, self._method(method or "row bootstrap"))
            for metric, function, method in zip(self.metrics, self.functions, chosen, strict=True)
        ]
        scopes = [rows[start:end] for start, end in itertools.pairwise(edges)]
        clusters = _load(self.folder / "clusters.npy") if self.request["clustered"] else None
        draws, seed = self.request["draws"], self.request["seed"]
        return Plan(calls, scopes, classes, draws, seed, clusters, self.request["units"])

    def _method(self, method: Method) -> Method:
        """Return the method for clusters, or for weighted rows, which no cell stands for."""
        if self.request["clustered"]:
            return _BY_CLUSTER.get(method, method)
        return "group jackknife" if self.request["weighted"] and method == "cell jackknife" else method

    def _call(self, metric: RowMetric, function: MetricFunction, method: Method) -> MetricCall:
        """Return a function with its arrays: original class values for custom functions, codes for others."""
        task, written = self.request["task"], self.request["classes"]
        classes = np.array(written) if metric.is_users and written else None
        arrays = [_load(self.folder / f"{function.on}{model}.npy") for model in range(self.request["models"])]
        labels = _load(self.folder / "labels.npy")
        if method == "cell jackknife":
            codes = [as_written(item, None, task) for item in (labels, *arrays)]
            return MetricCall(function.function, codes[0], tuple(codes[1:]), method, classes)
        if function.on == "decision":
            arrays = [as_written(item, classes, task) for item in arrays]
        weights = _load(self.folder / "weights.npy") if self.request["weighted"] else None
        written_labels = as_written(labels, classes, task)
        return MetricCall(function.function, written_labels, tuple(arrays), method, weights=weights)


def _load(path: Path) -> Array:
    """Return an array of a file, which all processes share in memory."""
    return np.asarray(np.load(path, mmap_mode="r"))


def _marker(path: Path, seed: int) -> Callable[[int, int, int], None]:
    """Return what a process calls before each evaluation: it notes the metric, and seeds the common generators."""
    marker = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def begin(metric: int, scope: int, index: int) -> None:
        os.pwrite(marker, b"%6d" % metric, 0)
        own = zlib.crc32(f"{seed} {metric} {scope} {index}".encode())
        random.seed(own)
        np.random.seed(own)  # noqa: NPY002 - the generator that the user's functions share

    return begin


if __name__ == "__main__":
    main(Path(sys.argv[1]), WorkerShare(int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 2 else None)
