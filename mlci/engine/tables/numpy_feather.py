"""NumPy, Feather and Arrow files to Parquet with the same types.

Nothing is ever unpickled. Arrays are mapped from disk, so that a header with a wrong shape allocates nothing.
"""

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.sql import Array
from mlci.engine.tables.csv_json import check_names
from mlci.engine.tables.files import INFLATED_LIMIT, LocalFile, copy_bounded
from mlci.errors import InputError, Problem, count_noun

_KINDS = "biufUSM"
"""Kinds of values that a column can have: booleans, integers, floats, texts, bytes and times."""
_EXACT = 2.0**53
_MAGIC, _PICKLE = b"\x93NUMPY", b"\x80"
_OBJECTS = "holds Python objects, which are never unpickled; save numbers or texts: `np.save(path, a.astype(float))`"


class _UnsuitableError(InputError):
    """An array that is complete and can't be a column."""


def stage_numpy(connection: duckdb.DuckDBPyConnection, file: LocalFile, target: Path) -> tuple[list[str], int]:
    """Copy the columns of one file to Parquet as ``c0…``; returns their names and the number of rows.

    The columns of a matrix and of text have their positions as names, from ``0``; those of a structured array and of an
    ``.npz`` file the names of fields and arrays (``X.0``, ``X.1``, … for a matrix ``X``). Arrays of such a file that
    are not needed are left out if they can't be columns beside the others.

    Raises:
        InputError: if the file is damaged, or if columns that are needed hold Python objects or have different lengths.
    """
    columns = _read_text(file) if file.suffix == ".txt" else _read_arrays(file, target)
    check_names(columns, file.shown, form="parquet")
    write_columns(connection, [_plain(name, values, file) for name, values in columns.items()], target)
    return list(columns), len(next(iter(columns.values())))


def write_columns(connection: duckdb.DuckDBPyConnection, columns: list[Array], target: Path) -> None:
    """Write arrays to a Parquet file, as columns ``c0`` and following ones."""
    connection.register("arrays", {f"c{index}": values for index, values in enumerate(columns)})
    try:
        connection.execute(f"COPY arrays TO {sql.quote_text(str(target))} (FORMAT parquet)")
    finally:
        connection.unregister("arrays")


def _read_arrays(file: LocalFile, target: Path) -> dict[str, Array]:
    if file.suffix == ".npy":
        return _columns("", _map(file.path, file.shown))
    columns: dict[str, Array] = {}
    faults: dict[str, InputError] = {}
    for name, found in _members(file, target):
        if isinstance(found, InputError):
            faults[name] = found
        else:
            columns |= _columns(name, found)
    return _of_one_length(columns, faults, file)


def _of_one_length(columns: dict[str, Array], faults: dict[str, InputError], file: LocalFile) -> dict[str, Array]:
    """Return the columns with as many rows as those that are needed, or as the longest ones.

    Raises:
        InputError: if a column that is needed can't be read, if such columns have different lengths, or if no column
            can be read.
    """
    needed = [name for name in file.columns if name in columns]
    usable = {name: values for name, values in columns.items() if _can_be_column(values) or name in needed}
    for name, fault in faults.items():
        if not usable or any(column == name or column.startswith(f"{name}.") for column in file.columns):
            raise fault
    if not usable:
        return columns
    lengths = {name: len(usable[name]) for name in needed}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} has {count_noun(rows, 'row')}" for name, rows in lengths.items())
        raise InputError(Problem(f"arrays have different lengths: {listed}", file.shown))
    rows = next(iter(lengths.values()), max(map(len, usable.values())))
    return {name: values for name, values in usable.items() if len(values) == rows}


def _members(file: LocalFile, target: Path) -> Iterator[tuple[str, Array | InputError]]:
    """Unpack the arrays of an ``.npz`` file beside ``target``; yield the name of each, and why it can't be a column."""
    try:
        with zipfile.ZipFile(file.path) as archive:
            left = INFLATED_LIMIT  # for all arrays together
            for index, member in enumerate(archive.infolist()):
                name = member.filename.removesuffix(".npy")
                path = target.with_name(f"{target.stem}-{index}.npy")
                too_large = Problem(f"is larger than {INFLATED_LIMIT:,} bytes when it is unpacked", file.shown)
                with archive.open(member) as source, path.open("wb") as out:
                    copy_bounded(source, out, left, too_large)
                left -= path.stat().st_size
                try:
                    found: Array | InputError = _map(path, f"{file.shown}, array {name!r}")
                except _UnsuitableError as error:
                    found = error
                yield name, found
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        message = f"is not a complete .npz file (was the write interrupted?): {error}"
        raise InputError(Problem(message, file.shown)) from error


