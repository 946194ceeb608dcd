"""From a frame to statistics: what a job asks for, in every scope."""

from collections.abc import Iterator

from mlci.engine.bind import needs_decision
from mlci.engine.bootstrap import replicates
from mlci.engine.counts import decisions, differing
from mlci.engine.frame import Frame
from mlci.engine.interface import Job
from mlci.engine.levels import Key
from mlci.engine.moments import calibration, moments
from mlci.engine.ranks import ranks
from mlci.metrics.row_metrics import RowMetricEvaluator
from mlci.metrics.statistics import WHOLE, Scope, Statistics


def reduce(
    job: Job, frame: Frame, *, exact_rows: int, threads: int | None, evaluator: RowMetricEvaluator | None = None
) -> tuple[tuple[Statistics, ...], tuple[str, ...]]:
    """Return the whole set's statistics, then each slice's groups, and notes for the report."""
    counted = decisions(frame, threads=threads) if job.decisions and needs_decision(job) else {}
    unequal = differing(frame, threads=threads)
    ranked, notes = ranks(frame, exact_rows=exact_rows, threads=threads) if job.scores else ({}, ())
    summed = {name: moments(frame, name, threads=threads) for name in job.losses}
    calibrated = calibration(frame, threads=threads) if job.calibration else {}
    drawn, said = replicates(frame, job, evaluator)
    found = tuple(
        Statistics(
            scope,
            rows,
            decisions=counted.get(key),
            scores=ranked.get(key),
            moments={name: by_scope[key] for name, by_scope in summed.items()},
            calibration=calibrated.get(key),
            replicates=drawn.get(key, {}),
            differing=unequal.get(key),
        )
        for key, scope, rows in _scopes(job, frame)
    )
    return found, (*notes, *said)


def _scopes(job: Job, frame: Frame) -> Iterator[tuple[Key, Scope, int]]:
    yield (None, 0), WHOLE, frame.rows
    for index, spec in enumerate(job.slices):
        groups = zip(frame.partition.groups[index], frame.partition.counts[index], strict=True)
        for number, (name, rows) in enumerate(groups):
            yield (index, number), Scope(spec.name, name), int(rows)
