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
    """Say whether a baseline's origin is known, so that what changed since can be told."""
    baseline = config.baseline
    return baseline == "production" or (isinstance(baseline, Baseline) and baseline.ref is not None)


def add_lineage(
    loaded: LoadedConfig,
    tools: RunContext,
    compared: ComparisonRun,
    environment: Environment | None,
    *,
    folder: Path,
    keep: bool,
) -> tuple[ComparisonRun, BuildProvenance | None]:
    """Add to a comparison what a report says of its past; also return how the candidate was made.

    Args:
        loaded: The configuration.
        tools: Effects.
        compared: Both models on the same rows.
        environment: What the run runs on; without it nothing is said of what changed.
        folder: Folder of the configuration.
        keep: Whether the candidate is kept, with digests of its rows.
    """
    result, known = (
        compared.result,
        replace(compared.facts, uses=holdout_uses.known_uses(compared.end, compared.result.fingerprint)),
    )
    made, now = None, None
    if environment is not None and compared.has_rows:
        looking = tools if keep or _by_rows(compared) else replace(tools, rows=None)
        made = collect_provenance(loaded, looking, environment, folder=folder, head=compared.head, held=compared.held)
        now = history.current_state(made, compared.held, result.fingerprint or compared.rows)
    if compared.end is not None:
        result, known = history.add_history(loaded.config, tools, compared.end, result=result, facts=known, now=now)
    elif now is not None and compared.past is not None:
        known = replace(known, lineage=commit_origin.changes_since(tools, compared.past, now))
    return replace(compared, result=result, facts=known), made


def _by_rows(compared: ComparisonRun) -> bool:
    """Say whether what changed in the evaluation set has to be told row by row."""
    before = None if compared.past is None else compared.past.origin.fingerprint
    moved = before is not None and not is_recorded(before, compared.result.fingerprint)
    return compared.end is not None or moved