def _map(path: Path, shown: str) -> Array:
    """Map an array from disk.

    Raises:
        InputError: if it is damaged, or could be read only by unpickling.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TypeError, OverflowError, MemoryError) as error:
        start = _start(path)
        if "Python objects" in str(error) or start.startswith(_PICKLE):
            raise _UnsuitableError(Problem(_OBJECTS, shown)) from error
        why = str(error).splitlines()[0] if start == _MAGIC else "it has another format"
        message = f"is not a complete .npy file (was the write interrupted?): {why}"
        raise InputError(Problem(message, shown)) from error
    if not isinstance(array, np.ndarray):
        raise InputError(Problem("is an archive of arrays; give it the suffix .npz", shown))
    if array.ndim not in {1, 2}:
        raise _UnsuitableError(Problem(f"has {array.ndim} dimensions; a table is a matrix, or one column", shown))
    return array


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(_MAGIC))


def _columns(name: str, array: Array) -> dict[str, Array]:
    """Return the columns of one array by name."""
    if array.dtype.names:
        return {f"{name}.{field}" if name else field: array[field] for field in array.dtype.names}
    if array.ndim == 1:
        return {name or "0": array}
    return {f"{name}.{index}" if name else str(index): array[:, index] for index in range(array.shape[1])}


def _can_be_column(values: Array) -> bool:
    """Return whether DuckDB has a type for the values."""
    kind = values.dtype.kind
    return values.ndim == 1 and kind in _KINDS and not (values.dtype.itemsize > 8 and kind in "biuf")


def _plain(name: str, values: Array, file: LocalFile) -> Array:
    """Return a column in a type that DuckDB reads: float16 by its shortest decimals, texts as objects."""
    kind = values.dtype.kind
    if not _can_be_column(values):
        message = f"column {name!r} is {values.dtype}; write it as numbers, texts or dates"
        raise InputError(Problem(_OBJECTS if kind == "O" else message, file.shown))
    if values.dtype == np.float16:
        return np.array([float(str(value)) for value in values], np.float64)
    if kind == "S":
        try:
            return np.array([value.decode() for value in values.tolist()], object)
        except UnicodeDecodeError as error:
            raise InputError(Problem(f"column {name!r} has bytes that are not UTF-8", file.shown)) from error
    if kind == "U":
        return values.astype(object)
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))


def _read_text(file: LocalFile) -> dict[str, Array]:
    """Read a file of ``numpy.savetxt``: numbers, or texts if some are not numbers or exceed a float64."""
    numbers = _load_text(file, np.float64)
    exact = numbers is not None and not bool((np.abs(numbers) >= _EXACT).any())
    table = numbers if exact else _load_text(file, np.str_)
    if table is None or not table.size:
        raise InputError(Problem("has no rows", file.shown))
    return _columns("", table)


def _load_text(file: LocalFile, kind: type[Any]) -> Array | None:
    """Load text as one type; ``None`` if it has a cell that is not a number.

    Raises:
        InputError: if rows have different numbers of fields, or it is not text.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file
            return np.loadtxt(file.path, dtype=kind, delimiter=_delimiter(file), ndmin=2, encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(Problem("is not UTF-8 text", file.shown)) from error
    except ValueError as error:
        if "could not convert" in str(error):
            return None
        message = str(error).split(";", maxsplit=1)[0]
        raise InputError(Problem(f"is not a table of numpy.savetxt: {message}", file.shown)) from error


def _delimiter(file: LocalFile) -> str | None:
    """Return the delimiter of the first row; ``None`` for blanks."""
    with file.path.open(encoding="utf-8") as lines:
        first: str = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    return next((mark for mark in (",", ";", "\t") if mark in first), None)


def stage_feather(file: LocalFile, target: Path) -> None:
    """Copy one file to Parquet.

    Raises:
        InputError: if pyarrow is not installed, or the file is damaged.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - the optional extra
        from pyarrow import feather, parquet  # noqa: PLC0415
    except ImportError as error:
        message = "reading Feather needs pyarrow: pip install 'mlci[remote]'"
        raise InputError(Problem(message, file.shown)) from error
    try:
        table = feather.read_table(file.path, memory_map=True)
        table.validate(full=True)
        parquet.write_table(table, target)
    except (pa.ArrowException, OSError, ValueError) as error:
        detail = str(error).split("\n", maxsplit=1)[0].replace(str(file.path), file.path.name)
        message = f"is not a complete Feather file (was the write interrupted?): {detail}"
        raise InputError(Problem(message, file.shown)) from error
