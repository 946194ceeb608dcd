"""Moments of per-row losses, and calibration sums, in every scope.

Sums of floats are taken over blocks of rows of one size in the evaluation set's order, and blocks are added in order:
the same bytes come out whatever the number of threads, and rounding errors stay those of short sums.
"""

from collections.abc import Callable

import numpy as np

from mlci.engine.blocks import each_block
from mlci.engine.frame import Frame
from mlci.engine.levels import Key, Level
from mlci.engine.sql import Array
from mlci.metrics.statistics import Calibration, Moments

BINS = 15
_BLOCK = 1 << 18
_EPS = float(np.finfo(np.float64).eps)
Loss = Callable[[Array, Array], Array]


def _squared(y: Array, p: Array) -> Array:
    error = p - y
    error *= error
    return error


def _log(y: Array, p: Array) -> Array:
    given = np.where(y == 1, p, 1 - p)
    loss: Array = -np.log(np.clip(given, _EPS, 1 - _EPS))
    return loss


LOSSES: dict[str, Loss] = {
    "squared": _squared,
    "absolute": lambda y, p: np.abs(p - y),
    "signed": lambda y, p: p - y,
    "percentage": lambda y, p: np.abs(p - y) / np.maximum(np.abs(y), _EPS),
    "pinball": lambda y, p: np.abs(p - y) / 2,
    "log": _log,
}
"""Formulas of :mod:`mlci.metrics.losses`, from labels and predictions to one loss a row."""


def moments(frame: Frame, name: str, *, threads: int | None) -> dict[Key, Moments]:
    """Sum a named loss, its square and its product between models in every scope.

    Raises:
        KeyError: No loss has that name.
    """
    models = ("candidate",) if frame.baseline is None else ("baseline", "candidate")
    names = ("y", "y2", *models) if name == "variance" else models
    centre = _mean(frame.labels, threads) if name == "variance" else 0.0
    loss = LOSSES["squared" if name == "variance" else name]
    scores = [model.scores for model in reversed(frame.models)]

    def quantities(part: slice) -> list[Array]:
        y = frame.labels[part].astype(np.float64)
        losses = [loss(y, score[part]) for score in scores]
        differ = [(scores[0][part] != scores[1][part]).astype(np.float64)] if len(scores) == 2 else []
        if name == "variance":
            y -= centre
            losses = [y, y * y, *losses]
        return [*losses, *_products(losses), *differ]

    found: dict[Key, Moments] = {}
    for level in frame.partition.levels(1):
        sums = _sums(frame.rows, level, quantities, threads)
        for view in level.views:
            rows = view.fold(sums)
            found.update({(view.slice, group): _moments(names, row) for group, row in enumerate(rows)})
    return found


def _products(quantities: list[Array]) -> list[Array]:
    """Return the products of all pairs."""
    return [a * b for i, a in enumerate(quantities) for b in quantities[i:]]


def _sums(rows: int, level: Level, values: Callable[[slice], list[Array]], threads: int | None) -> Array:
    """Return counts and sums of values by code, shape (codes, 1 + values)."""

    def block(part: slice) -> Array:
        listed = values(part)
        codes = np.zeros(part.stop - part.start, np.intp) if level.codes is None else level.codes[part].astype(np.intp)
        columns = [np.bincount(codes, minlength=level.size)]
        columns += [np.bincount(codes, weights=value, minlength=level.size) for value in listed]
        return np.column_stack(columns).astype(np.float64)

    parts = each_block(rows, block, threads, block=_BLOCK)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _moments(names: tuple[str, ...], row: Array) -> Moments:
    size = len(names)
    products = np.zeros((size, size))
    upper = np.triu_indices(size)
    products[upper] = row[1 + size : 1 + size + len(upper[0])]
    products = products + np.triu(products, 1).T
    differing = int(row[-1]) if len(row) > 1 + size + len(upper[0]) else 0
    return Moments(names, int(row[0]), row[1 : 1 + size].copy(), products, differing)


def _mean(values: Array, threads: int | None) -> float:
    sums = each_block(len(values), lambda part: float(values[part].sum()), threads)
    return sum(sums) / len(values)


def calibration(frame: Frame, *, threads: int | None) -> dict[Key, Calibration]:
    """Sum (score - label) and its square in equally wide bins of the score, in every scope."""
    found: dict[Key, list[Array]] = {}
    for model in frame.models:
        score = model.scores
        bins = np.minimum((score * BINS).astype(np.int8), BINS - 1)
        for level in frame.partition.levels(BINS):
            codes = bins if level.codes is None else level.codes * np.int64(BINS) + bins
            inner = Level(codes, level.size * BINS, ())
            sums = _sums(frame.rows, inner, lambda part, score=score: _gaps(frame, score, part), threads)  # type: ignore[misc]
            for view in level.views:
                for group, one in enumerate(view.fold(sums.reshape(level.size, BINS, 3))):
                    found.setdefault((view.slice, group), []).append(one)
    return {key: _calibration(sums) for key, sums in found.items()}


def _gaps(frame: Frame, score: Array, part: slice) -> list[Array]:
    gap = score[part] - frame.labels[part]
    return [gap, gap * gap]


def _calibration(sums: list[Array]) -> Calibration:
    columns = [(one[:, 0].astype(np.int64), one[:, 1].copy(), one[:, 2].copy()) for one in sums]
    return Calibration(*columns[0], *columns[1]) if len(columns) == 2 else Calibration(*columns[0])
