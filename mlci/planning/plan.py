"""Plan of a gate: its power now, the drop that it finds, and the rows or repeats with which it decides.

A gate decides if it passes 80 % of the models that are as good as the baseline, and blocks 80 % of those that are worse
by the drop that it has to find, twice its margin unless another one is named.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlci.inference.intervals.distributions import quantile
from mlci.planning.changes import ChangeModel, SimulatedChange
from mlci.planning.gate import POWER, TWICE, PlannedGate, Power

_TURNS = 12
_WIDENINGS = 6
_CLOSE = 1.02
_FEWEST = 10
_MOST_ROWS = 10**9
_MOST_REPEATS = 100
_MOST_SIMULATED = 20_000
"""Simulated items, from which on the powers follow the normal distribution with the variance of the items."""
_TINY = 1e-4
_STEPS, _NEAR = 4, 0.04
_LEAST_FITTED = 0.2
_ROUGH = (0.0, 0.5, 1.0), (0.35, 0.7, 1.0, 1.4)
_FINE = tuple(step / 8 for step in range(9)), tuple(step / 8 for step in range(1, 13))
"""Drops of a curve inside the margin, in margins, and beyond it, in units of the drop that is just found."""


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What an evaluation costs, in US dollars; ``None`` where it is not known.

    Attributes:
        answer: One answer to one item.
        new_item: Writing or labelling one more item, once.
    """

    answer: float | None = None
    new_item: float | None = None


NO_PRICES = Prices()


@dataclass(frozen=True)
class Design:
    """A number of rows or items, and of repeats.

    Attributes:
        rows: Rows that carry the metric.
        repeats: Answers of each model to each item.
        cost: Of one evaluation of one model, in US dollars, with the price of new items; ``None`` if it is not known.
    """

    rows: int
    repeats: int
    cost: float | None = None


@dataclass(frozen=True)
class CurvePoint:
    """Powers at one true drop."""

    drop: float
    passed: float
    failed: float


