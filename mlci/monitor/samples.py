"""Counts of one column in two samples, the reference and a window: the sufficient statistics of drift."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Role = Literal["feature", "prediction"]
"""What a column of the log is."""


@dataclass(frozen=True, eq=False)
class NumberPair:
    """Rows by value of a number, or by the upper end of a bin, in both samples.

    Attributes:
        values: Distinct values, ascending.
        reference: Rows of the reference with each value.
        window: Rows of the window with each value.
    """

    values: Floats
    reference: Floats
    window: Floats

    @classmethod
    def of(cls, reference: tuple[Floats, Floats], window: tuple[Floats, Floats]) -> "NumberPair":
        """Merge the values and counts of both samples."""
        values = np.union1d(reference[0], window[0])
        counts = [np.zeros(len(values)), np.zeros(len(values))]
        for target, (own, rows) in zip(counts, (reference, window), strict=True):
            target[np.searchsorted(values, own)] = rows
        return cls(values, counts[0], counts[1])

    @property
    def rows(self) -> tuple[int, int]:
        """Rows of the reference and of the window."""
        return int(self.reference.sum()), int(self.window.sum())

    def binned(self, bins: int) -> "NumberPair":
        """Return at most ``bins`` bins that hold about as many rows of the reference each, named by their upper end.

        Values of the window beyond the reference's range belong to the first and the last bin.
        """
        if len(self.values) <= bins:
            return self
        share = np.cumsum(self.reference) / max(self.reference.sum(), 1.0)
        ends = np.unique(np.searchsorted(share, np.arange(1, bins) / bins - 1e-12))
        code = np.searchsorted(ends, np.arange(len(self.values)))
        size = len(ends) + 1
        upper = np.append(self.values[ends], self.values[-1])
        kept = np.unique(code)
        counted = [
            np.bincount(code, weights=counts, minlength=size)[kept].astype(np.float64)
            for counts in (self.reference, self.window)
        ]
        return NumberPair(upper[kept], counted[0], counted[1])


@dataclass(frozen=True, eq=False)
class CategoryPair:
    """Rows by category in both samples."""

    names: tuple[str, ...]
    reference: Floats
    window: Floats

    @classmethod
    def of(cls, reference: Mapping[str, int], window: Mapping[str, int]) -> "CategoryPair":
        """Merge the counts of both samples."""
        names = tuple(sorted({*reference, *window}))
        counts = [np.array([float(side.get(name, 0)) for name in names]) for side in (reference, window)]
        return cls(names, counts[0], counts[1])

    @property
    def rows(self) -> tuple[int, int]:
        """Rows of the reference and of the window."""
        return int(self.reference.sum()), int(self.window.sum())


Pair = NumberPair | CategoryPair


@dataclass(frozen=True, kw_only=True)
class CellCounts:
    """Cells of a column in a window, or in the reference.

    Attributes:
        rows: All cells.
        nulls: Cells without a value.
        invalid: Cells of a column of numbers that are not numbers.
    """

    rows: int
    nulls: int = 0
    invalid: int = 0


@dataclass(frozen=True, kw_only=True)
class ColumnSample:
    """One column, in the reference and in a window, on all rows or in one group of a slice.

    Attributes:
        column: Name of the column in the log.
        role: ``feature`` or ``prediction``.
        pair: Counts of both samples; ``None`` if the log does not have the column.
        reference: Cells of the reference.
        window: Cells of the window.
        slice, group: The group; ``None`` for all rows.
    """

    column: str
    role: Role
    pair: Pair | None
    reference: CellCounts
    window: CellCounts
    slice: str | None = None
    group: str | None = None
