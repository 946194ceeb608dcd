"""Comparison of both models on the same rows, before gates are judged."""

from dataclasses import dataclass

from mlci.git.head import CommitHead
from mlci.inference.result import EvaluationResult
from mlci.lineage.origin import RecordedOrigin
from mlci.operations.bundle.artifacts import ArtifactDigests
from mlci.operations.models.predictions import ModelPredictions
from mlci.operations.models.rescored_champion import ScoredChampion
from mlci.operations.report_builder import ReportContext
from mlci.registry.ledger import LedgerHead


@dataclass(frozen=True, kw_only=True)
class ComparisonRun:
    """Both models on the same rows, with their origins.

    Attributes:
        result: The estimates.
        facts: Facts of the report beside the estimates.
        candidate: The candidate's predictions.
        rows: Identifier of the rows that they belong to.
        head: The checkout's commit, before any step ran.
        digests: Digests of the candidate's artifacts, if they were requested.
        ledger_head: The ledger head, if it was read.
        against: Version that the candidate was compared with.
        past: Origin of the commit that the candidate was compared with.
        scored: The champion's predictions, if they were made for this comparison.
        has_rows: Whether an evaluation set, or a metrics file of the candidate, was read.
    """

    result: EvaluationResult
    facts: ReportContext
    candidate: ModelPredictions
    rows: str
    head: CommitHead | None
    digests: ArtifactDigests | None = None
    ledger_head: LedgerHead | None = None
    against: int | None = None
    past: RecordedOrigin | None = None
    scored: ScoredChampion | None = None
    has_rows: bool = True
