"""Resamples of custom metrics on all cores: an estimate of the time, each process's share, and progress.

A worker imports the user's modules itself, in an isolated process, as the first one did: a forked copy of a process
whose libraries run threads may hang. Results do not depend on the number of processes.
"""

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlci.execution.metric_stage import CURRENT
from mlci.metrics.resampling import Plan
from mlci.metrics.row_metrics import Array, Method

Begin = Callable[[int, int, int], None]
"""Called before each evaluation with its metric, scope and resample."""
Values = list[list[Array]]
_SHORT, _ALONE = 5.0, 10.0
"""Seconds of work that are done without a word, and by one process."""
_PRECISE = 1.0
_KNOWN = 0.1
"""Share of the work after which its own speed is known better than the estimate."""
_POLL, _QUIET = 0.2, 10.0
_DONE, _PART = "done", "part"


@dataclass(frozen=True)
class WorkerShare:
    """A worker's number, from 0, and the number of workers."""

    index: int
    count: int


@dataclass(frozen=True, eq=False)
class Workload:
    """Resamples to evaluate.

    Attributes:
        plan: Metrics and scopes.
        costs: Estimated seconds of one resample by metric and scope; 0 if there is none to evaluate.
    """

    plan: Plan
    costs: list[list[float]]

    @classmethod
    def of(cls, plan: Plan, undefined: frozenset[tuple[int, int]]) -> "Workload":
        """Estimate the time of each metric on each scope, from its largest and its smallest scope."""
        return cls(plan, [_estimate(plan, metric, undefined) for metric in range(len(plan.calls))])

    @property
    def seconds(self) -> float:
        """Estimated seconds of one process."""
        counts = (
            (cost, self.plan.count(metric, scope))
            for metric, costs in enumerate(self.costs)
            for scope, cost in enumerate(costs)
        )
        return sum(cost * count for cost, count in counts)

    def dumps(self) -> str:
        """Return what a worker can't find out itself."""
        return json.dumps({"methods": [call.method for call in self.plan.calls], "costs": self.costs})

    @staticmethod
    def methods(text: str) -> list[Method | None]:
        """Return the methods of a written workload."""
        return list(json.loads(text)["methods"])

    @classmethod
    def loads(cls, text: str, plan: Plan) -> "Workload":
        """Return a written workload with its plan."""
        return cls(plan, json.loads(text)["costs"])

    def evaluate(self, values: Values, share: WorkerShare, begin: Begin) -> Iterator[float]:
        """Evaluate a share of the resamples; yield the estimated seconds of each."""
        for metric, costs in enumerate(self.costs):
            for scope, cost in enumerate(costs):
                if cost == 0:
                    continue
                resamples, table = self.plan.resamples(metric, scope), values[metric][scope]
                for index in range(share.index, resamples.count, share.count):
                    begin(metric, scope, index)
                    table[:, 1 + index] = resamples.value(index)
                    yield cost


def _estimate(plan: Plan, metric: int, undefined: frozenset[tuple[int, int]]) -> list[float]:
    sizes = {scope: len(rows) for scope, rows in enumerate(plan.scopes) if (metric, scope) not in undefined}
    costs = [0.0] * len(plan.scopes)
    if not sizes:
        return costs
    small, large = min(sizes, key=lambda scope: sizes[scope]), max(sizes, key=lambda scope: sizes[scope])
    low, high = _seconds(plan, metric, small), _seconds(plan, metric, large)
    slope = max(0.0, high - low) / max(1, sizes[large] - sizes[small])
    for scope, rows in sizes.items():
        costs[scope] = low + slope * (rows - sizes[small])
    return costs


def _seconds(plan: Plan, metric: int, scope: int) -> float:
    """Return the time of one resample; of a short one the second call, as the first one prepares the rows."""
    resamples = plan.resamples(metric, scope)
    if plan.calls[metric].method == "cell jackknife":
        resamples.sample()
        return _time(resamples.sample)
    first = _time(lambda: resamples.value(0))
    return first if first > _PRECISE or resamples.count == 0 else _time(lambda: resamples.value(0))


