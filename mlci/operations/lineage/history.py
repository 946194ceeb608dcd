"""Lineage and trend against the registry."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlci.config.models import Config
from mlci.inference.result import EvaluationResult
from mlci.lineage.fingerprints import is_recorded
from mlci.lineage.origin import Origin
from mlci.lineage.rows import Rows
from mlci.operations import evaluation_plan
from mlci.operations.bundle.artifacts import ArtifactDigests
from mlci.operations.bundle.provenance import BuildProvenance
from mlci.operations.context import RunContext, registry_of
from mlci.operations.lineage import evaluation_rows, origins, trend
from mlci.operations.report_builder import ReportContext
from mlci.registry import versions
from mlci.registry.ledger import LedgerHead
from mlci.report.document import Lineage


@dataclass(frozen=True, kw_only=True)
class CurrentState:
    """The candidate's side of the lineage.

    Attributes:
        origin: Its origin.
        texts: Its configuration and lock files by digest; equal ones of a version need not be fetched.
        rows: Digests of its evaluation set's rows.
    """

    origin: Origin
    texts: Mapping[str, bytes]
    rows: Rows | None


def current_state(provenance: BuildProvenance, digests: ArtifactDigests | None, fingerprint: str) -> CurrentState:
    """Return the candidate's origin, texts and rows."""
    origin = origins.origin_of_run(provenance, digests, fingerprint)
    return CurrentState(
        origin=origin, texts=origins.origin_texts(provenance), rows=provenance.rows[1] if provenance.rows else None
    )


def add_history(
    config: Config,
    context: RunContext,
    ledger_head: LedgerHead,
    *,
    result: EvaluationResult,
    facts: ReportContext,
    now: CurrentState | None,
) -> tuple[EvaluationResult, ReportContext]:
    """Add lineage and trend to a result and its facts.

    Raises:
        CorruptError: if the version in production is damaged; a damaged older one is only a note.
    """
    facts = replace(facts, lineage=_lineage(context, ledger_head, now) if now is not None else None)
    gated = [rule.metric for rule in evaluation_plan.gate_rules(config) if rule.each is None and rule.across is None]
    rows, notes = trend.trend_rows(registry_of(context), ledger_head, gated, result.fingerprint)
    return replace(result, notes=(*result.notes, *notes)), replace(facts, trend=rows)


def _lineage(context: RunContext, ledger_head: LedgerHead, now: CurrentState) -> Lineage | None:
    store = registry_of(context)
    champion = versions.read_champion(store, ledger_head)
    if champion is None:
        return None
    before = origins.origin_of_version(store, champion, now.texts)
    found = origins.compare_lineage(context.git, before, now.origin)
    if is_recorded(before.fingerprint, now.origin.fingerprint):
        return found
    return found.model_copy(
        update={"evaluation": evaluation_rows.evaluation_set_difference(store, champion, now.rows, context)}
    )
