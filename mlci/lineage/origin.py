"""Origin of a model: commit, data, configuration and environment, as far as known. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from mlci.lineage.rows import Rows

Kind = Literal["code", "evaluation", "data", "configuration", "environment", "model"]
How = Literal["added", "removed", "changed"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What one model was made from.

    Attributes:
        commit: Full hash; ``None`` outside of a repository.
        dirty: Whether the checkout had uncommitted changes.
        fingerprint: Of the evaluation set.
        pointers: What DVC's files and Git LFS's pointers name, by path.
        config: Digest of the configuration's bytes.
        config_path: Where it stands in the repository.
        settings: What the configuration says; ``None`` if it can't be read.
        python, mlci: Versions.
        locks: Digest of each lock file, by path.
        packages: What the lock files pin; ``None`` if there is none that can be read.
        installed: Distributions beside mlci itself.
        model: Digest of the model; ``None`` if it left none.
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
    """Files that differ between two commits; ``None`` in place of this where git can't tell.

    Attributes:
        names: By path from the top of the repository, how.
    """

    names: Mapping[str, How]


@dataclass(frozen=True, kw_only=True)
class OriginItem:
    """One thing that differs."""

    name: str
    how: How
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one kind of thing.

    Attributes:
        kind: Which.
        before, after: By what each side is known: a commit or a digest.
        changed: ``None`` if that is not known.
        reason: A remark, or why it is not known.
        items: What differs, by name, at most :data:`mlci.lineage.compare.MOST`.
        more: Items beyond those.
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
    """What a commit was made from.

    Attributes:
        origin: By its own files; the environment that its steps ran in is the run's, and is not in it.
        rows: Its own evaluation set by digests, where that is another one and small enough.
    """

    origin: Origin
    rows: Rows | None


def dump_origin(origin: Origin) -> str:
    """Write an origin as JSON."""
    return json.dumps(asdict(origin), sort_keys=True)


def parse_origin(text: str) -> Origin:
    """Read what :func:`dump` wrote."""
    return Origin(**json.loads(text))
