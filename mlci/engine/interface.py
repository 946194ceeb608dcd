"""Port of the engine: from a job to statistics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from mlci.engine.tables.table_path import table_of, table_path
from mlci.lineage.rows import Fingerprint
from mlci.metrics.row_changes import RowChanges
from mlci.metrics.row_metrics import RowMetric
from mlci.metrics.statistics import Statistics
from mlci.metrics.worst_slices import SearchedSlices, SliceSearch

Progress = Callable[[str, int, int, float], None]
"""Receives what is being done, the rows that are done, all of them, and the seconds since it began."""


def ignore_progress(_stage: str, _done: int, _rows: int, _seconds: float) -> None:
    """Drop a report, if nothing shows it."""


@dataclass(frozen=True, kw_only=True)
class SliceColumn:
    """A column that partitions the rows, with ascending ``cut`` edges if it is a number to be binned."""

    column: str
    cut: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SliceSpec:
    """One slice: a column, or several crossed. ``name`` is its name in reports (``"sex × region"`` for a crossing)."""

    name: str
    columns: tuple[SliceColumn, ...]


class PredictionColumns(Protocol):
    """Columns and threshold of predictions, as a configuration or a version records them."""

    @property
    def score(self) -> str | None:
        """Column with scores."""

    @property
    def decision(self) -> str | None:
        """Column with decisions."""

    @property
    def table(self) -> str | None:
        """Table of a database that has them."""

    @property
    def threshold(self) -> float | None:
        """Score from which a row is positive."""

    @property
    def probabilities(self) -> Mapping[str, str] | None:
        """Column of each class."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Source of one model's predictions: a table and the columns with its score and/or decision.

    ``threshold`` is that of this model; ``None`` uses the job's. ``probabilities`` are pairs of a class and the column
    with its probability.
    """

    path: str
    score: str | None = None
    decision: str | None = None
    threshold: float | None = None
    probabilities: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, path: str, columns: PredictionColumns) -> "Source":
        """Return the source of predictions whose columns are recorded or configured."""
        pairs = tuple((columns.probabilities or {}).items())
        return cls(
            path=table_path(
                str(path), table=columns.table, columns=(columns.score, columns.decision, *dict(pairs).values())
            ),
            score=columns.score,
            decision=columns.decision,
            threshold=columns.threshold,
            probabilities=pairs,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns with predictions."""
        named = (self.score, self.decision, *(column for _, column in self.probabilities))
        return tuple(name for name in named if name is not None)

    @property
    def columns(self) -> dict[str, Any]:
        """Columns and threshold, as they are recorded."""
        return {
            "score": self.score,
            "decision": self.decision,
            "threshold": self.threshold,
            "table": table_of(self.path),
            "probabilities": dict(self.probabilities) or None,
        }


@dataclass(frozen=True, kw_only=True)
class Job:
    """Job of the engine for one evaluation.

    Attributes:
        task: The kind of model.
        data: Path, glob or URL of the evaluation set.
        key: Column to join by; ``None`` joins tables without a key by position.
        label: Column with the true values.
        positive: Value of the label that counts as positive; ``None`` means 1 or true.
        classes: Labels that may occur; ``None`` uses those of the label column.
        threshold: A score at or above it decides for the positive class, if ``decision`` names no column, unless a
            source has its own threshold.
        assumed_threshold: Whether the threshold is the default and not configured.
        slices: Partitions of the rows.
        candidate, baseline: The two models' predictions.
        scores, calibration: Whether ranks and calibration sums are needed.
        losses: Names of per-row losses whose moments are needed.
        class_ranks: Means of AUCs over classes (``ovr``) or pairs of them (``ovo``) that are needed.
        row_metrics: Metrics to resample rows for.
        probabilities: Whether scores have to be in [0, 1].
        zero_labels: Effect of a label of 0 on a metric that divides by the label: the run is refused if the metric is
        configured by name, or the metric is omitted with a note if it would only be reported.
        replicates, seed, row_timeout: Of row metrics: resamples of a bootstrap, seed, time limit in seconds.
        max_groups: Most groups that one slice may have.
        row_changes: Most rows to name whose loss changed; 0 names none.
        slice_search: Search for the worst slices; ``None`` searches none.
        cluster: Column of rows that belong together; ``None`` if rows are independent.
        weight: Column with the weight of each row; ``None`` if rows count equally.
        query: Column with the query of each document, for a ranking.
        rankings: Names of ranking metrics that are needed.
    """

    task: Literal["binary", "multiclass", "regression", "ranking"]
    data: str
    label: str
    candidate: Source
    baseline: Source | None = None
    key: str | None = None
    positive: Any = None
    classes: tuple[Any, ...] | None = None
    threshold: float = 0.5
    assumed_threshold: bool = False
    slices: tuple[SliceSpec, ...] = ()
    decisions: bool = True
    scores: bool = False
    calibration: bool = False
    losses: tuple[str, ...] = ()
    class_ranks: tuple[str, ...] = ()
    row_metrics: tuple[RowMetric, ...] = ()
    probabilities: bool = False
    zero_labels: Literal["refused", "left out"] = "left out"
    replicates: int = 1000
    seed: int = 7
    row_timeout: float = 3600
    max_groups: int = 100
    row_changes: int = 0
    slice_search: SliceSearch | None = None
    cluster: str | None = None
    weight: str | None = None
    query: str | None = None
    rankings: tuple[str, ...] = ()

    @property
    def by_cluster(self) -> bool:
        """Whether rows have clusters or weights, so that sums over all rows do not suffice."""
        return self.cluster is not None or self.weight is not None

    @property
    def labels_are_numbers(self) -> bool:
        """Whether labels are numbers, and models have scores instead of decisions."""
        return self.task in {"regression", "ranking"}


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Result of a job.

    Attributes:
        statistics: The whole set first, then each slice's groups, slices in the job's order, groups in their
            natural order (bins ascending, numbers by value, text by code point, the null group last).
        rows: Rows of the evaluation set.
        fingerprint: ``sha256:…`` of the evaluation set's content.
        notes: Lines for the report, e.g. that tables were joined by position.
        undecided: Models whose scores lie outside [0, 1] under an assumed threshold, each with its column and range;
            their decisions mean nothing.
        row_changes: The rows whose loss changed most, if the job asks for them.
        searched_slices: The slices that a search suggests, if the job asks for one and has a baseline.
    """

    statistics: tuple[Statistics, ...]
    rows: int
    fingerprint: Fingerprint
    notes: tuple[str, ...] = field(default=())
    undecided: tuple[str, ...] = field(default=())
    row_changes: RowChanges | None = None
    searched_slices: SearchedSlices | None = None


@dataclass(frozen=True)
class Survey:
    """Columns and classes of an evaluation set.

    Attributes:
        columns: Names of its columns.
        classes: Names of the label's classes; ``None`` if it has no such column, or too many values to be classes.
    """

    columns: tuple[str, ...]
    classes: tuple[str, ...] | None


class Engine(Protocol):
    """Port that reduces a job's tables to statistics."""

    def observe(self, job: Job) -> Observed:
        """Read, check and join the tables and reduce them.

        Raises:
            InputError: if a table or its content is invalid; the message has every problem.
        """
        ...
