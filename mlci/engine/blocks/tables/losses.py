"""Sums of losses: of their powers and products, for both models and for the change between them."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mlci.engine.blocks.plan import CodeLevel, LossPlan, Members, fold_inner
from mlci.engine.blocks.tables.exact_sums import MAGNITUDES, ExactSums, magnitudes, total, total_scaled
from mlci.engine.sql import Array
from mlci.metrics import statistics
from mlci.metrics.statistics import Moments

_EPS = float(np.finfo(np.float64).eps)
_TAILS = frozenset({"squared", "variance"})
"""Losses of regressions whose sums of powers are needed, because a few rows can carry their variance."""
MODELS = ("candidate", "baseline")


def loss_of(name: str, labels: Array, scores: Array) -> Array:
    """Return one loss per row, see :data:`mlci.metrics.statistics.LOSSES`."""
    if name == "log":
        given = np.where(labels == 1, scores, 1 - scores)
        loss: Array = -np.log(np.clip(given, _EPS, 1 - _EPS))
        return loss
    error = scores - labels
    if name in {"squared", "variance"}:
        error *= error
    elif name != "signed":
        np.abs(error, out=error)
    if name == "percentage":
        error /= np.maximum(np.abs(labels), _EPS)
    elif name == "pinball":
        error /= 2
    return error


class BinaryLossSums:
    """Sums of a loss of a binary task by a level's codes, label and magnitude of the row's largest loss.

    Powers of the change have their own magnitudes, so that those of two nearly equal models keep their digits.
    """

    def __init__(self, plan: LossPlan, level: CodeLevel, models: int) -> None:
        """Begin with sums of 0."""
        self.plan, self.level, self.models = plan, level, models
        codes = level.size * 2 * MAGNITUDES
        self._own = ExactSums(3 if models == 1 else 7, codes)
        self._change = ExactSums(3, codes) if models == 2 else None

    @property
    def sums(self) -> list[ExactSums]:
        """All sums, which add up over blocks."""
        return [self._own, *([self._change] if self._change else [])]

    def add(self, codes: Array, labels: Array, scores: Sequence[Array]) -> None:
        """Add rows, given the candidate's scores and the baseline's."""
        codes = (codes * 2 + labels.astype(np.intp)) * MAGNITUDES
        losses = [loss_of(self.plan.name, labels, score) for score in scores]
        if self.plan.unit != 1.0:
            losses = [loss / self.plan.unit for loss in losses]
        sizes = [np.abs(loss) for loss in losses] if self.plan.name == "signed" else losses
        number, factor = magnitudes(sizes[0] if len(sizes) == 1 else np.maximum(*sizes))
        if self._change is not None:
            change = losses[0] - losses[1]
            own, scale = magnitudes(np.abs(change))
            self._change.add(codes + own, _powers(change * scale), fine=3)
        scaled = [loss * factor for loss in losses]
        powers = _powers(*scaled) if len(scaled) == 1 else _mixed_powers(*scaled)
        self._own.add(codes + number, powers, fine=0 if self.plan.unit == 1.0 else len(self._own.high))

    def moments(
        self, members: Members, groups: Array, unequal: Sequence[int], counts: Sequence[Array]
    ) -> list[Moments]:
        """Return the moments of some groups.

        Args:
            members: The base columns of a slice.
            groups: Combinations of their codes.
            unequal: Rows with unequal scores of each.
            counts: Rows of each by label.
        """
        own = self._totals(self._own, members, groups, (1, 2, 3) if self.models == 1 else (1, 1, 2, 2, 2, 3, 3))
        change = None if self._change is None else self._totals(self._change, members, groups, (1, 2, 3))
        return [
            self._moments(own[at], None if change is None else change[at], unequal[at], counts[at])
            for at in range(len(groups))
        ]

    def _totals(self, sums: ExactSums, members: Members, groups: Array, degrees: tuple[int, ...]) -> Array:
        """Return the sums by group, label and column."""
        high, low = (fold_inner(table, self.level, members, 2 * MAGNITUDES)[:, groups] for table in sums.tables)
        out = np.zeros((high.shape[1], 2, len(degrees)))
        for column, degree in enumerate(degrees):
            for group, label in np.ndindex(high.shape[1], 2):
                part = slice(label * MAGNITUDES, (label + 1) * MAGNITUDES)
                exact = total_scaled(high[column, group, part], low[column, group, part], degree)
                out[group, label, column] = exact * self.plan.unit**degree
        return out

    def _moments(self, own: Array, change: Array | None, differing: int, counts: Array) -> Moments:
        rows, both = int(counts.sum()), own.sum(axis=0)
        column = counts.astype(np.float64)[:, None]
        if change is None:
            by_class = {"candidate": np.hstack([column, own])}
            return Moments(("candidate",), rows, both[:1], both[1:2].reshape(1, 1), 0, {}, by_class)
        lines = {"baseline": own[:, [1, 4, 6]], "candidate": own[:, [0, 2, 5]], "change": change}
        by_class = {line: np.hstack([column, powers]) for line, powers in lines.items()}
        products = np.array([[both[4], both[3]], [both[3], both[2]]])
        return Moments(("baseline", "candidate"), rows, both[[1, 0]], products, differing, {}, by_class)


def _powers(loss: Array) -> Iterator[Array]:
    square = loss * loss
    yield from (loss, square, square * loss)


def _mixed_powers(candidate: Array, baseline: Array) -> Iterator[Array]:
    first, second = candidate * candidate, baseline * baseline
    yield from (candidate, baseline, first, candidate * baseline, second, first * candidate, second * baseline)


class RegressionLossSums:
    """Sums of a loss of a regression by a level's codes."""

    def __init__(self, plan: LossPlan, level: CodeLevel, models: int) -> None:
        """Begin with sums of 0."""
        self.plan, self.level = plan, level
        self.models = MODELS[:models][::-1]
        self.names = ("y", "y2", *self.models) if plan.name == "variance" else self.models
        self.lines = statistics.lines_of(dict.fromkeys(self.names)) if plan.name in _TAILS else []
        plain, columns = len(self.names), sum(len(line.exponents) for line in self.lines)
        self._sums = ExactSums(plain + plain * (plain + 1) // 2 + columns, level.size)

    @property
    def sums(self) -> list[ExactSums]:
        """All sums, which add up over blocks."""
        return [self._sums]

    def add(self, codes: Array, labels: Array, scores: Sequence[Array]) -> None:
        """Add rows, given the candidate's scores and the baseline's."""
        losses = {name: loss_of(self.plan.name, labels, score) for name, score in zip(MODELS, scores, strict=False)}
        columns = {name: losses[name] for name in self.models}
        if self.plan.name == "variance":
            y = labels - self.plan.centre
            columns = {"y": y, "y2": y * y, **columns}
        self._sums.add(codes, self._quantities(columns), fine=len(self._sums.high))

    def _quantities(self, columns: Mapping[str, Array]) -> Iterator[Array]:
        plain = [columns[name] / self._unit(name) for name in self.names]
        yield from plain
        yield from (one * other for i, one in enumerate(plain) for other in plain[i:])
        lines = statistics.with_change(columns)
        for line in self.lines:
            yield from statistics.products(line, lines, self._units)

    def moments(
        self, members: Members, groups: Array, unequal: Sequence[int], counts: Sequence[Array]
    ) -> list[Moments]:
        """Return the moments of some groups; see :meth:`BinaryLossSums.moments`."""
        high, low = (fold_inner(table, self.level, members, 1)[:, groups] for table in self._sums.tables)
        return [self._moments(high[:, at], low[:, at], unequal[at], int(counts[at].sum())) for at in range(len(groups))]

    def _moments(self, high: Array, low: Array, differing: int, rows: int) -> Moments:
        values = iter([total(one, other) for one, other in zip(high, low, strict=True)])
        units = [self._unit(name) for name in self.names]
        sums = np.array([next(values) * unit for unit in units])
        products = np.zeros((len(units), len(units)))
        for i, j in zip(*np.triu_indices(len(units)), strict=True):
            products[i, j] = products[j, i] = next(values) * units[i] * units[j]
        powers = {}
        for line in self.lines:
            own = np.array([next(values) for _ in line.exponents])
            powers[line.name] = statistics.collected(line, rows, own, self._units)
        return Moments(self.names, rows, sums, products, differing, powers, {})

    @property
    def _units(self) -> dict[str, float]:
        return {"loss": self.plan.unit, "y": self.plan.label_unit}

    def _unit(self, name: str) -> float:
        return {"y": self.plan.label_unit, "y2": self.plan.label_unit**2}.get(name, self.plan.unit)


LossSums = BinaryLossSums | RegressionLossSums
