"""Files of the checkout that differ from a commit, with links, submodules and untracked files."""

import os
from dataclasses import dataclass
from pathlib import Path

from mlci.git.git import Git

_LINK, _SUBMODULE = "120000", "160000"
_DEEPEST = 8  # links that lead to links


@dataclass(frozen=True, kw_only=True)
class Differences:
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


def differences(git: Git, commit: str) -> Differences | None:
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
    return Differences(
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
