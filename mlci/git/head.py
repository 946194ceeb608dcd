"""Commit of the checkout."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from mlci.errors import InputError
from mlci.git.git import Git


@dataclass(frozen=True, kw_only=True)
class CommitHead:
    """The checkout's commit.

    Attributes:
        commit: Full hash.
        dirty: Whether files that git tracks differ from it. Files that git does not track don't count.
    """

    commit: str
    dirty: bool


def read_head(git: Git) -> CommitHead | None:
    """Return the current commit; ``None`` outside of git, without git, or before the first commit."""
    try:
        commit = git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except InputError:
        return None
    if commit.status != 0:
        return None
    changes = git.ask("status", "--porcelain", "--untracked-files=no")
    return CommitHead(commit=commit.out, dirty=changes.status != 0 or bool(changes.out))


def is_elsewhere(git: Git, commits: AbstractSet[str]) -> str | None:
    """Return the checkout's commit if it is not one of these and was not made from one of them.

    ``None`` if it is one, or if that is unknown: outside of git, without git, in a checkout of another user.
    """
    try:
        here = git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}") if commits else None
    except InputError:
        return None
    if here is None or here.status != 0 or here.out in commits:
        return None
    return None if _made_from(git, here.out, commits) else here.out


def _made_from(git: Git, commit: str, commits: AbstractSet[str]) -> bool:
    """Whether one of ``commits`` is an ancestor; parents are known even in a shallow checkout."""
    parents = re.findall("^parent (.+)$", git.ask("cat-file", "commit", commit).out.partition("\n\n")[0], re.MULTILINE)
    ancestors = (git.ask("merge-base", "--is-ancestor", one, commit).status == 0 for one in sorted(commits))
    return not commits.isdisjoint(parents) or any(ancestors)
