"""Job of the engine for one production log, and what it returns."""

from dataclasses import dataclass
from typing import Literal

from mlci.engine.interface import SliceSpec

WindowUnit = Literal["hour", "day", "week", "month"]
ColumnRole = Literal["feature", "prediction"]


@dataclass(frozen=True, kw_only=True)
class PredictionColumnPair:
    """A column of predictions: its name in the version's predictions and in the log, and if it must be there."""

    reference: str
    log: str
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class LabelSource:
    """Labels: a column of the log, or of a table of their own that is joined by the key.

    Attributes:
        label: Column with the labels; a row without one has none yet.
        path: The table; ``None`` for the log.
        key: Key in both tables; ``None`` for the log.
    """

    label: str
    path: str | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class ProductionJob:
    """A production log, and the evaluation set and predictions of the version in production.

    Attributes:
        data: The log.
        time: Column with the time of each row.
        unit: Kind of window.
        reference: The evaluation set.
        predictions: Predictions of the version on it.
        pairs: Columns of predictions.
        columns: Features to watch; ``None`` for all that both tables have.
        left_out: Columns of the evaluation set that are not features.
        slices: Partitions of the rows.
        key: Key of the evaluation set; ``None`` joins predictions by position.
        labels: Where labels are; ``None`` without any.
        max_groups: Most groups of a slice.
        since: First window to read, such as ``2026-11-02T00:00``; ``None`` for all.
        until: Windows that start at this time or later are not complete.
    """

    data: str
    time: str
    unit: WindowUnit
    reference: str
    predictions: str | None
    pairs: tuple[PredictionColumnPair, ...]
    columns: tuple[str, ...] | None
    left_out: frozenset[str]
    slices: tuple[SliceSpec, ...]
    key: str | None
    labels: LabelSource | None
    max_groups: int
    until: str
    since: str | None = None


@dataclass(frozen=True, kw_only=True)
class WindowCount:
    """Rows of one window, and those with a label."""

    start: str
    rows: int
    labelled: int
