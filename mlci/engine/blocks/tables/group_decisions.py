"""Rows of one group by label, decisions and whether scores are unequal."""

from functools import cached_property

import numpy as np

from mlci.engine.blocks.plan import SumPlan
from mlci.engine.sql import Array
from mlci.metrics.statistics import Decisions


class GroupDecisions:
    """The occurring cells of one group, and the rows of each."""

    def __init__(self, plan: SumPlan, cells: Array, rows: Array) -> None:
        """Split the codes of the cells."""
        self._plan, self._rows = plan, rows
        self._unequal, rest = (cells & 1).astype(bool), cells >> 1
        classes = max(len(plan.classes), 1)
        self._decided: list[Array] = []
        for _ in range(plan.decided):
            rest, decision = np.divmod(rest, classes)
            self._decided.append(decision)
        self._label = rest

    @cached_property
    def size(self) -> int:
        """Number of rows."""
        return int(self._rows.sum())

    @property
    def unequal(self) -> int:
        """Number of rows with unequal scores."""
        return int(self._rows[self._unequal].sum())

    @property
    def labels(self) -> Array:
        """Number of rows of each class."""
        counts = np.zeros(max(len(self._plan.classes), 1), np.int64)
        np.add.at(counts, self._label, self._rows)
        return counts

    @property
    def differing(self) -> int:
        """Number of rows with unequal predictions."""
        decided = len(self._decided) == 2
        if self._plan.one_scored or not (self._plan.both_scored or decided):
            return self.size
        unequal = self._unequal | (self._decided[0] != self._decided[1]) if decided else self._unequal
        return int(self._rows[unequal].sum())

    @property
    def decisions(self) -> Decisions | None:
        """Rows by label and decisions; ``None`` if decisions are not counted."""
        if not self._decided:
            return None
        columns = [self._label, *self._decided[::-1]]
        order = np.lexsort(columns[::-1])
        ordered = [one[order] for one in columns]
        first = np.flatnonzero(np.append(True, np.any([one[1:] != one[:-1] for one in ordered], axis=0)))
        label, *baseline, candidate = (one[first] for one in ordered)
        counts = np.add.reduceat(self._rows[order], first)
        return Decisions(self._plan.classes, label, baseline[0] if baseline else None, candidate, counts)
