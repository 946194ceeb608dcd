"""Ports of a run, and paths relative to the configuration."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlci.engine.interface import Engine, Survey
from mlci.engine.join.shared_rows import RestrictedJob
from mlci.execution.interface import Runner
from mlci.git.baseline_cache import BaselineCache
from mlci.git.git import Git
from mlci.lineage.rows import Rows
from mlci.registry.ledger import Author
from mlci.registry.store import Store


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """Everything outside of the pure core.

    Attributes:
        engine: Turns tables into statistics.
        runner: Runs the user's commands.
        features: ``features(data, label, folder)`` writes the evaluation set without its label and returns the file.
        fingerprint: Content hash of an evaluation set.
        metric_lack: Says what keeps such a metric from being found, without running any code of the user's.
        git: Git in the configuration's folder.
        cache: Where baselines made from a reference are kept; ``None`` makes them anew each time.
        scratch: Folder of ours for what steps write.
        clock: Seconds that only ever rise.
        say: Shows one line of progress.
        version: mlci's version.
        registry: Where promoted models live; ``None`` where nobody asks for them.
        stamp: Who writes to the registry; ``None`` where this run does not.
        rows: ``rows(data, key, label)`` returns an evaluation set by digests of its rows, or nothing for a huge one;
            with ``in_order=True`` in the order of the table.
        share: Restricts a job to the rows that two evaluation sets have in common.
        own_folder: mlci's folder beside the configuration; ``None`` if nothing may be kept there.
        survey: ``survey(data, label)`` returns the columns and classes of an evaluation set; ``None`` looks nothing up.
        user_code: Whether commands, models and custom metrics of the user may run here.
    """

    engine: Engine
    runner: Runner
    features: Callable[[str, str, Path], Path]
    fingerprint: Callable[[str], str]
    metric_lack: Callable[[str], str | None]
    git: Git
    cache: BaselineCache | None
    scratch: Path
    clock: Callable[[], float]
    say: Callable[[str], None]
    version: str
    registry: Store | None = None
    stamp: Author | None = None
    rows: Callable[..., Rows | None] | None = None
    share: Callable[..., RestrictedJob] | None = None
    own_folder: Path | None = None
    survey: Callable[[str, str], Survey] | None = None
    user_code: bool = True


def registry_of(tools: RunContext) -> Store:
    """Return the registry that this run was given."""
    if tools.registry is None:
        raise ValueError("the command line gives a registry to whoever asks for one")
    return tools.registry


_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def resolve_path(path: str, folder: Path) -> str:
    """Return a path relative to ``folder`` as one that stands for itself; addresses stay as they are."""
    return path if _ADDRESS.match(path) else str(folder / path)
