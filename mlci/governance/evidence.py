"""Evidence of a version: manifest, report, and the entries of the ledger about it, as one frozen document. Pure."""

from dataclasses import dataclass

from mlci.config.lifecycle.governance import Card
from mlci.metrics import catalogue
from mlci.registry.entries import Entry
from mlci.registry.entry_kinds import Promotion, ReproductionRecorded
from mlci.registry.manifest import Manifest
from mlci.report.document import DisparityRow, GateRow, MetricRow, Report
from mlci.report.sections.metrics import MAIN

TASKS = {
    "binary": "binary classification",
    "multiclass": "multiclass classification",
    "regression": "regression",
    "ranking": "ranking",
}
"""Names of the tasks in sentences."""


@dataclass(frozen=True, kw_only=True)
class VersionEvidence:
    """Evidence of one version.

    Attributes:
        manifest: The version's manifest.
        report: Report of the evaluation that it was promoted with.
        promotion: Entry that promoted it.
        promotion_digest: SHA-256 of that entry.
        decisions: Entries that promoted it, replaced it, or rolled back from or to it, oldest first.
        reproduction: Newest entry with its retrainings; ``None`` if there is none.
        production: Whether it is in production.
        rolled_back: Reason of the rollback that took it out of production; ``None`` if there is none.
        data: Path of the evaluation set as configured for the version; ``None`` if it is not recorded.
        card: What the owners state.
    """

    manifest: Manifest
    report: Report
    promotion: Entry
    promotion_digest: str
    decisions: tuple[Entry, ...]
    reproduction: Entry | None
    production: bool
    rolled_back: str | None
    data: str | None
    card: Card

    @property
    def promoted(self) -> Promotion:
        """Body of the entry that promoted it."""
        body = self.promotion.body
        if not isinstance(body, Promotion):
            raise TypeError(f"entry {self.promotion.number} promotes no version")
        return body

    @property
    def retrained(self) -> ReproductionRecorded | None:
        """Outcome of its retrainings."""
        body = self.reproduction.body if self.reproduction else None
        return body if isinstance(body, ReproductionRecorded) else None

    @property
    def values(self) -> tuple[MetricRow, ...]:
        """Metrics on the whole set that have a value."""
        return tuple(row for row in self.report.metrics if row.slice is None and row.candidate is not None)

    @property
    def groups(self) -> tuple[MetricRow, ...]:
        """Metrics of the groups that have a value."""
        return tuple(row for row in self.report.metrics if row.slice is not None and row.candidate is not None)

    @property
    def quality(self) -> tuple[MetricRow, ...]:
        """Metrics on the whole set that have a value, without costs such as the time of training."""
        return tuple(row for row in self.values if not _is_operational(row.metric))

    @property
    def main_groups(self) -> tuple[MetricRow, ...]:
        """Gated and usual metrics of the groups that have a value."""
        main = {*MAIN, *(gate.metric for gate in self.report.gates)}
        return tuple(row for row in self.groups if row.metric in main)

    @property
    def slices(self) -> tuple[str, ...]:
        """Names of the slices with a value."""
        return tuple(dict.fromkeys(row.slice for row in self.groups if row.slice is not None))

    @property
    def disparities(self) -> tuple[DisparityRow, ...]:
        """Disparities that have a value."""
        return tuple(row for row in self.report.disparities if row.candidate is not None)

    @property
    def waived(self) -> tuple[GateRow, ...]:
        """Gates with a waiver."""
        return tuple(row for row in self.report.gates if row.waived is not None)


def _is_operational(metric: str) -> bool:
    info = catalogue.find(metric)
    return info is not None and info.kind == "operation"
