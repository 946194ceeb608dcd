"""Whether what is in production was made from a later commit: an older build that ends late does not replace it."""

import re

from mlci.baseline.git import Git
from mlci.registry.manifest import Content
from mlci.registry.versions import Version

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def superseded(git: Git, content: Content, champion: Version) -> str | None:
    """Return why a candidate is an older build than the champion; ``None`` if it is none, or nobody can tell.

    A checkout with uncommitted changes is no build of its commit.
    """
    mine, theirs = content.recipe, champion.manifest.recipe
    if mine.dirty or not _known(git, mine.commit) or not _known(git, theirs.commit) or mine.commit == theirs.commit:
        return None
    if git.ask("merge-base", "--is-ancestor", str(mine.commit), str(theirs.commit)).status != 0:
        return None
    how = f"version {champion.number} was made from the later commit {str(theirs.commit)[:7]}"
    return f"it was made from {str(mine.commit)[:7]}, and {how}, which is in production"


def untold(git: Git, content: Content, champion: Version | None) -> str | None:
    """Return why nobody can tell, for whoever promotes; ``None`` if it is told."""
    theirs = None if champion is None else champion.manifest.recipe.commit
    if champion is None or theirs is None or content.recipe.commit is None or _known(git, theirs):
        return None
    return (
        f"the commit {theirs[:7]} of version {champion.number} is not in this clone, so whether it is the later one is "
        "not known; fetch the whole history: `fetch-depth: 0` on actions/checkout"
    )


def _known(git: Git, commit: str | None) -> bool:
    return (
        commit is not None
        and _COMMIT.fullmatch(commit) is not None
        and git.ask("cat-file", "-e", f"{commit}^{{commit}}").status == 0
    )
