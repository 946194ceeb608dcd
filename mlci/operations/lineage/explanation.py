"""Add lineage, metric trend and holdout uses to a comparison."""

from dataclasses import replace
from pathlib import Path

from mlci.config.loader import LoadedConfig
from mlci.config.models import Baseline, Config
from mlci.lineage.fingerprints import is_recorded
from mlci.operations import holdout_uses
from mlci.operations.bundle.provenance import BuildProvenance, collect_provenance
from mlci.operations.context import RunContext
from mlci.operations.lineage import commit_origin, history
from mlci.operations.lineage.comparison import ComparisonRun
from mlci.registry.manifest import Environment


def has_known_origin(config: Config) -> bool:
    """Check if a baseline's origin is known, so that the report can list what changed since."""
    baseline = config.baseline
    return baseline == "production" or (isinstance(baseline, Baseline) and baseline.ref is not None)


def add_lineage(
    loaded: LoadedConfig,
    context: RunContext,
    comparison: ComparisonRun,
    environment: Environment | None,
    *,
    folder: Path,
    keep: bool,
) -> tuple[ComparisonRun, BuildProvenance | None]:
    """Add lineage, trend and holdout uses to a comparison; also return how the candidate was made.

    Args:
        loaded: The configuration.
        context: Run context.
        comparison: Both models on the same rows.
        environment: Environment of the run; without it the report lists no changes.
        folder: Folder of the configuration.
        keep: Whether the candidate is kept, with digests of its rows.
    """
    result, facts = (
        comparison.result,
        replace(comparison.facts, uses=holdout_uses.known_uses(comparison.ledger_head, comparison.result.fingerprint)),
    )
    provenance, now = None, None
    if environment is not None and comparison.has_rows:
        looking = context if keep or _by_rows(comparison) else replace(context, rows=None)
        provenance = collect_provenance(
            loaded, looking, environment, folder=folder, head=comparison.head, digests=comparison.digests
        )
        now = history.current_state(provenance, comparison.digests, result.fingerprint or comparison.rows)
    if comparison.ledger_head is not None:
        result, facts = history.add_history(
            loaded.config, context, comparison.ledger_head, result=result, facts=facts, now=now
        )
    elif now is not None and comparison.past is not None:
        facts = replace(facts, lineage=commit_origin.changes_since(context, comparison.past, now))
    return replace(comparison, result=result, facts=facts), provenance


def _by_rows(comparison: ComparisonRun) -> bool:
    """Check if the report has to list changes of the evaluation set row by row."""
    before = None if comparison.past is None else comparison.past.origin.fingerprint
    moved = before is not None and not is_recorded(before, comparison.result.fingerprint)
    return comparison.ledger_head is not None or moved
