"""Which files differ between two commits, by git."""

from typing import Literal

from mlci.baseline.git import Git
from mlci.errors import OutsideError

How = Literal["added", "removed", "changed"]
_HOW: dict[str, How] = {"A": "added", "D": "removed"}


def changed(git: Git, before: str, after: str | None = None) -> dict[str, How] | None:
    """Return, by path from the top of the repository, how files differ; ``None`` where a commit is not in this clone.

    Args:
        git: Git in any folder of the checkout.
        before: Full hash.
        after: Full hash; left out, the files that git tracks as they stand in the checkout.
    """
    commits = [before, *([after] if after is not None else [])]
    if any(git.ask("cat-file", "-e", f"{commit}^{{commit}}").status != 0 for commit in commits):
        return None
    options = ("--name-status", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative", "-z")
    try:
        said = git.must("diff", *options, *commits, "--")
    except OutsideError:
        return None  # it only explains
    words = said.split("\0")
    return {name: _HOW.get(how, "changed") for how, name in zip(words[::2], words[1::2], strict=False)}
