"""``mlci verify``: compare model files and documents with a version of the registry, byte for byte."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, zip_longest
from pathlib import Path

from mlci.errors import InputError
from mlci.governance.evidence import VersionEvidence
from mlci.operations.governance.documents import DOCUMENTS, render_document
from mlci.registry import stored_files
from mlci.registry.manifest import VersionFile
from mlci.registry.registry import RegistryView
from mlci.util.bounds import DESCRIPTION_BYTES
from mlci.util.digests import sha256_of, sha256_of_file
from mlci.util.safe_files import CHUNK, read_bounded


@dataclass(frozen=True, kw_only=True)
class FileComparison:
    """A file, compared with the registry.

    Attributes:
        name: Its name, such as ``model/model.onnx`` or ``card.md``.
        wanted: SHA-256 by the registry; ``None`` for a file that the version does not have.
        found: SHA-256 of the file; ``None`` if it is missing.
        difference: Where it differs first; ``None`` if it does not, or is missing.
    """

    name: str
    wanted: str | None
    found: str | None
    difference: str | None = None

    @property
    def same(self) -> bool:
        """Whether it has the registry's bytes."""
        return self.wanted == self.found


def compare_model(view: RegistryView, evidence: VersionEvidence, path: Path) -> tuple[FileComparison, ...]:
    """Compare a model's file, or every file of its folder, with the version.

    Raises:
        InputError: if the version has no model files, or the path does not exist.
        CorruptError: if the registry's own file is damaged.
    """
    files = {file.name: file for file in evidence.manifest.files}
    if not files:
        number = evidence.manifest.version
        raise InputError(f"version {number} has no model files: `train.model` was not set when it was promoted")
    if path.is_dir():
        there = sorted(_files_below(path))
        names = [*files, *(name for name in there if name not in files)]
        return tuple(_compare_file(view, evidence, name, path / name, files.get(name)) for name in names)
    if not path.is_file():
        raise InputError(f"{path}: the model to verify does not exist, or is not a file or folder")
    file = files.get(path.name) or (next(iter(files.values())) if len(files) == 1 else None)
    if file is None:
        listed = ", ".join(list(files)[:5])
        raise InputError(
            f"{path}: the version has {len(files)} model files ({listed}); name the folder with all of them"
        )
    return (_compare_file(view, evidence, file.name, path, file),)


def _files_below(folder: Path) -> Iterator[str]:
    for root, _, names in os.walk(folder):
        yield from ((Path(root) / name).relative_to(folder).as_posix() for name in names)


def _compare_file(
    view: RegistryView, evidence: VersionEvidence, name: str, path: Path, file: VersionFile | None
) -> FileComparison:
    found = sha256_of_file(path) if path.is_file() else None
    wanted = None if file is None else file.digest
    if file is None or found is None or found == wanted:
        return FileComparison(name=f"model/{name}", wanted=wanted, found=found)
    with tempfile.TemporaryDirectory(prefix="mlci-verify-", ignore_cleanup_errors=True) as scratch:
        own = Path(scratch) / "file"
        stored_files.fetch_file(view.store, file, own, of=f"version {evidence.manifest.version}")
        return FileComparison(name=f"model/{name}", wanted=wanted, found=found, difference=first_difference(own, path))


def first_difference(one: Path, other: Path) -> str:
    """Return where two files differ first, as words."""
    with one.open("rb") as left, other.open("rb") as right:
        for block in count():
            pair = left.read(CHUNK), right.read(CHUNK)
            if pair[0] != pair[1]:
                inside = next(i for i, (a, b) in enumerate(zip_longest(*pair)) if a != b)
                return f"byte {block * CHUNK + inside + 1:,}"
            if not pair[0]:
                break
    raise ValueError("the files are the same")


def compare_documents(view: RegistryView, evidence: VersionEvidence, folder: Path) -> tuple[FileComparison, ...]:
    """Compare the documents in a folder with those that the registry gives now; each that `mlci card` writes.

    Raises:
        InputError: if the folder has none of them, or one can't be read.
    """
    there = [name for name in DOCUMENTS if (folder / name).exists()]
    if not there:
        raise InputError(f"{folder} has none of {', '.join(DOCUMENTS)}; `mlci card --folder {folder}` writes them")
    return tuple(_compare_document(view, evidence, name, folder / name) for name in DOCUMENTS)


def _compare_document(view: RegistryView, evidence: VersionEvidence, name: str, path: Path) -> FileComparison:
    wanted = render_document(name, view, evidence).encode()
    try:
        found = read_bounded(path, DESCRIPTION_BYTES.value)
    except FileNotFoundError:
        return FileComparison(name=name, wanted=sha256_of(wanted), found=None)
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from error
    difference = None if found == wanted else _first_line(wanted, found)
    return FileComparison(name=name, wanted=sha256_of(wanted), found=sha256_of(found), difference=difference)


def _first_line(wanted: bytes, found: bytes) -> str:
    pairs = zip_longest(wanted.split(b"\n"), found.split(b"\n"))
    return f"line {next(number for number, (a, b) in enumerate(pairs, 1) if a != b):,}"
