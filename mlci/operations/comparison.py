"""One comparison of both models, before gates are judged, with its origins, lineage and trend."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlci.config.models import Baseline, Config
from mlci.git.refs import CommitHead
from mlci.inference.result import EvaluationResult
from mlci.lineage.origin import RecordedOrigin
from mlci.lineage.rows import is_recorded
from mlci.operations import evaluation_plan, evaluation_sets
from mlci.operations.context import RunContext
from mlci.operations.holdout import holdout_uses
from mlci.operations.lineage import (
    CurrentState,
    changes_since,
    compare_lineage,
    current_state,
)
from mlci.operations.models.model_predictions import ModelPredictions, ScoredChampion
from mlci.operations.provenance import ArtifactDigests, BuildProvenance, collect_provenance
from mlci.operations.registry.version_history import origin_of_version, trend_rows
from mlci.operations.report_builder import ReportContext
from mlci.recovery.anchor import Anchor
from mlci.registry.manifest import Environment
from mlci.registry.registry import RegistryView
from mlci.report.document import BaselineRef, Candidate
from mlci.report.lineage_rows import Lineage


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
        view: The registry as of one entry, if it was read.
        against: Version that the candidate was compared with.
        past: Origin of the commit that the candidate was compared with.
        scored: The champion's predictions, if they were made for this comparison.
        judged: Digest of what was judged, if that is not the file of predictions.
        has_rows: Whether an evaluation set, or a metrics file of the candidate, was read.
    """

    result: EvaluationResult
    facts: ReportContext
    candidate: ModelPredictions
    rows: str
    head: CommitHead | None
    digests: ArtifactDigests | None = None
    view: RegistryView | None = None
    against: int | None = None
    past: RecordedOrigin | None = None
    scored: ScoredChampion | None = None
    judged: str | None = None
    has_rows: bool = True

    @property
    def predictions_digest(self) -> str | None:
        """Digest of the candidate's predictions, by which a look at the evaluation set is known."""
        return self.judged or (self.digests.digest if self.digests is not None else None)


def add_report_refs(
    facts: ReportContext,
    config: Config,
    candidate: ModelPredictions,
    baseline: ModelPredictions | None,
    *,
    seconds: Mapping[str, float],
    head: CommitHead | None,
    digests: ArtifactDigests | None,
) -> ReportContext:
    """Add the references of both models to the facts of a report."""
    commit = candidate.commit or (head.commit if head else None)
    label = "with uncommitted changes" if head and head.dirty else None
    ref = Candidate(commit=facts.candidate.commit or commit, label=label)
    return replace(facts, candidate=_with_digests(ref, digests), baseline=_reference(config, baseline), seconds=seconds)


def _with_digests(candidate: Candidate, digests: ArtifactDigests | None) -> Candidate:
    if digests is None:
        return candidate
    named = {
        "predictions": digests.predictions.file.digest if digests.predictions else None,
        "model": digests.model_digest,
    }
    return candidate.model_copy(
        update={name: f"sha256:{digest}" for name, digest in named.items() if digest is not None}
    )


def _reference(config: Config, baseline: ModelPredictions | None) -> BaselineRef:
    if config.baseline == "production":
        version = str(baseline.version) if baseline else None
        return BaselineRef(source="production", version=version, commit=baseline.commit if baseline else None)
    if not isinstance(config.baseline, Baseline):
        return BaselineRef(source="none")
    if config.baseline.file is not None or config.baseline.log is not None:
        return BaselineRef(source="file", label=config.baseline.file or config.baseline.log)
    return BaselineRef(source="ref", commit=baseline.commit if baseline else None, label=config.baseline.ref)


def has_known_origin(config: Config) -> bool:
    """Check if a baseline's origin is known, so that the report can list what changed since."""
    baseline = config.baseline
    return baseline == "production" or (isinstance(baseline, Baseline) and baseline.ref is not None)


def _anchor(view: RegistryView | None) -> str | None:
    """Return the anchor of the ledger that was read; ``None`` for no registry, or one without entries."""
    if view is None or view.head.digest is None:
        return None
    return Anchor(number=view.head.number, digest=view.head.digest).text


def add_lineage(
    context: RunContext,
    comparison: ComparisonRun,
    environment: Environment | None,
    *,
    keep: bool,
) -> tuple[ComparisonRun, BuildProvenance | None]:
    """Add lineage, trend and holdout uses to a comparison; also return how the candidate was made.

    Args:
        context: Run context.
        comparison: Both models on the same rows.
        environment: Environment of the run; without it the report lists no changes.
        keep: Whether the candidate is kept, with digests of its rows.
    """
    result = comparison.result
    uses = holdout_uses.known_uses(comparison.view, result.fingerprint)
    facts = replace(comparison.facts, uses=uses, anchor=_anchor(comparison.view))
    provenance, now = None, None
    if environment is not None and comparison.has_rows:
        rows = evaluation_sets.keep_rows(context) if keep or _by_rows(comparison) else None
        head, digests = comparison.head, comparison.digests
        provenance = collect_provenance(context.loaded, context.git, environment, head=head, digests=digests, rows=rows)
        now = current_state(provenance, comparison.digests, result.fingerprint or comparison.rows)
    if comparison.view is not None:
        result, facts = add_history(context, comparison.view, result=result, facts=facts, now=now)
    elif now is not None and comparison.past is not None:
        facts = replace(facts, lineage=changes_since(context, comparison.past, now))
    return replace(comparison, result=result, facts=facts), provenance


def _by_rows(comparison: ComparisonRun) -> bool:
    """Check if the report has to list changes of the evaluation set row by row."""
    before = None if comparison.past is None else comparison.past.origin.fingerprint
    moved = before is not None and not is_recorded(before, comparison.result.fingerprint)
    return comparison.view is not None or moved


def add_history(
    context: RunContext,
    view: RegistryView,
    *,
    result: EvaluationResult,
    facts: ReportContext,
    now: CurrentState | None,
) -> tuple[EvaluationResult, ReportContext]:
    """Add lineage and trend to a result and its facts.

    Raises:
        CorruptError: if the version in production is damaged; a damaged older one is only a note.
    """
    facts = replace(facts, lineage=_lineage_to_champion(context, view, now) if now is not None else None)
    gated = [
        rule.metric for rule in evaluation_plan.gate_rules(context.config) if rule.each is None and rule.across is None
    ]
    rows, notes = trend_rows(view, gated, result.fingerprint)
    return replace(result, notes=(*result.notes, *notes)), replace(facts, trend=rows)


def _lineage_to_champion(context: RunContext, view: RegistryView, now: CurrentState) -> Lineage | None:
    store, champion = view.store, view.champion
    if champion is None:
        return None
    before = origin_of_version(store, champion, now.texts)
    lineage = compare_lineage(context.git, before, now.origin)
    if is_recorded(before.fingerprint, now.origin.fingerprint):
        return lineage
    return lineage.model_copy(
        update={"evaluation": evaluation_sets.evaluation_set_difference(context, store, champion, now.rows)}
    )
