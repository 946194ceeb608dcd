"""Champion's predictions on a moved evaluation set: written to the bundle by a run, read by a promotion."""

from dataclasses import dataclass
from pathlib import Path

from mlci.lineage.fingerprints import is_recorded
from mlci.registry.manifest import Predictions


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
