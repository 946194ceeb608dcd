"""One model's predictions as values: source, costs and origin. It imports nothing that runs a command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlci.cost.minutes import PREDICTION_COST
from mlci.engine.interface import Source
from mlci.lineage.origin import RecordedOrigin
from mlci.lineage.rows import Rows, is_recorded
from mlci.registry.manifest import Predictions

PER_THOUSAND = frozenset({"predict_seconds_per_1k_rows", PREDICTION_COST})
"""Operational metrics of prediction, for a thousand rows."""
PER_ROWS = 1000  # operational metrics are measured as if for this many rows, and scaled once the rows are known


@dataclass(frozen=True, kw_only=True)
class OwnRows:
    """A baseline's own evaluation set, if it differs from the candidate's and training makes both.

    Attributes:
        rows: Digests of its rows.
        of: The baseline in messages: ``version 7``, ``main``.
        in_order: Whether the baseline's predictions belong to these rows, in their order.
    """

    rows: Rows
    of: str
    in_order: bool


@dataclass(frozen=True, kw_only=True)
class ScoredChampion:
    """A version's predictions on other rows than its own.

    Attributes:
        version: Number of the version whose model scored the rows.
        predictions: Fingerprint of the rows, the file, and the columns that hold the predictions.
        path: Path of the file.
    """

    version: int
    predictions: Predictions
    path: Path

    def answers(self, version: int, rows: str) -> bool:
        """Check if these are a version's predictions on these rows."""
        return self.version == version and is_recorded(self.predictions.fingerprint, rows)


@dataclass(frozen=True, kw_only=True)
class ModelPredictions:
    """One model's predictions and their costs.

    Attributes:
        source: File and columns of the predictions.
        costs: Operational metrics by name; prediction times are for the whole set.
        unknown: Why an operational metric could not be measured, by name.
        seconds: Wall time by stage.
        notes: Lines for the report.
        commit, label: Origin of the model.
        made_from: Commit that a version was made from without other changes, if known.
        model: The model itself, a file or a folder, if there is one.
        version: Its number in the registry.
        measured_for: Number of rows that prediction times are for; ``None`` for the whole set.
        rescored: Whether a version's predictions are on other rows than those that it was judged on.
        made_on: Fingerprint of the rows that they were made on, if it is known beforehand.
        past: Origin of their commit.
        own: Its own evaluation set; both models are then compared on the rows that both sets have.
        scored: The champion's predictions, if they were made for this comparison.
    """

    source: Source
    costs: Mapping[str, float] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    commit: str | None = None
    label: str | None = None
    made_from: str | None = None
    model: Path | None = None
    version: int | None = None
    measured_for: int | None = None
    rescored: bool = False
    made_on: str | None = None
    past: RecordedOrigin | None = None
    own: OwnRows | None = None
    scored: ScoredChampion | None = None