@dataclass(frozen=True, kw_only=True)
class GatePlan:
    """What a gate can decide, and what it needs.

    Attributes:
        gate: The gate.
        basis: How powers were computed: ``exact``, ``simulated`` or ``normal``.
        repeats: Repeats now.
        passes: Share of equally good models that pass now.
        wanted: Drop that it has to find.
        finds: Share of models with that drop that it blocks now.
        detectable: Smallest drop that it blocks in 80 % of the pull requests now; ``None`` if there is none.
        curve: Powers by drop, now.
        more_rows: Rows with which it decides, at the repeats of now; ``None`` if no number of rows does.
        more_repeats: Repeats with which it decides, at the rows of now; ``None`` if no number does.
        cheapest: The cheapest of all designs; ``None`` without a price.
        notes: Assumptions.
    """

    gate: PlannedGate
    basis: str
    repeats: int
    passes: float
    wanted: float
    finds: float
    detectable: float | None
    curve: tuple[CurvePoint, ...]
    more_rows: Design | None = None
    more_repeats: Design | None = None
    cheapest: Design | None = None
    notes: tuple[str, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether it has the power now."""
        return min(self.passes, self.finds) >= POWER


def plan_gate(
    gate: PlannedGate,
    change: ChangeModel,
    *,
    repeats: int = 1,
    wanted: float | None = None,
    prices: Prices = NO_PRICES,
    within: float = 0.0,
    notes: Sequence[str] = (),
) -> GatePlan:
    """Return the plan of one gate.

    Args:
        gate: The gate, with the rows of now.
        change: Distribution of the change.
        repeats: Repeats of now.
        wanted: Drop that it has to find; ``None`` for twice the margin.
        prices: Prices, to compare more rows with more repeats.
        within: Variance of one answer around its item's mean; 0 if repeats do not help, or if it is not known.
        notes: Assumptions, for the reader.
    """
    wanted = TWICE * gate.margin if wanted is None else wanted
    search = _Search(gate, change, wanted)
    now = search.powers([0.0, wanted], gate.rows, repeats)
    curve = search.curve(repeats)
    plan = GatePlan(
        gate=gate,
        basis=change.basis,
        repeats=repeats,
        passes=now[0].passed,
        wanted=wanted,
        finds=now[1].failed,
        detectable=search.detectable(curve, repeats),
        curve=tuple(curve),
        notes=tuple(notes),
    )
    if plan.decides or not search.possible:
        return plan
    rows, answers = search.rows(repeats), search.repeats(repeats) if within > 0 else None
    more_rows = None if rows is None else _priced(Design(rows, repeats), gate.rows, prices)
    more_repeats = None if answers is None else _priced(Design(gate.rows, answers), gate.rows, prices)
    both = _both(search, rows, repeats, prices) if within > 0 and rows is not None else None
    known = [one for one in (more_rows, more_repeats, both) if one is not None and one.cost is not None]
    cheapest = min(known, key=lambda one: one.cost or 0.0, default=None)
    return replace(plan, more_rows=more_rows, more_repeats=more_repeats, cheapest=cheapest)


def has_power(gate: PlannedGate, change: ChangeModel, *, wanted: float | None = None) -> bool:
    """Return whether a gate has the power with its rows; see the module's first lines."""
    return _Search(gate, change, TWICE * gate.margin if wanted is None else wanted).least(gate.rows, 1) >= POWER


def rows_for_power(gate: PlannedGate, change: ChangeModel, *, wanted: float | None = None) -> int | None:
    """Return the rows with which a gate decides; ``None`` if no number does."""
    return _Search(gate, change, TWICE * gate.margin if wanted is None else wanted).rows(1)


def _priced(design: Design, rows: int, prices: Prices) -> Design:
    if prices.answer is None and prices.new_item is None:
        return design
    new = max(0, design.rows - rows) * (prices.new_item or 0.0)
    return replace(design, cost=design.rows * design.repeats * (prices.answer or 0.0) + new)


def _both(search: "_Search", rows: int, repeats: int, prices: Prices) -> Design | None:
    """Return the cheapest design with other repeats and other rows, by the variance of each number of repeats."""
    if prices.answer is None and prices.new_item is None:
        return None
    variance = search.change.variance
    designs = [
        _priced(Design(math.ceil(rows * variance(k) / variance(repeats)), k), search.gate.rows, prices)
        for k in range(1, _MOST_REPEATS + 1)
        if k != repeats
    ]
    best = min(designs, key=lambda one: one.cost or 0.0)
    found = search.rows(best.repeats)
    return None if found is None else _priced(Design(found, best.repeats), search.gate.rows, prices)


@dataclass(frozen=True)
class _Search:
    gate: PlannedGate
    change: ChangeModel
    wanted: float

    @property
    def possible(self) -> bool:
        """Whether any rows decide: an equal model never passes a margin of 0, nor is a drop inside it ever blocked."""
        return self.gate.margin > 0 and self.wanted > self.gate.margin

    def powers(self, drops: Sequence[float], rows: int, repeats: int) -> list[Power]:
        """Return the powers with some rows and repeats."""
        if rows < 1:
            return [Power(0.0, 0.0) for _ in drops]
        return self.change.powers(self.gate, drops, rows=rows, repeats=repeats)

    def least(self, rows: int, repeats: int) -> float:
        """Return the smaller of both powers that a gate needs."""
        lean = (
            replace(self.change, draws=self.change.draws // 2)
            if isinstance(self.change, SimulatedChange)
            else self.change
        )
        none, drop = lean.powers(self.gate, [0.0, self.wanted], rows=max(1, rows), repeats=repeats)
        return min(none.passed, drop.failed)

    def curve(self, repeats: int) -> list[CurvePoint]:
        """Return the powers from no change to where nearly every pull request is blocked."""
        gate = self.gate
        error = math.sqrt(self.change.variance(repeats) / gate.rows) if gate.rows else 0.0
        reach = (self._blocking() + quantile(POWER)) * error or gate.margin or _TINY
        inside, beyond = _FINE if self.change.basis != "simulated" else _ROUGH
        drops = sorted({gate.margin * step for step in inside} | {gate.margin + reach * step for step in beyond})
        points = self._points(drops, repeats)
        for _ in range(_WIDENINGS):
            if points[-1].failed >= (1 + POWER) / 2 or points[-1].drop >= 1e6 * reach:
                break
            step = points[-1].drop - gate.margin
            points += self._points([points[-1].drop + step * part for part in (0.4, 1.0)], repeats)
        return points

    def _points(self, drops: Sequence[float], repeats: int) -> list[CurvePoint]:
        found = self.powers(drops, self.gate.rows, repeats)
        return [CurvePoint(drop, one.passed, one.failed) for drop, one in zip(drops, found, strict=True)]

    def detectable(self, curve: Sequence[CurvePoint], repeats: int) -> float | None:
        """Return the smallest drop that is blocked with the power: between two points, by bisection if exact."""
        after = next((i for i, one in enumerate(curve) if one.failed >= POWER), None)
        if after is None or after == 0:
            return None if after is None else 0.0
        if self.change.basis == "simulated":
            return _fitted(curve, after)
        first, last = curve[after - 1].drop, curve[after].drop
        for _ in range(_TURNS):
            middle = (first + last) / 2
            if self.powers([middle], self.gate.rows, repeats)[0].failed >= POWER:
                last = middle
            else:
                first = middle
        return last

    def rows(self, repeats: int) -> int | None:
        """Return the rows with which the gate decides."""
        if not self.possible:
            return None
        first = self._normal_rows(repeats)
        if first is None:
            return None
        if self.change.basis == "simulated" and first > _MOST_SIMULATED:
            return first
        if self.change.basis == "simulated":
            return self._simulated_rows(first, repeats)
        return _least(lambda rows: self.least(rows, repeats), first, _MOST_ROWS)

    def _simulated_rows(self, rows: int, repeats: int) -> int | None:
        """Follow the normal distribution from one simulated power to the next."""
        goal = -quantile(self.gate.level) + quantile(POWER)
        for _ in range(_STEPS):
            found = -quantile(self.gate.level) + _probit(self.least(rows, repeats))
            ratio = min(4.0, max(0.25, (goal / max(found, goal / 2)) ** 2))
            if abs(ratio - 1) < _NEAR:
                return rows
            rows = math.ceil(max(_FEWEST, rows * ratio))
            if rows > _MOST_SIMULATED:
                return rows
        return rows

    def repeats(self, now: int) -> int | None:
        """Return the repeats with which the gate decides at its rows; ``None`` if a hundred do not."""
        if not self.possible or self.least(self.gate.rows, _MOST_REPEATS) < POWER:
            return None
        low, high = now, _MOST_REPEATS
        while high - low > 1:
            middle = (low + high) // 2
            if self.least(self.gate.rows, middle) >= POWER:
                high = middle
            else:
                low = middle
        return high

    def _normal_rows(self, repeats: int) -> int | None:
        """Return the rows for a normal estimate with this variance, to begin with."""
        variance, gate = self.change.variance(repeats), self.gate
        pass_rows = variance * ((-quantile(gate.level) + quantile(POWER)) / gate.margin) ** 2
        find_rows = variance * ((self._blocking() + quantile(POWER)) / (self.wanted - gate.margin)) ** 2
        rows = max(pass_rows, find_rows, _FEWEST)
        return math.ceil(rows) if rows <= _MOST_ROWS else None

    def _blocking(self) -> float:
        """Return the normal quantile of a gate that fails, after Holm."""
        return -quantile(self.gate.level / max(1, self.gate.family))


def _fitted(curve: Sequence[CurvePoint], after: int) -> float:
    """Return the drop with the power by a line through the probits of the simulated powers around it."""
    near = [one for one in curve if _LEAST_FITTED < one.failed < 1 - _LEAST_FITTED / 4]
    if len(near) < 2:
        near = [curve[after - 1], curve[after]]
    drops, probits = np.array([one.drop for one in near]), np.array([_probit(one.failed) for one in near])
    slope, start = np.polyfit(drops, probits, 1)
    found = (quantile(POWER) - float(start)) / float(slope)
    return min(max(found, curve[after - 1].drop), curve[after].drop)


def _probit(share: float) -> float:
    return quantile(min(1 - _TINY, max(_TINY, share)))


def _least(power: Callable[[int], float], first: int, most: int) -> int | None:
    """Return about the fewest rows with the power: widen from the first guess, then halve to within 2 %."""
    low, high = first, first
    if power(first) >= POWER:
        while low > _FEWEST and power(low := max(_FEWEST, int(low / 1.3))) >= POWER:
            high = low
    else:
        while power(high := math.ceil(high * 1.3)) < POWER:
            low = high
            if high > most:
                return None
    if low >= high:
        return high
    while high > low * _CLOSE and high - low > 1:
        middle = round(math.sqrt(low * high))
        middle = min(max(middle, low + 1), high - 1)
        if power(middle) >= POWER:
            high = middle
        else:
            low = middle
    return high
