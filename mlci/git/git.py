"""Git commands, and what they report about files: no hooks, no prompts, only the intended repository."""

import glob
import os
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from mlci.errors import InputError, OutsideError
from mlci.util.bounds import GIT_SECONDS

_TIMEOUT = float(GIT_SECONDS.value)  # a checkout may have to fetch large files
_ELSEWHERE = re.compile(  # `git rev-parse --local-env-vars`: each of these would point git at another repository
    r"GIT_(ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|DIR|GRAFT_FILE|IMPLICIT_WORK_TREE|INDEX_FILE|NAMESPACE"
    r"|OBJECT_DIRECTORY|PREFIX|REPLACE_REF_BASE|SHALLOW_FILE|WORK_TREE)"
)
_SETTINGS = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
How = Literal["added", "removed", "changed"]
_HOW: dict[str, How] = {"A": "added", "D": "removed"}
_LINK, _SUBMODULE = "120000", "160000"
_DEEPEST = 8  # links that lead to links
_OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "advice.detachedHead=false")


@dataclass(frozen=True, kw_only=True)
class GitOutput:
    """Answer of a git command."""

    status: int
    out: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Git:
    """Git in one folder.

    Attributes:
        folder: Any folder of the checkout.
        environment: Variables of this process.
    """

    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def ask(self, *arguments: str) -> GitOutput:
        """Call git and return its answer, also after a failure.

        Raises:
            InputError: if git is not installed.
            OutsideError: if git did not answer in time.
        """
        kept = {name: value for name, value in self.environment.items() if not _ELSEWHERE.fullmatch(name)}
        try:
            done = subprocess.run(  # noqa: S603 - arguments are constant, or checked not to be options
                ["git", *_OPTIONS, *arguments],  # noqa: S607 - git from PATH, as users have it
                cwd=self.folder,
                env={**kept, **_SETTINGS},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except FileNotFoundError as error:
            raise InputError(f"no git on PATH, or no folder {self.folder}; `baseline: ref` needs both") from error
        except subprocess.TimeoutExpired as error:
            raise OutsideError(f"`git {arguments[0]}` did not end within {_TIMEOUT:.0f} s") from error
        stdout, stderr = (data.decode("utf-8", "replace") for data in (done.stdout, done.stderr))
        return GitOutput(status=done.returncode, out=stdout.strip("\n"), error=_line(stderr))

    def must(self, *arguments: str) -> str:
        """Call git and return its output.

        Raises:
            OutsideError: if git failed; the message has its first line.
        """
        answer = self.ask(*arguments)
        if answer.status != 0:
            raise OutsideError(
                f"`git {arguments[0]}` failed in {self.folder}: {answer.error or f'status {answer.status}'}"
            )
        return answer.out

    def root(self) -> Path:
        """Return the top folder of the checkout.

        Raises:
            InputError: if the folder is not in a checkout, or git does not trust its owner.
        """
        return self._root

    @cached_property
    def _root(self) -> Path:
        answer = self.ask("rev-parse", "--show-toplevel")
        if answer.status == 0 and answer.out:
            return Path(answer.out)
        if "dubious ownership" in answer.error:
            raise InputError(
                f"git does not trust {self.folder}, which belongs to another user (as in job containers); run first: "
                f"git config --global --add safe.directory '{self.folder.resolve()}'"
            )
        raise InputError(
            f"`baseline: {{ref: …}}` needs a git checkout, and {self.folder.resolve()} is not in one; run in a clone "
            "of the repository, or write `baseline: {file: …}` or `baseline: none`"
        )


def _line(text: str) -> str:
    """Return the most informative line of git's output, in printable characters."""
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
    return "".join(char if char.isprintable() else "\ufffd" for char in telling[0][:400]) if telling else ""


def changed_files(git: Git, before: str, after: str | None = None) -> dict[str, How] | None:
    """Return, by path from the top of the repository, how files differ; ``None`` if a commit is not in this clone.

    Args:
        git: Git in any folder of the checkout.
        before: Full hash.
        after: Full hash; by default the tracked files of the checkout.
    """
    commits = [f"{commit}^{{commit}}" for commit in (before, after) if commit is not None]
    options = ("--name-status", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative", "-z")
    try:
        answer = git.must("diff", *options, *commits, "--")
    except OutsideError:
        return None  # not in this clone, or another failure: the difference only explains
    words = answer.split("\0")
    return {name: _HOW.get(how, "changed") for how, name in zip(words[::2], words[1::2], strict=False)}


def is_tracked(git: Git, path: str) -> bool:
    """Check if git tracks a file, or any file that a pattern matches; outside of a checkout nothing is tracked."""
    folder = git.folder.resolve()
    spellings = {folder / path, (folder / path).resolve()}  # the link, and its target
    magic = "glob" if glob.has_magic(path) else "literal"
    try:
        answer = [git.ask("ls-files", "--", f":({magic}){spelling}") for spelling in sorted(spellings)]
    except InputError:
        return False
    return any(one.status == 0 and bool(one.out) for one in answer)


def tracked_files(git: Git, folder: Path) -> bool:
    """Whether git tracks a file below ``folder``: then it came with a commit, perhaps by the candidate.

    Raises:
        InputError: if the folder is not in a checkout.
    """
    root = git.root().resolve()
    for path in {folder.resolve(), folder.parent.resolve() / folder.name}:  # the target of a link, and the link
        if path.is_relative_to(root):
            answer = git.ask("ls-files", "--", f":(top,literal){path.relative_to(root).as_posix()}")
            if answer.status != 0 or answer.out:
                return True
    return False


def former_path(git: Git, commit: str, path: Path) -> str | None:
    """Return the path of a file or a folder at a commit, from the top of the repository; ``None`` without a rename.

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


@dataclass(frozen=True, kw_only=True)
class WorkingTreeDifferences:
    """Paths from the top of the repository.

    Attributes:
        files: Files that git tracks and that differ, or did not exist; with their new and their old names.
        folders: Entries among them that stand for a folder: submodules and symbolic links.
        untracked: Files that git neither tracks nor ignores; a repository inside of this one is a folder.
        links: Target of each symbolic link; ``None`` if it leads out of the repository.
    """

    files: tuple[str, ...]
    folders: frozenset[str]
    untracked: tuple[str, ...]
    links: dict[str, str | None]

    def spellings(self, path: str) -> set[str]:
        """Return a path and every other one that leads to the same file through symbolic links."""
        found, new = {path}, {path}
        inside = {link: to for link, to in self.links.items() if to is not None}
        for _ in range(_DEEPEST):
            new = {f"{link}{one[len(to) :]}" for one in new for link, to in inside.items() if _is_in(one, to)} - found
            if not new:
                break
            found |= new
        return found


def working_tree_differences(git: Git, commit: str) -> WorkingTreeDifferences | None:
    """Return how the checkout differs from a commit; ``None`` if that is not in this clone.

    Raises:
        InputError: if the folder is not in a checkout.
        OutsideError: if git fails.
    """
    root = git.root().resolve()
    if git.ask("cat-file", "-e", f"{commit}^{{commit}}").status != 0:
        return None
    options = ("--raw", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative")
    words = git.must("diff", *options, "--ignore-submodules=untracked", commit, "--").split("\0")
    modes = {path: set(how.lstrip(":").split(" ")[:2]) for how, path in zip(words[::2], words[1::2], strict=False)}
    nested, loose = _untracked(git, root)
    return WorkingTreeDifferences(
        files=tuple(modes),
        folders=frozenset(path for path, both in modes.items() if both & {_LINK, _SUBMODULE}) | nested,
        untracked=(*sorted(nested), *loose),
        links=_links(git, root),
    )


def holds_only_untracked(git: Git, path: str) -> bool:
    """Check that git tracks nothing of an existing file or folder, or of one that it would ignore.

    Args:
        git: Git in any folder of the checkout.
        path: From the top of the repository.
    """
    root = git.root().resolve()
    here = root / path
    above = [one for one in (here, *here.parents) if one != root and one.is_relative_to(root)]
    if any(one.is_symlink() or (one / ".git").exists() for one in above):
        return False  # a link, or a submodule, which git tracks as a whole
    listing = git.ask("-C", str(root), "ls-files", "-z", "--", f":(top,literal){path}")
    if listing.status != 0 or listing.out:
        return False
    ignored = (git.ask("-C", str(root), "check-ignore", "--quiet", "--", name) for name in (path, f"{path}/"))
    return (root / path).exists() or any(listing.status == 0 for listing in ignored)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _untracked(git: Git, root: Path) -> tuple[frozenset[str], tuple[str, ...]]:
    listing = git.must("-C", str(root), "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    nested = frozenset(name.rstrip("/") for name in listing if name.endswith("/"))
    return nested, tuple(name for name in listing if name and not name.endswith("/"))


def _links(git: Git, root: Path) -> dict[str, str | None]:
    listing = git.must("-C", str(root), "ls-files", "--stage", "-z").split("\0")
    names = [entry.partition("\t")[2] for entry in listing if entry.startswith(f"{_LINK} ")]
    return {name: _target(root, name) for name in names}


def _target(root: Path, link: str) -> str | None:
    """Return the target of a link, which can be another link; ``None`` if it is outside."""
    path = root / link
    if not path.resolve().is_relative_to(root):
        return None
    step = os.path.normpath(path.parent / path.readlink()) if path.is_symlink() else path.resolve()
    return Path(os.path.relpath(step, root)).as_posix()
