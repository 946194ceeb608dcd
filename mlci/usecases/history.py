"""What a report says of the versions before: what changed since production's, and how gated metrics went."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlci.config.models import Config
from mlci.inference.evaluation import EvaluationResult
from mlci.lineage.fingerprints import is_recorded
from mlci.lineage.origin import Origin
from mlci.lineage.rows import Rows
from mlci.registry import versions
from mlci.registry.ledger import Tail
from mlci.report.document import Lineage
from mlci.usecases import datarows, lineage, plan, trend
from mlci.usecases.document import Facts
from mlci.usecases.held import Held
from mlci.usecases.makings import Makings
from mlci.usecases.tools import Tools, registry


@dataclass(frozen=True, kw_only=True)
class Now:
    """What was just judged.

    Attributes:
        origin: What it was made from.
        texts: Its configuration and lock files by digest, which need not be fetched if a version's are the same.
        rows: Its evaluation set by digests.
    """

    origin: Origin
    texts: Mapping[str, bytes]
    rows: Rows | None


def now(makings: Makings, held: Held | None, fingerprint: str) -> Now:
    """Return what a run just judged."""
    origin = lineage.of_run(makings, held, fingerprint)
    return Now(origin=origin, texts=lineage.texts(makings), rows=makings.rows[1] if makings.rows else None)


def told(
    config: Config, tools: Tools, end: Tail, *, result: EvaluationResult, facts: Facts, now: Now | None
) -> tuple[EvaluationResult, Facts]:
    """Add lineage and trend to what a report is made of.

    Raises:
        CorruptError: The version in production is not whole. Older ones only cost a note.
    """
    facts = replace(facts, lineage=_lineage(tools, end, now) if now is not None else None)
    gated = [rule.metric for rule in plan.rules(config) if rule.each is None and rule.across is None]
    rows, notes = trend.trend(registry(tools), end, gated, result.fingerprint)
    return replace(result, notes=(*result.notes, *notes)), replace(facts, trend=rows)


def _lineage(tools: Tools, end: Tail, now: Now) -> Lineage | None:
    store = registry(tools)
    champion = versions.champion(store, end)
    if champion is None:
        return None
    before = lineage.of_version(store, champion, now.texts)
    found = lineage.lineage(tools.git, before, now.origin)
    if is_recorded(before.fingerprint, now.origin.fingerprint):
        return found
    return found.model_copy(update={"evaluation": datarows.difference(store, champion, now.rows, tools)})
