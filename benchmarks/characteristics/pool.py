"""Simulations in pieces: each piece has its own seed, so results do not depend on how many processes share the work."""

import os
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np

Tally = Mapping[str, float]
"""Totals by name over the replicates of a piece; pieces add up."""

SEED = 20_240_229


@dataclass(frozen=True)
class Work:
    """One simulation: ``simulate(rng, replicates, **settings)`` returns a tally.

    Attributes:
        name: Unique; the seed follows from it.
        simulate: A function at the top level of a module, so that another process can find it.
        replicates: How often to draw.
        settings: Keyword arguments.
        pieces: How many pieces to cut it into.
    """

    name: str
    simulate: Callable[..., Tally]
    replicates: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    pieces: int = 4


@dataclass(frozen=True)
class Outcome:
    """The counts of a simulation, its number of replicates, and the seconds of its process."""

    totals: Mapping[str, float]
    replicates: int
    seconds: float

    def mean(self, name: str) -> float:
        """Return a total per replicate."""
        return self.totals.get(name, 0.0) / self.replicates


def run(works: Sequence[Work], *, processes: int) -> dict[str, Outcome]:
    """Run everything; with one process in this one."""
    pieces = [(work, piece) for work in works for piece in range(work.pieces)]
    if processes == 1:
        return _gather(works, [_piece(*one) for one in pieces])
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read by the children: two processes on two cores need no more threads
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return _gather(works, list(pool.map(_piece, *zip(*pieces, strict=True))))


def _piece(work: Work, piece: int) -> tuple[str, Tally, int, float]:
    began = time.perf_counter()
    seed = np.random.SeedSequence((SEED, zlib.crc32(work.name.encode()), piece))
    replicates = work.replicates // work.pieces + (piece < work.replicates % work.pieces)
    tally = work.simulate(np.random.default_rng(seed), replicates, **work.settings)
    return work.name, tally, replicates, time.perf_counter() - began


def _gather(works: Sequence[Work], found: list[tuple[str, Tally, int, float]]) -> dict[str, Outcome]:
    outcomes = {}
    for work in works:
        mine = [one for one in found if one[0] == work.name]
        totals: Counter[str] = Counter()
        for _, tally, _, _ in mine:
            totals.update(tally)
        outcomes[work.name] = Outcome(dict(totals), sum(one[2] for one in mine), sum(one[3] for one in mine))
    return outcomes
