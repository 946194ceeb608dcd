"""Frame of arrays of all models, in the evaluation set's row order."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlci.engine.encode.dictionary import KnownValues
from mlci.engine.encode.grouping import Partition
from mlci.engine.sql import Array
from mlci.metrics.row_metrics import Scalar


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
        known: Columns of the evaluation set by name, as codes, for its fingerprint.
        each: Rows of each element of ``known``; ``None`` for one each.
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
    known: Mapping[str, KnownValues] = field(default_factory=dict)
    each: Array | None = None
    differing: Array | None = None
    class_values: tuple[Scalar, ...] = ()

    @property
    def models(self) -> list[ModelColumns]:
        """The candidate, then the baseline if there is one."""
        return [self.candidate] if self.baseline is None else [self.candidate, self.baseline]
