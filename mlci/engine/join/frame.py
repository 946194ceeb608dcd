"""Columns of a job as arrays: fetched from a table, and of all models in the evaluation set's row order.

:class:`ColumnExpressions` is the SQL for :class:`FetchedColumns`; no other name connects an expression with its array.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlci.engine.encode.dictionary import KnownValues
from mlci.engine.encode.grouping import Partition
from mlci.engine.sql import Array
from mlci.metrics.row_metrics import Scalar


@dataclass(frozen=True, kw_only=True)
class FetchedColumns:
    """Columns of one table.

    Attributes:
        slices: Raw codes of each slice column.
        label: Raw codes of the label, or its numbers for regression; ``None`` if it is in another table.
        key: One or two numbers for each key.
        decisions: Raw codes of decisions, by the model's position in the job.
        scores: Scores, by the model's position in the job.
    """

    slices: tuple[Array, ...]
    label: Array | None
    key: tuple[Array, ...]
    decisions: Mapping[int, Array]
    scores: Mapping[int, Array]

    @property
    def labels(self) -> Array:
        """The label's codes or numbers, of the evaluation set."""
        if self.label is None:
            raise AssertionError(self)
        return self.label


@dataclass(frozen=True, kw_only=True)
class ColumnExpressions:
    """SQL for the columns to fetch from one table, field by field as in :class:`FetchedColumns`."""

    slices: tuple[str, ...] = ()
    label: str | None = None
    key: tuple[str, ...] = ()
    decisions: Mapping[int, str] = field(default_factory=dict)
    scores: Mapping[int, str] = field(default_factory=dict)

    def listed(self) -> list[str]:
        """Return all expressions, in the order of :meth:`assign`."""
        label = [] if self.label is None else [self.label]
        return [*self.slices, *label, *self.key, *self.decisions.values(), *self.scores.values()]

    def assign(self, arrays: Sequence[Array]) -> FetchedColumns:
        """Return the array of each expression, from those of :meth:`listed`."""
        rest = iter(arrays)
        return FetchedColumns(
            slices=tuple(next(rest) for _ in self.slices),
            label=None if self.label is None else next(rest),
            key=tuple(next(rest) for _ in self.key),
            decisions={model: next(rest) for model in self.decisions},
            scores={model: next(rest) for model in self.scores},
        )


@dataclass(frozen=True)
class ModelColumns:
    """One model's predictions for every row: score (float64) and decision (class index), if it has them."""

    score: Array | None
    decision: Array | None

    @property
    def scores(self) -> Array:
        """The score, for a job that needs it."""
        if self.score is None:
            raise AssertionError(self)
        return self.score


@dataclass(frozen=True, kw_only=True)
class ScannedRows:
    """Columns of all rows, checked and joined.

    Attributes:
        slices: Raw codes of each slice column.
        label_codes: Raw codes of the label's values; ``None`` for regression.
        labels: Class index of each element, or float64 for regression.
        models: The candidate's predictions, then the baseline's.
        weights: Rows of each element; ``None`` for one each.
        differing: Number of each element's rows with unequal predictions; ``None`` without a baseline.
        notes: Lines for the report.
        undecided: Models whose scores have no threshold, each with its column and range.
    """

    slices: tuple[Array, ...]
    label_codes: Array | None
    labels: Array
    models: list[ModelColumns]
    weights: Array | None = None
    differing: Array | None = None
    notes: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frame:
    """Input of the reductions.

    Attributes:
        rows: Rows of the evaluation set.
        weights: Rows of each element; ``None`` for one each.
        labels: Class index of each element, or float64 for regression.
        classes: Names of the classes; empty for regression.
        partition: The slices.
        candidate: The candidate's predictions.
        baseline: The baseline's; ``None`` without one.
        cells: Label, baseline's and candidate's decision of each element, combined to one code below ``width``; without
            decisions the label alone; ``None`` for regression.
        width: Number of such codes.
        notes: Lines for the report.
        undecided: Models whose scores have no threshold, each with its column and range.
        coded: Columns of the evaluation set by name, as codes, for its fingerprint.
        coded_weights: Rows of each element of ``coded``; ``None`` for one each.
        differing: Number of each element's rows with unequal predictions; ``None`` without a baseline.
        class_values: The classes' values in the label column; read only for functions of rows.
    """

    rows: int
    weights: Array | None
    labels: Array
    classes: tuple[str, ...]
    partition: Partition
    candidate: ModelColumns
    baseline: ModelColumns | None
    cells: Array | None
    width: int
    notes: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    coded: Mapping[str, KnownValues] = field(default_factory=dict)
    coded_weights: Array | None = None
    differing: Array | None = None
    class_values: tuple[Scalar, ...] = ()

    @property
    def models(self) -> list[ModelColumns]:
        """The candidate, then the baseline if there is one."""
        return [self.candidate] if self.baseline is None else [self.candidate, self.baseline]
