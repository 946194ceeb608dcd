"""What a comparison rests on: what changed since the baseline was made, how metrics went, how often rows were used."""

from dataclasses import replace
from pathlib import Path

from mlci.config.load import Loaded
from mlci.config.models import Baseline, Config
from mlci.lineage.fingerprints import is_recorded
from mlci.registry.manifest import Environment
from mlci.usecases import at_commit, history, uses
from mlci.usecases.compared import Compared
from mlci.usecases.makings import Makings, makings
from mlci.usecases.tools import Tools


def explains(config: Config) -> bool:
    """Say whether a baseline's origin is known, so that what changed since can be told."""
    baseline = config.baseline
    return baseline == "production" or (isinstance(baseline, Baseline) and baseline.ref is not None)


def explained(
    loaded: Loaded, tools: Tools, compared: Compared, environment: Environment | None, *, folder: Path, keep: bool
) -> tuple[Compared, Makings | None]:
    """Add to a comparison what a report says of its past; also return how the candidate was made.

    Args:
        loaded: The configuration.
        tools: Effects.
        compared: Both models on the same rows.
        environment: What the run runs on; without it nothing is said of what changed.
        folder: Folder of the configuration.
        keep: Whether the candidate is kept, with digests of its rows.
    """
    result, known = compared.result, replace(compared.facts, uses=uses.known(compared.end, compared.result.fingerprint))
    made, now = None, None
    if environment is not None and compared.has_rows:
        looking = tools if keep or _by_rows(compared) else replace(tools, rows=None)
        made = makings(loaded, looking, environment, folder=folder, head=compared.head, held=compared.held)
        now = history.now(made, compared.held, result.fingerprint or compared.rows)
    if compared.end is not None:
        result, known = history.told(loaded.config, tools, compared.end, result=result, facts=known, now=now)
    elif now is not None and compared.past is not None:
        known = replace(known, lineage=at_commit.since(tools, compared.past, now))
    return replace(compared, result=result, facts=known), made


def _by_rows(compared: Compared) -> bool:
    """Say whether what changed in the evaluation set has to be told row by row."""
    before = None if compared.past is None else compared.past.origin.fingerprint
    moved = before is not None and not is_recorded(before, compared.result.fingerprint)
    return compared.end is not None or moved
