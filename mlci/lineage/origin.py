"""What a model was made from, as far as it is known, and the rows of a comparison. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

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
        settings: What the configuration says; ``None`` where it can't be read.
        python, mlci: Versions.
        locks: Digest of each lock file, by path.
        packages: What the lock files pin; ``None`` where there is none that can be read.
        installed: Distributions beside mlci itself.
        model: Digest of the model; ``None`` where it left none.
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
class Files:
    """Files that differ between two commits; ``None`` in place of this where git can't tell.

    Attributes:
        names: By path from the top of the repository, how.
    """

    names: Mapping[str, How]


@dataclass(frozen=True, kw_only=True)
class Item:
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
        changed: ``None`` where that is not known.
        reason: A remark, or why it is not known.
        items: What differs, by name, at most :data:`mlci.lineage.compare.MOST`.
        more: Items beyond those.
    """

    kind: Kind
    before: str | None
    after: str | None
    changed: bool | None
    reason: str | None = None
    items: tuple[Item, ...] = ()
    more: int = 0
