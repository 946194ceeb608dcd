"""Files that came with a commit."""

import glob
from pathlib import Path

from mlci.baseline.git import Git
from mlci.errors import InputError


def is_tracked(git: Git, path: str) -> bool:
    """Tell whether git tracks a file, or any file that a pattern matches; outside of a checkout nothing is tracked."""
    folder = git.folder.resolve()
    spellings = {folder / path, (folder / path).resolve()}  # the link, and where it leads
    magic = "glob" if glob.has_magic(path) else "literal"
    try:
        said = [git.ask("ls-files", "--", f":({magic}){spelling}") for spelling in sorted(spellings)]
    except InputError:
        return False
    return any(one.status == 0 and bool(one.out) for one in said)


def tracked(git: Git, folder: Path) -> bool:
    """Whether git tracks a file below ``folder``: then it came with a commit, perhaps by the candidate.

    Raises:
        InputError: There is no checkout.
    """
    root = git.root().resolve()
    for path in (folder.resolve(), folder.parent.resolve() / folder.name):  # where a link leads, and the link
        if path.is_relative_to(root):
            said = git.ask("ls-files", "--", f":(top,literal){path.relative_to(root).as_posix()}")
            if said.status != 0 or said.out:
                return True
    return False
