"""Moments of per-row losses, and calibration sums, in every scope.

Floats are summed over blocks of rows of a fixed size in the evaluation set's order, and blocks are added in order: the
result does not depend on the number of threads, and rounding errors are those of short sums.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from mlci.engine.chunks import each_block
from mlci.engine.encode.grouping import Key, Level
from mlci.engine.join.frame import Frame
from mlci.engine.sql import Array
from mlci.metrics import statistics
from mlci.metrics.statistics import Calibration, Moments

BINS = 15
_BLOCK = 1 << 18
_EPS = float(np.finfo(np.float64).eps)
Loss = Callable[[Array, Array], Array]


def _squared_error(y: Array, p: Array) -> Array:
    error = p - y
    error *= error
    return error


def _log_loss(y: Array, p: Array) -> Array:
    given = np.where(y == 1, p, 1 - p)
    loss: Array = -np.log(np.clip(given, _EPS, 1 - _EPS))
    return loss


LOSSES: dict[str, Loss] = {
    "squared": _squared_error,
    "absolute": lambda y, p: np.abs(p - y),
    "signed": lambda y, p: p - y,
    "percentage": lambda y, p: np.abs(p - y) / np.maximum(np.abs(y), _EPS),
    "pinball": lambda y, p: np.abs(p - y) / 2,
    "log": _log_loss,
}
"""Formulas of :mod:`mlci.metrics.statistics`, from labels and predictions to one loss per row."""


@dataclass(frozen=True)
class _Plan:
    """Sums of one loss, in order.

    Attributes:
        names: Quantities whose sums and products are needed.
        lines: Numbers whose powers are needed, for squared losses of regression.
        classed: Numbers whose powers are needed by class, for losses of a binary task.
        centre: Centre of the labels.
        units: Divisors of losses and labels before they are raised to powers.
    """

    names: tuple[str, ...]
    lines: tuple[statistics.Line, ...] = ()
    classed: tuple[str, ...] = ()
    centre: float = 0.0
    units: Mapping[str, float] = field(default_factory=dict)


def loss_moments(frame: Frame, name: str, *, threads: int | None) -> dict[Key, Moments]:
    """Sum a named loss, its square, its product between models and powers for its tails, in every scope.

    Raises:
        KeyError: if no loss has that name.
    """
    rows = _Rows(frame, name, _mean(frame.labels, threads) if name == "variance" else 0.0)
    plan = _plan(frame, name, rows, threads)

    def quantities(part: slice) -> Iterator[Array]:
        return _quantities(plan, rows.columns(part), rows.unequal(part), frame.labels[part])

    sums = frame.partition.fold(1, lambda level: _sums(frame.rows, level, quantities, threads))
    return {key: _moments(plan, row) for key, row in sums}


@dataclass(frozen=True)
class _Rows:
    """One loss of both models, block by block."""

    frame: Frame
    name: str
    centre: float

    @property
    def scores(self) -> dict[str, Array]:
        """Both models' scores, the baseline's first."""
        baseline = {} if self.frame.baseline is None else {"baseline": self.frame.baseline.scores}
        return {**baseline, "candidate": self.frame.candidate.scores}

    def columns(self, part: slice) -> dict[str, Array]:
        """Return the losses, and for R² the centred labels with their squares."""
        y = self.frame.labels[part].astype(np.float64)
        loss = LOSSES["squared" if self.name == "variance" else self.name]
        losses = {model: loss(y, score[part]) for model, score in self.scores.items()}
        if self.name != "variance":
            return losses
        y -= self.centre
        return {"y": y, "y2": y * y, **losses}

    def unequal(self, part: slice) -> list[Array]:
        """Return whether predictions are unequal, in a list that is empty without a baseline."""
        baseline, candidate = self.frame.baseline, self.frame.candidate
        return [] if baseline is None else [(candidate.scores[part] != baseline.scores[part]).astype(np.float64)]


def _plan(frame: Frame, name: str, rows: _Rows, threads: int | None) -> _Plan:
    models = tuple(rows.scores)
    names = ("y", "y2", *models) if name == "variance" else models
    if frame.classes:
        return _Plan(names, classed=(*models, "change") if len(models) == 2 else models)
    if name not in {"squared", "variance"}:
        return _Plan(names)
    largest = each_block(frame.rows, lambda part: {k: abs(v).max() for k, v in rows.columns(part).items()}, threads)
    units = {
        "loss": statistics.unit_of(max(float(block[model]) for block in largest for model in models)),
        "y": statistics.unit_of(max(float(block.get("y", 0.0)) for block in largest)),
    }
    return _Plan(names, lines=tuple(statistics.lines_of(dict.fromkeys(names))), centre=rows.centre, units=units)


def _quantities(plan: _Plan, columns: dict[str, Array], unequal: list[Array], labels: Array) -> Iterator[Array]:
    """Yield all summed numbers of the rows, one by one to save memory."""
    plain = [columns[name] for name in plan.names]
    yield from plain
    yield from (a * b for i, a in enumerate(plain) for b in plain[i:])
    yield from unequal
    lines = statistics.with_change(columns) if plan.lines or plan.classed else {}
    for line in plan.lines:
        yield from statistics.products(line, lines, plan.units)
    if plan.classed:
        positive = labels.astype(np.float64)
        yield positive
        for name in plan.classed:
            yield from statistics.class_products(lines[name], positive)


def _sums(rows: int, level: Level, values: Callable[[slice], Iterable[Array]], threads: int | None) -> Array:
    """Return counts and sums of values by code, shape (codes, 1 + values)."""

    def block(part: slice) -> Array:
        codes = np.zeros(part.stop - part.start, np.intp) if level.codes is None else level.codes[part].astype(np.intp)
        columns = [np.bincount(codes, minlength=level.size)]
        columns += [np.bincount(codes, weights=value, minlength=level.size) for value in values(part)]
        return np.column_stack(columns).astype(np.float64)

    parts = each_block(rows, block, threads, block=_BLOCK)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _moments(plan: _Plan, row: Array) -> Moments:
    """Split the sums of one scope, in the order of :func:`_quantities`."""
    rest = iter(row.tolist())

    def take(count: int) -> Array:
        return np.array([next(rest) for _ in range(count)])

    rows, size = int(take(1)[0]), len(plan.names)
    sums, upper = take(size), np.triu_indices(size)
    products = np.zeros((size, size))
    products[upper] = take(len(upper[0]))
    products = products + np.triu(products, 1).T
    differing = int(take(1)[0]) if "baseline" in plan.names else 0
    powers = {line.name: statistics.collected(line, rows, take(len(line.exponents)), plan.units) for line in plan.lines}
    by_class = {}
    if plan.classed:
        positives = take(1)[0]
        counts = np.array([[rows - positives], [positives]])
        for name in plan.classed:
            by_class[name] = np.hstack([counts, take(2 * statistics.CLASS_ORDER).reshape(2, -1)])
    return Moments(plan.names, rows, sums, products, differing, powers, by_class)


def _mean(values: Array, threads: int | None) -> float:
    sums = each_block(len(values), lambda part: float(values[part].sum()), threads)
    return sum(sums) / len(values)


def calibration_sums(frame: Frame, *, threads: int | None) -> dict[Key, Calibration]:
    """Sum (score - label) and its square in equally wide bins of the score, in every scope."""
    each = [dict(_calibration_sums(frame, model.scores, threads)) for model in frame.models]
    return {key: Calibration(*(column for sums in each for column in sums[key])) for key in each[0]}


def _calibration_sums(frame: Frame, score: Array, threads: int | None) -> Iterator[tuple[Key, tuple[Array, ...]]]:
    bins = np.clip(score * BINS, 0, BINS - 1).astype(np.int8)  # a calibration error beyond [0, 1] is not reported

    def gaps(part: slice) -> list[Array]:
        gap = score[part] - frame.labels[part]
        return [gap, gap * gap, frame.labels[part].astype(np.float64)]

    def reduce(level: Level) -> Array:
        codes = bins if level.codes is None else level.codes * np.int64(BINS) + bins
        return _sums(frame.rows, Level(codes, level.size * BINS, ()), gaps, threads).reshape(level.size, BINS, 4)

    for key, sums in frame.partition.fold(BINS, reduce):
        rows, gap, square, positives = sums.T
        yield key, (rows.astype(np.int64), gap.copy(), square.copy(), positives.astype(np.int64))
