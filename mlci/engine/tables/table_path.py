"""Path of a table with what its file does not tell: the table of a database, columns, and labels in another file."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

_ARRAYS = ".npz"


@dataclass(frozen=True)
class LabelFile:
    """File with the labels of an evaluation set.

    Attributes:
        path: Its path, glob or URL, perhaps with the table of a database.
        key: Column that both tables are joined by.
        label: Column with the labels.
    """

    path: str
    key: str
    label: str


class TablePath(str):
    """A path that names a table of a database or arrays of a file, or belongs to labels in another file.

    It is the path wherever files are read, and equals another path only if both name the same rows.
    """

    __slots__ = ("columns", "labels", "table")
    table: str | None
    labels: LabelFile | None
    columns: tuple[str, ...]

    def __new__(
        cls, path: str, table: str | None = None, labels: LabelFile | None = None, columns: tuple[str, ...] = ()
    ) -> Self:
        """Build the path."""
        built = super().__new__(cls, path)
        built.table, built.labels, built.columns = table, labels, columns
        return built

    def __eq__(self, other: object) -> bool:
        """Compare path, table and labels."""
        if not isinstance(other, str):
            return NotImplemented
        return str(self) == str(other) and (self.table, self.labels) == (table_of(other), labels_of(other))

    def __ne__(self, other: object) -> bool:
        """Compare path, table and labels."""
        return not self == other

    def __hash__(self) -> int:
        """Return the hash of the path alone."""
        return str.__hash__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy with table and labels."""
        return TablePath, (str(self), self.table, self.labels, self.columns)


def table_path(
    path: str, *, table: str | None = None, labels: LabelFile | None = None, columns: Iterable[str | None] = ()
) -> str:
    """Return a path with its table and labels; the path alone if it has neither.

    The columns that are needed are kept for an ``.npz`` file, whose other arrays may have other lengths.
    """
    named = tuple(name for name in columns if name is not None) if path.lower().endswith(_ARRAYS) else ()
    return TablePath(path, table, labels, named) if table is not None or labels is not None or named else path


def with_columns(path: str, columns: Iterable[str | None]) -> str:
    """Return a path of which more columns are needed."""
    every = dict.fromkeys([*columns_of(path), *columns])
    return table_path(str(path), table=table_of(path), labels=labels_of(path), columns=every)


def columns_of(path: str) -> tuple[str, ...]:
    """Return the columns that are needed of an ``.npz`` file, as far as they are known."""
    return path.columns if isinstance(path, TablePath) else ()


def table_of(path: str) -> str | None:
    """Return the table of a database that a path names."""
    return path.table if isinstance(path, TablePath) else None


def labels_of(path: str) -> LabelFile | None:
    """Return the file with the labels of an evaluation set, if they are in another one."""
    return path.labels if isinstance(path, TablePath) else None


def files_of(path: str) -> tuple[str, ...]:
    """Return the paths, globs or URLs of all files of a table, without names of tables."""
    labels = labels_of(path)
    return (str(path),) if labels is None else (str(path), str(labels.path))
