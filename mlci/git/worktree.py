"""Checkout of the baseline's commit, outside of the candidate's folder and removed afterwards in any case.

It contains only files that git has at that commit. Data that an earlier step downloaded, environments and models are
missing unless the baseline's own commands fetch or make them.

``train`` and ``predict`` come from the configuration in the worktree at the same path, if there is one and it can be
read; if not, from the candidate's. The evaluation set, the gates and the policy always come from the checkout that is
being judged, so both models are judged on the same rows.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlci.git.git import Git

_PREFIX = "mlci-baseline-"
_TREE = "tree"
_LOCK = "lock"
_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, kw_only=True)
class Worktree:
    """A checkout of one commit.

    Attributes:
        root: Top folder.
        folder: The folder in it that corresponds to the one that :class:`Git` was made for.
        commit: Full hash.
        environment: Variables that pointed into the candidate's checkout and now point here: ``GITHUB_WORKSPACE``,
            ``PWD``, ``PYTHONPATH``. Pass them to every command that runs here. A package that was installed from the
            candidate's checkout (``pip install -e .``) can't be redirected this way; the worktree's folder comes first
            on a script's path, but a ``src/`` layout needs an installation in ``train.run``.
        notes: Lines for the report.
        has_folder: Whether the commit has that folder; if not, it is an empty one.
    """

    root: Path
    folder: Path
    commit: str
    environment: Mapping[str, str]
    notes: tuple[str, ...] = ()
    has_folder: bool = True

    def holds(self, name: str) -> Path | None:
        """Return a file of the worktree's folder; ``None`` if there is none, or if it leads outside."""
        path = self.folder / name
        inside = path.resolve().is_relative_to(self.root.resolve())
        return path if inside and path.is_file() else None


@contextlib.contextmanager
def checked_out(
    git: Git, commit: str, *, within: Path | None = None, config_path: str | None = None
) -> Iterator[Worktree]:
    """Check out a commit, yield the worktree, and remove it.

    Folders of killed runs are removed first: each is protected by a lock that ends with its process.

    Args:
        git: Git in the candidate's checkout.
        commit: Full hash, as :func:`mlci.git.refs.resolve_ref` returns it.
        within: Folder for temporary folders; by default the system's.
        config_path: Path of the configuration at that commit, from the top of the repository, if known: its folder is
            the worktree's folder. By default, the candidate's path is used.

    Raises:
        OutsideError: if git can't check it out.
    """
    root = git.root()
    remove_stale(git)
    home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=within)).resolve()
    lock = _locked(home / _LOCK)
    tree = home / _TREE
    try:
        git.must("worktree", "add", "--detach", str(tree), commit)
        inside = git.folder.resolve().relative_to(root.resolve())
        folder = tree / (inside if config_path is None else PurePosixPath(config_path).parent)
        has_folder = folder.is_dir()
        folder.mkdir(parents=True, exist_ok=True)  # the commit may be older than the folder
        environment = _redirected(git.environment, root.resolve(), tree)
        notes = _notes(Git(folder=tree, environment=git.environment))
        yield Worktree(
            root=tree, folder=folder, commit=commit, environment=environment, notes=notes, has_folder=has_folder
        )
    finally:
        _remove(git, home)
        if lock is not None:
            os.close(lock)


def remove_stale(git: Git) -> None:
    """Remove mlci's worktrees whose process has ended; those of other programs and of running processes stay."""
    for line in git.ask("worktree", "list", "--porcelain").out.splitlines():
        tree = Path(line.removeprefix("worktree "))
        if line.startswith("worktree ") and tree.name == _TREE and tree.parent.name.startswith(_PREFIX):
            lock = _locked(tree.parent / _LOCK) if tree.parent.is_dir() else None
            if lock is not None or not tree.parent.is_dir():
                _remove(git, tree.parent)
            if lock is not None:
                os.close(lock)


def _remove(git: Git, home: Path) -> None:
    """Remove a worktree, git's record of it, and its folder; ``--force`` is given twice to include locked ones."""
    git.ask("worktree", "remove", "--force", "--force", str(home / _TREE))
    for folder, below, _ in os.walk(home):  # a command may have made folders read-only
        for name in below:
            path = Path(folder) / name
            if not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(home, ignore_errors=True)


def _locked(path: Path) -> int | None:
    """Take the lock of a folder until this process ends or closes it; ``None`` if another process holds it."""
    import fcntl  # noqa: PLC0415 - not there on Windows, where the rest can still be imported

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _redirected(environment: Mapping[str, str], old: Path, new: Path) -> dict[str, str]:
    """Return the variables that named the candidate's checkout, naming the worktree."""
    redirected = {}
    for name in ("GITHUB_WORKSPACE", "PWD", "PYTHONPATH"):
        parts = environment.get(name, "").split(os.pathsep)
        moved = [_moved(part, old, new) for part in parts]
        if moved != parts:
            redirected[name] = os.pathsep.join(moved)
    return redirected


def _moved(part: str, old: Path, new: Path) -> str:
    path = Path(part)
    if part and path.is_absolute() and path.resolve().is_relative_to(old):
        return str(new / path.resolve().relative_to(old))
    return part


def _notes(git: Git) -> tuple[str, ...]:
    """Return notes about content that a plain checkout lacks: submodules, and content of Git LFS."""
    notes = []
    if (git.folder / ".gitmodules").is_file():
        notes.append("baseline: submodules are not checked out in its worktree; `train.run` can do it")
    listed = git.ask("ls-files", "-z", "--", ":(attr:filter=lfs)").out.split("\0")
    pointers = [name for name in listed if name and _is_pointer(git.folder / name)]
    if pointers:
        notes.append(
            f"baseline: Git LFS pointers are in place of content, {len(pointers)} (first: {pointers[0]!a}); "
            "set `lfs: true` on actions/checkout"
        )
    return tuple(notes)


def _is_pointer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False
