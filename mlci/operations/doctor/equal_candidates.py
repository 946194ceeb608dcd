"""Simulated candidates of equal quality: the predictions of some rows are exchanged for those of similar rows.

A row gets the prediction of a row that is drawn at random from those with its label and its groups, so that the
expected value of every metric, in every group, stays that of the model. In a regression it gets the residual of a row
of its groups. Rows are chosen independently, with the probability by which the wanted share of decisions differs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mlci.engine import sql
from mlci.engine.duckdb_engine import load_frame, mix_decisions
from mlci.engine.encode.binder import bind_job
from mlci.engine.in_memory.reduce import reduce
from mlci.engine.interface import Job
from mlci.engine.join import Frame, ModelColumns
from mlci.engine.sql import Array
from mlci.metrics.statistics import Statistics

_EXACT_ROWS = 250_000


@dataclass(frozen=True, kw_only=True)
class SimulatedPair:
    """Statistics of a model and of one simulated candidate.

    Attributes:
        rows: Rows of the evaluation set.
        disagreement: Share of rows on which their decisions differ; of predictions for a regression.
        statistics: The whole set first, then each slice's groups, with the model as baseline.
    """

    rows: int
    disagreement: float
    statistics: tuple[Statistics, ...]


def simulate_pairs(job: Job, *, share: float, pairs: int, seed: int) -> Iterator[SimulatedPair]:
    """Yield pairs of a job's model and a simulated candidate; the same seed gives the same pairs.

    Args:
        job: The evaluation of one model, without functions of rows.
        share: Wanted share of rows on which the decisions of both differ.
        pairs: Number of pairs.
        seed: Of the draws.

    Raises:
        InputError: if a table or its content is invalid.
    """
    with sql.session() as (connection, scratch):
        frame = load_frame(bind_job(connection, job, scratch), threads=None, by_rows=True)
    pools = _Pools.of(frame)
    rate = pools.exchange_rate(frame, share)
    for number in range(pairs):
        random = np.random.Generator(np.random.PCG64([seed, number]))
        candidate = pools.exchange(frame, rate, random)
        yield _pair(job, frame, candidate)


def _pair(job: Job, frame: Frame, candidate: ModelColumns) -> SimulatedPair:
    model = frame.candidate
    cells, width = mix_decisions(frame.labels, [candidate, model], len(frame.classes))
    unequal = list(candidate.unequal_rows(model))
    decided = unequal[0 if model.score is None else -1]
    compared = replace(
        frame,
        candidate=candidate,
        baseline=model,
        cells=cells,
        width=width,
        partition=replace(frame.partition, table=None),
        differing=np.logical_or.reduce(unequal).view(np.uint8),
    )
    statistics, _ = reduce(job, compared, exact_rows=_EXACT_ROWS, threads=None)
    return SimulatedPair(rows=frame.rows, disagreement=float(decided.mean()), statistics=statistics)


@dataclass(frozen=True)
class _Pools:
    """Rows by pool: those with the same label in the same groups.

    Attributes:
        codes: Pool of each row.
        order: Rows sorted by pool.
        first: Place of each pool's first row in ``order``.
        sizes: Rows of each pool.
    """

    codes: Array
    order: Array
    first: Array
    sizes: Array

    @classmethod
    def of(cls, frame: Frame) -> "_Pools":
        codes = frame.labels.astype(np.int64) if frame.classes else np.zeros(frame.rows, np.int64)
        for index, names in enumerate(frame.partition.groups):
            mixed = codes * len(names) + frame.partition.codes(index)
            codes = np.unique(mixed, return_inverse=True)[1]
        _, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
        order = np.argsort(codes, kind="stable")
        return cls(codes, order, np.cumsum(sizes) - sizes, sizes)

    def exchange_rate(self, frame: Frame, share: float) -> float:
        """Return the probability to exchange a row: the share, over that of exchanges which change the decision."""
        decision = frame.candidate.decision
        if decision is None:
            return min(1.0, share)
        classes = max(1, len(frame.classes))
        counts = np.bincount(self.codes * classes + decision, minlength=len(self.sizes) * classes)
        shares = counts.reshape(len(self.sizes), classes) / self.sizes[:, None]
        changed = float((self.sizes * (1 - (shares**2).sum(axis=1))).sum()) / frame.rows
        return min(1.0, share / changed) if changed else 1.0

    def exchange(self, frame: Frame, rate: float, random: np.random.Generator) -> ModelColumns:
        """Return the predictions of a simulated candidate."""
        chosen = np.flatnonzero(random.random(frame.rows) < rate)
        pool = self.codes[chosen]
        source = self.order[self.first[pool] + random.integers(self.sizes[pool])]
        model = frame.candidate
        score = None if model.score is None else model.score.copy()
        decision = None if model.decision is None else model.decision.copy()
        if score is not None:
            moved = 0.0 if frame.classes else frame.labels[chosen] - frame.labels[source]
            score[chosen] = model.scores[source] + moved
        if decision is not None and model.decision is not None:
            decision[chosen] = model.decision[source]
        probabilities = None if model.probabilities is None else model.probabilities.copy()
        if probabilities is not None and model.probabilities is not None:
            probabilities[:, chosen] = model.probabilities[:, source]
        return ModelColumns(score, decision, probabilities)
