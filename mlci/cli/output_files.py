"""Output files of a run, each written whole or not at all."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlci.errors import InputError
from mlci.util.atomic_files import write_fresh

OURS = ".mlci"


def write_files(folder: Path, files: Mapping[str, str], *, option: str = "--out") -> None:
    """Write every file under a temporary name first and rename all of them at the end.

    Args:
        folder: Folder to write to; it is created.
        files: Texts by name; surrogates stand for bytes that are not UTF-8.
        option: Option that chose the folder, for the error message.

    Raises:
        InputError: if the folder can't be written to.
    """
    refuse_link(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ours = next((path for path in (folder, *folder.parents) if path.name == OURS), None)
        if ours is not None:
            keep_out_of_git(ours)
        with contextlib.ExitStack() as stack:
            written = {
                name: stack.enter_context(write_fresh(folder, [text.encode("utf-8", "surrogateescape")]))
                for name, text in files.items()
            }
            for name, path in written.items():
                path.chmod(0o644)
                path.replace(folder / name)
    except OSError as error:
        raise InputError(f"can't write to {folder}: {error.strerror}; choose another folder with {option}") from error


def keep_out_of_git(folder: Path) -> None:
    """Create mlci's own folder with a ``.gitignore`` for all of it.

    Raises:
        InputError: if the folder is a symbolic link, which a commit may have brought.
    """
    refuse_link(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError), (folder / ".gitignore").open("x", encoding="utf-8") as mark:
        mark.write("*\n")


def refuse_link(folder: Path) -> None:
    """Refuse an output folder that is a symbolic link, or is inside of an mlci folder that is one.

    Raises:
        InputError: if it is one; the message has the command that removes it.
    """
    own = [path for path in folder.parents if path.name == OURS]
    for path in (folder, *own):
        if path.is_symlink():
            raise InputError(f"{path} is a symbolic link, and mlci writes through no links; remove it: `rm {path}`")


def clear_output(folder: Path, names: Iterable[str]) -> None:
    """Remove the files of an earlier run, so that a stale pass is never beside a failure."""
    refuse_link(folder)
    for name in names:
        with contextlib.suppress(OSError):
            (folder / name).unlink()
