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
    """Both models on the same rows, and where everything came from.

    Attributes:
        result: What was estimated.
        facts: What the report says beside it.
        candidate: The candidate's predictions.
        rows: What identifies the rows that they belong to.
        head: The checkout's commit, before any step ran.
        digests: The candidate's bytes, if they were asked for.
        ledger_head: The ledger's end, where it was read.
        against: Version that the candidate was compared with.
        past: What the commit that it was compared with was made from.
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
