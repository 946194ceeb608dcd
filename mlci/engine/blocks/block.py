"""Blocks of rows: the columns that statistics need, as codes and numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlci.engine.sql import Array

MOST_ROWS = 1 << 15
"""Rows that are added together, so that their temporary arrays fit a processor's cache."""

Columns = tuple[Array | None, ...]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Coded columns of some rows of the evaluation set, checked and joined.

    Attributes:
        slices: Final codes of each base column of the slices.
        labels: Class index of each row, or float64 for regression.
        scores: The candidate's scores, then the baseline's, float64; ``None`` for a model whose scores are not needed.
        decisions: The class index that each model decides for; ``None`` for a model without decisions.
    """

    slices: tuple[Array, ...]
    labels: Array
    scores: Columns = ()
    decisions: Columns = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def parts(self, most: int = MOST_ROWS) -> Iterator["Block"]:
        """Yield the rows in blocks of at most ``most``."""
        if self.rows <= most:
            yield self
            return
        for start in range(0, self.rows, most):
            yield self._part(slice(start, start + most))

    def _part(self, part: slice) -> "Block":
        return Block(
            slices=tuple(one[part] for one in self.slices),
            labels=self.labels[part],
            scores=tuple(None if one is None else one[part] for one in self.scores),
            decisions=tuple(None if one is None else one[part] for one in self.decisions),
        )
