"""What rows are reduced by, and how the result folds into groups."""

from dataclasses import dataclass

import numpy as np

from mlci.engine.sql import Array

Key = tuple[int | None, int]
"""A scope: index of the slice and of its group; ``(None, 0)`` is the whole set."""


@dataclass(frozen=True)
class View:
    """How a level's codes fold into one slice's groups; slice ``None`` is the whole set."""

    slice: int | None
    lut: Array
    groups: int

    def members(self, size: int) -> Array:
        """Return the group of each of the level's codes, -1 for one that doesn't occur."""
        return np.arange(size) if self.lut.ndim == 0 else self.lut

    def fold(self, cells: Array) -> Array:
        """Sum ``cells`` (first axis: the level's codes) over each group, in the order of codes."""
        if self.lut.ndim == 0:
            return cells
        out = np.zeros((self.groups, *cells.shape[1:]), cells.dtype)
        for group in range(self.groups):
            out[group] = cells[self.lut == group].sum(axis=0)
        return out


IDENTITY = np.zeros((), np.int64)
"""Look-up table of a view whose groups are the level's codes themselves."""


@dataclass(frozen=True)
class Level:
    """Codes that rows are reduced by, and the slices that the result folds into."""

    codes: Array | None
    size: int
    views: tuple[View, ...]
    packed: bool = False
