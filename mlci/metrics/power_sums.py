"""Sums of powers of per-row losses, which add up over shards; skewness and kurtosis of an influence come from them.

A *line* is one number per row: the candidate's loss, the baseline's, or the change from one to the other. An influence
is a line's value times a constant plus a polynomial of a *companion*: the baseline's loss for a change in RMSE, the
centred label for R², whose square enters. So the moments of an influence up to the fourth are sums of the mixed powers
here. Values are divided by a power of two near their largest first: eighth powers of large numbers
would overflow, and such a division is exact.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mlci.metrics.statistics import Floats, PowerSums

ORDER = 4
CLASS_ORDER = 3


@dataclass(frozen=True)
class Line:
    """One number per row.

    Attributes:
        name: ``candidate``, ``baseline`` or ``change``.
        companion: Name of its companion's column; ``None`` without one.
        weight: Powers of the companion that equal one power of the line.
    """

    name: str
    companion: str | None = None
    weight: int = 0

    @property
    def exponents(self) -> list[tuple[int, int]]:
        """Powers of the companion and of the line that are summed together."""
        return [(i, j) for j in range(ORDER + 1) for i in range(self.weight * (ORDER - j) + 1) if i + j]


def lines_of(columns: Mapping[str, object]) -> list[Line]:
    """Return the lines of a squared loss: with the label's column ``y`` for R², without it for RMSE."""
    names = [name for name in ("baseline", "candidate") if name in columns]
    if "y" in columns:
        return [Line(name, "y", 2) for name in (*names, *(["change"] if len(names) == 2 else []))]
    return [*(Line(name) for name in names), *([Line("change", "baseline", 1)] if len(names) == 2 else [])]


def with_change(columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Add the change from baseline to candidate to the columns if there are both."""
    if "baseline" not in columns:
        return dict(columns)
    return {**columns, "change": columns["candidate"] - columns["baseline"]}


def products(line: Line, columns: Mapping[str, Floats], units: Mapping[str, float]) -> Iterator[Floats]:
    """Yield the mixed powers of a line and its companion, one array of rows for each of its exponents."""
    own = _powers(columns[line.name] / units["loss"], ORDER)
    if line.companion is None:
        yield from own[1:]
        return
    unit = units["y" if line.companion == "y" else "loss"]
    other = _powers(columns[line.companion] / unit, line.weight * ORDER)
    yield from (own[j] if i == 0 else other[i] if j == 0 else other[i] * own[j] for i, j in line.exponents)


def collected(line: Line, rows: int, sums: Floats, units: Mapping[str, float]) -> PowerSums:
    """Build the power sums from the sums of :func:`products`."""
    table = np.zeros((line.weight * ORDER + 1, ORDER + 1))
    table[0, 0] = rows
    for (i, j), value in zip(line.exponents, sums, strict=True):
        table[i, j] = value
    return PowerSums(table, units["loss"], units["y" if line.companion == "y" else "loss"])


def class_products(values: Floats, positive: Floats) -> list[Floats]:
    """Return the powers of a line up to the third, separately for the classes of a binary task."""
    powers = _powers(values, CLASS_ORDER)[1:]
    return [power * mine for mine in (1 - positive, positive) for power in powers]


def unit_of(largest: float) -> float:
    """Return the power of two at or above the largest value; 1 for 0."""
    return float(2.0 ** np.frexp(largest)[1]) if largest > 0 and np.isfinite(largest) else 1.0


def _powers(values: Floats, order: int) -> list[Floats]:
    found = [np.ones_like(values)]
    for _ in range(order):
        found.append(found[-1] * values)
    return found