def _time(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return max(time.perf_counter() - begun, 1e-9)


@dataclass
class Progress:
    """Lines of progress, with the time that is left."""

    total: float
    processes: int
    begun: float = field(default_factory=time.monotonic)
    shown: float = 0.0

    def start(self, workload: Workload, timeout: float) -> None:
        """Print the estimate, and how to lower it."""
        wall = self.total / self.processes
        late = f"; `evaluation.timeout` stops it after {_words(timeout)}" if wall > timeout else ""
        count = f"{self.processes} processes" if self.processes > 1 else "one process"
        _show(f"resamples of custom metrics take {_words(wall)} in {count}{late}")
        if any(call.method == "row bootstrap" for call in workload.plan.calls):
            _show("`method: jackknife` beside a smooth metric needs fewer resamples than a bootstrap")

    def update(self, done: float) -> None:
        """Print the share that is done, at most every few seconds."""
        elapsed = time.monotonic() - self.begun
        part = min(done / self.total, 0.99)
        if elapsed - self.shown >= max(_QUIET, self.shown / 5) and part > 0:
            self.shown = elapsed
            known = min(1.0, part / _KNOWN)
            wall = known * elapsed / part + (1 - known) * self.total / self.processes
            _show(f"{part:.0%} of the resamples; {_words(max(wall - elapsed, 0.0))} left")


def _show(text: str) -> None:
    """Print a line; the runner makes it an event of the run."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _words(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"


def evaluate_all(
    workload: Workload, values: Values, begin: Begin, *, folder: Path, command: tuple[str, ...], timeout: float
) -> None:
    """Evaluate every resample into ``values``: here if it is quick, else in workers on all cores."""
    total = workload.seconds
    processes = max(1, min(_cores(), int(total / _SHORT))) if total > _ALONE else 1
    progress = Progress(total, processes)
    if total > _SHORT:
        progress.start(workload, timeout)
    if processes == 1:
        done = 0.0
        for cost in workload.evaluate(values, WorkerShare(0, 1), begin):
            done += cost
            if total > _SHORT:
                progress.update(done)
        return
    _run_workers(folder, command, processes, progress)
    for index in range(processes):
        _merge(folder / f"{_PART}{index}", values)


def _cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _run_workers(folder: Path, command: tuple[str, ...], count: int, progress: Progress) -> None:
    """Run workers to their end; if one fails, end as it did."""
    workers = [
        subprocess.Popen([*command, str(index), str(count)], stdin=subprocess.DEVNULL)  # noqa: S603 - this module
        for index in range(count)
    ]
    try:
        while (codes := [worker.poll() for worker in workers]).count(0) < count:
            failed = [index for index, code in enumerate(codes) if code]
            index = failed[0] if failed else next(index for index, code in enumerate(codes) if code is None)
            with contextlib.suppress(OSError):
                (folder / CURRENT).write_bytes((folder / f"{CURRENT}{index}").read_bytes())
            if failed:
                _end_as(codes[index] or 0)
            progress.update(sum(_read_done(folder / f"{_DONE}{index}") for index in range(count)))
            time.sleep(_POLL)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _end_as(code: int) -> None:
    """End this process with a worker's exit status or signal."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in {signal.SIGKILL, signal.SIGSTOP} else None
        os.kill(os.getpid(), -code)
    raise SystemExit(code)


def _read_done(path: Path) -> float:
    try:
        return float(struct.unpack("<d", path.read_bytes())[0])
    except (OSError, struct.error):
        return 0.0


def _merge(path: Path, values: Values) -> None:
    """Copy a worker's values; a worker that ended without them ends this process without an answer."""
    try:
        mine = np.fromfile(path, "<f8")
    except OSError:
        raise SystemExit(0) from None
    start = 0
    for tables in values:
        for table in tables:
            part = mine[start : start + table.size].reshape(table.shape)
            start += table.size
            np.copyto(table, part, where=np.isnan(table) & ~np.isnan(part))


def evaluate_share(workload: Workload, share: WorkerShare, begin: Begin, *, folder: Path) -> None:
    """Evaluate a share of the resamples as a worker; write the values, and before that what is done."""
    plan = workload.plan
    values = [
        [np.full((call.models, 1 + plan.count(metric, scope)), np.nan) for scope in range(len(plan.scopes))]
        for metric, call in enumerate(plan.calls)
    ]
    marker = os.open(folder / f"{_DONE}{share.index}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    done = 0.0
    for cost in workload.evaluate(values, share, begin):
        done += cost
        os.pwrite(marker, struct.pack("<d", done), 0)
    flat = np.concatenate([table.ravel() for tables in values for table in tables])
    flat.astype("<f8").tofile(folder / f"{_PART}{share.index}")
