"""Simulated evaluation sets for the search: pure noise of several kinds, and noise with one planted slice."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlci.engine.slice_search.columns import SearchColumn
from mlci.engine.slice_search.search import Losses, SliceSpace
from mlci.engine.sql import Array
from mlci.inference.slice_search import change_interval, confirm_slices
from mlci.metrics.worst_slices import ChosenSlice, SearchedSlices, WorstSlices

CONFIDENCE = 0.95
LEAST = 30
PLANTED = {"c0": "0", "c1": "1"}


@dataclass(frozen=True)
class Kind:
    """A kind of losses.

    Attributes:
        loss: Name of the loss.
        shown: Its name in the table.
        draw: From a generator, the rows, a column of groups, and by how much each row is made worse, to both losses.
    """

    loss: str
    shown: str
    draw: Callable[[np.random.Generator, int, Array, Array], tuple[Array, Array]]


def _decisions(generator: np.random.Generator, rows: int, groups: Array, harm: Array) -> tuple[Array, Array]:
    hard = np.clip(generator.beta(1, 6, rows) * (1 + groups / 4), 0, 0.9)
    return generator.random(rows) < hard, generator.random(rows) < np.clip(hard + harm, 0, 1)


def _few(generator: np.random.Generator, rows: int, groups: Array, harm: Array) -> tuple[Array, Array]:
    del groups, harm
    moved, side = generator.random(rows) < 0.01, generator.random(rows) < 0.5
    return moved & side, moved & ~side


def _worse(generator: np.random.Generator, rows: int, groups: Array, harm: Array) -> tuple[Array, Array]:
    del groups, harm
    return generator.random(rows) < 0.1, generator.random(rows) < 0.14


def _squared(generator: np.random.Generator, rows: int, groups: Array, harm: Array) -> tuple[Array, Array]:
    label = generator.random(rows) < 0.1 + groups / 20
    logit = generator.normal(size=rows) + 1.5 * label - 1.5
    models = (logit + (0.5 + 6 * added) * generator.normal(size=rows) for added in (np.zeros(rows), harm))
    before, after = ((1 / (1 + np.exp(-one)) - label) ** 2 for one in models)
    return before, after


def _absolute(generator: np.random.Generator, rows: int, groups: Array, harm: Array) -> tuple[Array, Array]:
    scale = generator.lognormal(0, 1.5, rows) * (1 + groups)
    before, after = (np.abs(scale * generator.normal(size=rows)) for _ in range(2))
    return before, after * (1 + 8 * harm)


def _skewed(generator: np.random.Generator, rows: int, groups: Array, harm: Array) -> tuple[Array, Array]:
    del groups, harm
    change = generator.lognormal(0, 1, rows) - np.exp(0.5)
    before = 5 + 5 * generator.random(rows)
    return before, before + change


KINDS = (
    Kind("wrong decision", "decisions, some groups harder", _decisions),
    Kind("wrong decision", "decisions, 1 % of rows differ", _few),
    Kind("wrong decision", "decisions, worse by 4 points on all rows", _worse),
    Kind("squared error", "squared error of probabilities", _squared),
    Kind("absolute error", "absolute error, heavy tails", _absolute),
    Kind("absolute error", "change of mean 0, skewed", _skewed),
)
HARMED = (0, 3, 4)
"""Kinds into which a slice can be planted."""


@dataclass(frozen=True)
class Draw:
    """One evaluation set: columns, both losses, and the half to search."""

    columns: tuple[SearchColumn, ...]
    before: Array
    after: Array
    first: Array

    def search(self, loss: str) -> WorstSlices:
        """Return the slices that are found."""
        space = SliceSpace(self.columns, Losses(self.before, self.after), self.first, LEAST)
        chosen = tuple(space.confirm(one) for one in space.choose(3))
        searched = SearchedSlices(loss=loss, searched=space.searched, columns=(), left_out=(), chosen=chosen)
        return confirm_slices(searched, CONFIDENCE)


def draw(kind: Kind, seed: list[int], rows: int, *, harm: float = 0.0, columns: int = 6) -> Draw:
    """Draw one evaluation set; ``harm`` makes the candidate worse where ``c0`` is 0 and ``c1`` is 1."""
    generator = np.random.default_rng(seed)
    drawn = []
    for number in range(columns):
        groups = int(generator.integers(2, 8))
        codes = generator.choice(groups, rows, p=generator.dirichlet(np.full(groups, 3.0)))
        drawn.append(SearchColumn(f"c{number}", codes.astype(np.uint8), tuple(map(str, range(groups)))))
    bad = (drawn[0].codes == 0) & (drawn[1].codes == 1)
    before, after = kind.draw(generator, rows, drawn[2].codes, harm * bad)
    return Draw(tuple(drawn), before.astype(float), after.astype(float), generator.random(rows) < 0.5)


@dataclass(frozen=True)
class NoiseRate:
    """Share of sets of noise on which a slice is found, and the slices of a search."""

    rows: int
    draws: int
    found: float
    searched: float


def noise_rate(number: int, rows: int, draws: int) -> NoiseRate:
    """Search sets without a worse slice."""
    found, searched = 0, 0
    for repeat in range(draws):
        result = draw(KINDS[number], [repeat, rows, number], rows).search(KINDS[number].loss)
        found += bool(result.slices)
        searched += result.searched
    return NoiseRate(rows, draws, found / draws, searched / draws)


def coverage(number: int, rows: int, draws: int) -> float:
    """Return how often the interval of the change on all rows of a slice holds the mean change of very many."""
    kind, hits = KINDS[number], 0
    large = draw(kind, [1, number], 1_000_000)
    truth = float((large.after - large.before).mean())
    for repeat in range(draws):
        one = draw(kind, [repeat, rows, number, 2], rows)
        change = one.after - one.before
        sums = Losses(one.before, one.after).sums(np.ones(rows, bool))
        worse, better = int((change > 0).sum()), int((change < 0).sum())
        part = ChosenSlice(conditions={}, rows=rows, inside=sums, outside=sums, worse=worse, better=better)
        low, high = change_interval(part, kind.loss, CONFIDENCE)
        hits += low <= truth <= high
    return hits / draws


@dataclass(frozen=True)
class Power:
    """Share of sets with a planted slice on which a slice, and exactly that slice, is found."""

    rows: int
    harm: float
    found: float
    exact: float


def power(number: int, rows: int, harm: float, draws: int) -> Power:
    """Search sets with one worse slice of two columns."""
    found = exact = 0
    for repeat in range(draws):
        result = draw(KINDS[number], [repeat, rows, number, 1], rows, harm=harm).search(KINDS[number].loss)
        found += bool(result.slices)
        exact += any(one.conditions == PLANTED for one in result.slices)
    return Power(rows, harm, found / draws, exact / draws)


def search_seconds(rows: int, columns: int) -> tuple[float, int]:
    """Return the processor seconds of a search, and the number of slices, without reading a file."""
    one = draw(KINDS[3], [7], rows, columns=columns)
    began = time.process_time()
    searched = one.search(KINDS[3].loss).searched
    return time.process_time() - began, searched
