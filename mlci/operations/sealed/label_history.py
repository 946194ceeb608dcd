"""Search of git's history for labels in plain text: by content, by path, and by the label's name in the features.

Doubt blocks: without an answer of git, or in a clone without all commits, nothing is sealed.
"""

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path

from mlci.errors import InputError
from mlci.git.git import Git

_SPECIAL = re.compile(r"([\]\[\\.^$*+?(){}|])")


@dataclass(frozen=True, kw_only=True)
class PlainLabels:
    """Files that can hold labels in plain text, relative to git's folder.

    Attributes:
        table: File whose every commit holds labels; ``None`` if it is not known.
        features: File that holds labels in the commits in which it names the label's column.
        label: Name of the label's column.
    """

    table: str | None
    features: str
    label: str


def find_leak(git: Git, plain: PlainLabels) -> str | None:
    """Return the first commit of any branch with labels; ``None`` outside of a repository, or if none was found.

    Raises:
        InputError: if git can't search the whole history.
    """
    top = _top(git)
    if top is None:
        return None
    found: list[str] = []
    if plain.table is not None:
        found += [*_by_content(git, plain.table), *_by_path(git, top, plain.table)]
    if plain.features != plain.table:
        name = _SPECIAL.sub(r"\\\1", plain.label)
        word = f"(^|[^[:alnum:]_]){name}($|[^[:alnum:]_])"
        found += _by_path(git, top, plain.features, "--text", f"-G{word}")
    if not found:
        return None
    return _lines(git, "log", "--no-walk=sorted", "--reverse", "--format=%h", *found)[0]


def _top(git: Git) -> Path | None:
    """Return the top folder of the checkout; ``None`` outside of any repository.

    Raises:
        InputError: if there is one that git can't read, or whose history is cut.
    """
    folders = (git.folder.resolve(), *git.folder.resolve().parents)
    if not any((folder / ".git").exists() for folder in folders):
        return None
    if "dubious ownership" in git.ask("rev-parse", "--show-toplevel").error:
        git.root()  # raises with the remedy
    top = Path(_lines(git, "rev-parse", "--show-toplevel")[0])
    if _lines(git, "rev-parse", "--is-shallow-repository") != ["false"]:
        message = "this clone lacks older commits, which may hold the labels; fetch them: `git fetch --unshallow`"
        raise InputError(message)
    return top


def _by_content(git: Git, path: str) -> list[str]:
    """Return the first commit with the very content that a file has now, under any name."""
    if not (git.folder / path).is_file():
        return []
    blobs = {_lines(git, "hash-object", *more, "--", path)[0] for more in ((), ("--no-filters",))}
    known = [blob for blob in sorted(blobs) if git.ask("cat-file", "-e", blob).status == 0]
    commits = (_lines(git, "log", "--all", "-m", "--format=%h", f"--find-object={blob}") for blob in known)
    return [found[-1] for found in commits if found]


def _by_path(git: Git, top: Path, path: str, *more: str) -> list[str]:
    """Return the first commits with a path, and with the names that it had before."""
    place = Path(os.path.normpath(git.folder.resolve() / path))
    if "://" in path or not place.is_relative_to(top.resolve()):
        return []
    if glob.has_magic(path):
        commits = [_lines(git, "log", "--all", "--format=%h", *more, "--", f":(glob){path}")]
    else:
        log = ("--literal-pathspecs", "log", "--all", "--format=%h", *more)
        commits = [_lines(git, *log, *follow, "--", path) for follow in ((), ("--follow",))]
    return [found[-1] for found in commits if found]


def _lines(git: Git, *arguments: str) -> list[str]:
    """Return the lines of an answer, without empty ones.

    Raises:
        InputError: if git failed.
    """
    answer = git.ask(*arguments)
    if answer.status != 0:
        raise InputError(
            f"git can't search the history for labels in plain text: {answer.error or f'status {answer.status}'}. "
            "Correct that first: `git fsck` checks the repository"
        )
    return [line for line in answer.out.splitlines() if line]
