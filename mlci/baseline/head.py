"""Which commit the checkout is at, for reports."""

from dataclasses import dataclass

from mlci.baseline.git import Git
from mlci.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Head:
    """The checkout's commit.

    Attributes:
        commit: Full hash.
        dirty: Whether files that git tracks differ from it. Files that git does not track don't count.
    """

    commit: str
    dirty: bool


def head(git: Git) -> Head | None:
    """Return the current commit; ``None`` outside of git, without git, or before the first commit."""
    try:
        commit = git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except InputError:
        return None
    if commit.status != 0:
        return None
    changes = git.ask("status", "--porcelain", "--untracked-files=no")
    return Head(commit=commit.out, dirty=changes.status != 0 or bool(changes.out))
