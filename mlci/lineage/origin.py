"""Origin of a model: commit, data, configuration and environment with the packages of lock files. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from mlci.lineage.rows import Rows

Kind = Literal["code", "evaluation", "data", "configuration", "environment", "model"]
How = Literal["added", "removed", "changed"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Origin of one model.

    Attributes:
        commit: Full hash; ``None`` outside of a repository.
        dirty: Whether the checkout had uncommitted changes.
        fingerprint: Of the evaluation set.
        pointers: Data that DVC's files and Git LFS's pointers name, by path.
        config: Digest of the configuration's bytes.
        config_path: Its path in the repository.
        settings: Settings of the configuration; ``None`` if it can't be read.
        python, mlci: Versions.
        locks: Digest of each lock file, by path.
        packages: Pinned packages of the lock files; ``None`` if none can be read.
        installed: Distributions beside mlci itself.
        model: Digest of the model; ``None`` without one.
    """

    commit: str | None = None
    dirty: bool = False
    fingerprint: str | None = None
    pointers: Mapping[str, str] = field(default_factory=dict)
    config: str | None = None
    config_path: str | None = None
    settings: Mapping[str, object] | None = None
    python: str | None = None
    mlci: str | None = None
    locks: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] | None = None
    installed: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChangedFiles:
    """Files that differ between two commits; callers use ``None`` if git does not know them.

    Attributes:
        names: Kind of change by path from the top of the repository.
    """

    names: Mapping[str, How]


@dataclass(frozen=True, kw_only=True)
class OriginItem:
    """One difference."""

    name: str
    how: How
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """Comparison of one kind.

    Attributes:
        kind: The kind.
        before, after: Identity of each: a commit or a digest.
        changed: Whether they differ; ``None`` if it is not known.
        reason: A remark, or why it is not known.
        items: Differences by name, at most :data:`mlci.lineage.compare.MOST`.
        more: Number of further differences.
    """

    kind: Kind
    before: str | None
    after: str | None
    changed: bool | None
    reason: str | None = None
    items: tuple[OriginItem, ...] = ()
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class RecordedOrigin:
    """Origin of a commit.

    Attributes:
        origin: Origin by its own files, without the environment, which is the run's.
        rows: Its own evaluation set by digests, if it differs and is small enough.
    """

    origin: Origin
    rows: Rows | None


def dump_origin(origin: Origin) -> str:
    """Write an origin as JSON."""
    return json.dumps(asdict(origin), sort_keys=True)


def parse_origin(text: str) -> Origin:
    """Read what :func:`dump_origin` wrote."""
    return Origin(**json.loads(text))
