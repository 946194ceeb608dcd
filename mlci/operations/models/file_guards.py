"""Guards: snapshots of files before a step, so that no model's steps change the other's files or the rows of both."""

import contextlib
import glob
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlci.engine.tables.table_path import files_of
from mlci.errors import InputError, Problem
from mlci.execution.stages import file_stamps
from mlci.operations.context import RunContext, resolve_path
from mlci.util.digests import sha256_of, sha256_of_file

MOVED = (
    "the evaluation set changed during the evaluation: a step writes to the file of `evaluation.data`, which existed "
    "before. Let `train.run` and `predict.run` write to other files; or, if training makes this file, do not commit "
    "it and remove it before the run"
)


@dataclass(frozen=True, kw_only=True)
class FileSnapshot:
    """State of some files at one moment.

    Attributes:
        marks: By path or pattern, a value that changes when a file there is written.
        by_content: Whether marks are digests, which can't be forged and do not change if the same content is written
            again. If not, they are times, sizes and inodes, which are cheap for large folders.
    """

    marks: Mapping[str, object]
    by_content: bool

    @classmethod
    def now(cls, paths: Iterable[str], *, by_content: bool) -> "FileSnapshot":
        """Record the state of files, folders or patterns; addresses are never recorded."""
        files = [file for path in paths for file in files_of(path) if "://" not in file]
        marks = {file: _mark(file, by_content=by_content) for file in files}
        return cls(marks=marks, by_content=by_content)

    def changed(self) -> list[str]:
        """Return the paths at which files were made, changed or removed since."""
        later = {path: _mark(path, by_content=self.by_content) for path in self.marks}
        return [path for path in self.marks if self.marks[path] != later[path]]


@contextlib.contextmanager
def rows_left_alone(paths: Iterable[str], *, name: str) -> Iterator[None]:
    """Check that a predict step, which runs inside, does not change the rows that it predicts for.

    Raises:
        InputError: if it changed them, because its predictions would be judged by labels that it made itself.
    """
    before = FileSnapshot.now(paths, by_content=True)
    yield
    for path in before.changed():
        message = f"{name} changed the evaluation set while it predicted for its rows; let it write to another file"
        raise InputError(Problem(message, path))


@contextlib.contextmanager
def guard_candidate_files(context: RunContext) -> Iterator[None]:
    """Check that the baseline's steps, which run inside, do not change the files that the candidate is judged by.

    Raises:
        InputError: if they wrote there, most likely by an absolute path.
    """
    config = context.config
    named = [getattr(config.predict, key) for key in ("file", "model", "metrics")]
    named += [config.train.model if config.train else None]
    named += [config.evaluation.data, config.evaluation.labels] if config.evaluation else []
    paths = {resolve_path(path, context.folder): path for path in named if path is not None}
    before = FileSnapshot.now(paths, by_content=False)
    yield
    if changed := before.changed():
        raise InputError(
            f"the baseline's steps wrote to the candidate's `{paths[changed[0]]}`, perhaps by an absolute path; "
            "let `train.run` and `predict.run` write inside of their own checkout"
        )


def is_there(path: str) -> bool:
    """Check if a file exists, or any file of a pattern."""
    return bool(glob.glob(path, recursive=True))  # noqa: PTH207 (any path)


def digest_contents(path: str) -> str | None:
    """Return a digest of the bytes of a file, or of all files of a pattern in their order; ``None`` for an address.

    It does not depend on how the path is written.
    """
    if "://" in path:
        return None
    digests = [sha256_of_file(item) for file in files_of(path) for item in _found(file) if item.is_file()]
    return sha256_of(" ".join(digests).encode())


def contents_by_path(path: str, spelling: str) -> str | None:
    """Return the digest of mlci before 0.2, which depends on how the path of a single file is written."""
    if "://" in path or not Path(path).is_file():
        return None
    return sha256_of(repr({spelling: sha256_of_file(Path(path))}).encode())


def _found(path: str) -> list[Path]:
    return [Path(item) for item in sorted(glob.glob(path, recursive=True))] or [Path(path)]  # noqa: PTH207 (any path)


def _mark(path: str, *, by_content: bool) -> object:
    paths = _found(path)
    if by_content:
        return {str(item): sha256_of_file(item) for item in paths if item.is_file()}
    return {str(item): file_stamps(item) for item in paths}
