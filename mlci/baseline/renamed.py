"""Files and folders that were renamed since a commit, by git's own rename detection."""

from collections import Counter
from pathlib import Path

from mlci.baseline.git import Git
from mlci.errors import InputError, OutsideError


def former_path(git: Git, commit: str, path: Path) -> str | None:
    """Return where a file or a folder was at a commit, from the top of the repository; ``None`` if git sees no rename.

    Args:
        git: Git in any folder of the checkout.
        commit: Full hash.
        path: A file or a folder of the checkout, as it is now.
    """
    try:
        name = path.resolve().relative_to(git.root().resolve()).as_posix()
        renames = _renames(git, commit)
    except (InputError, OutsideError, ValueError):
        return None
    if name in renames:
        return renames[name]
    inside = {new: old for new, old in renames.items() if new.startswith(f"{name}/")}
    homes = Counter(_home(old, new.removeprefix(f"{name}/")) for new, old in inside.items())
    likely = [home for home, _ in homes.most_common() if home]
    return likely[0] if likely else None


def _renames(git: Git, commit: str) -> dict[str, str]:
    """Return old names by new ones, of files that git tracks."""
    options = ("--name-status", "--find-renames", "--diff-filter=R", "--no-ext-diff", "--no-textconv", "--no-relative")
    words = git.must("diff", *options, "-z", commit, "--").split("\0")
    return dict(zip(words[2::3], words[1::3], strict=False))


def _home(old: str, rest: str) -> str:
    """Return the folder that a file was in; empty if it changed its place inside of the folder too."""
    return old.removesuffix(f"/{rest}") if old.endswith(f"/{rest}") else ""
