"""Batches of a query's result as NumPy arrays, while the query runs, by Arrow's C stream interface.

DuckDB offers the interface without pyarrow (https://arrow.apache.org/docs/format/CStreamInterface.html); only numbers
of fixed width are read. An array keeps the batch that it is a view of.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.sql import Array

_Pointer = ctypes.c_void_p
_TYPES = {
    b"c": "int8", b"C": "uint8", b"s": "int16", b"S": "uint16", b"i": "int32", b"I": "uint32",
    b"l": "int64", b"L": "uint64", b"f": "float32", b"g": "float64",
}  # fmt: skip


class _Schema(ctypes.Structure):
    """``struct ArrowSchema``."""


class _Array(ctypes.Structure):
    """``struct ArrowArray``."""


class _Stream(ctypes.Structure):
    """``struct ArrowArrayStream``."""

    _fields_: ClassVar = [
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, ctypes.POINTER(_Schema))),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, ctypes.POINTER(_Array))),
        ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, _Pointer)),
        ("release", _Pointer),
        ("private_data", _Pointer),
    ]


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", _Pointer),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", _Pointer),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", _Pointer),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(_Pointer)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", _Pointer),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", _Pointer),
]
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype, _capsule_pointer.argtypes = _Pointer, [ctypes.py_object, ctypes.c_char_p]


class _Owner:
    """Owner of a batch's memory, which it releases with the last view of it."""

    def __init__(self) -> None:
        self.array = _Array()

    def __del__(self) -> None:
        if self.array.release:
            self.array.release(ctypes.byref(self.array))


@dataclass(frozen=True)
class _View:
    """A buffer of a batch for NumPy, which keeps it as an array's base."""

    owner: _Owner
    __array_interface__: dict[str, Any]


class ArrowStream:
    """A running query; one thread at a time may ask for its next batch."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, query: str) -> None:
        """Start the query, whose columns are numbers."""
        self._capsule = connection.sql(query).__arrow_c_stream__()
        address = _capsule_pointer(self._capsule, b"arrow_array_stream")
        self._stream = ctypes.cast(address, ctypes.POINTER(_Stream))
        self._types = self._read_types()

    def next(self) -> list[Array] | None:
        """Return the arrays of the next rows, masked if they have nulls; ``None`` at the end."""
        owner = _Owner()
        self._check(self._stream.contents.get_next(self._stream, ctypes.byref(owner.array)))
        batch = owner.array
        if not batch.release:
            return None
        return [_column(owner, batch.children[i].contents, kind, batch) for i, kind in enumerate(self._types)]

    def _read_types(self) -> list[np.dtype[Any]]:
        schema = _Schema()
        self._check(self._stream.contents.get_schema(self._stream, ctypes.byref(schema)))
        try:
            formats = [schema.children[i].contents.format for i in range(schema.n_children)]
            return [np.dtype(_TYPES[one]) for one in formats]
        finally:
            schema.release(ctypes.byref(schema))

    def _check(self, status: int) -> None:
        if status:
            message = self._stream.contents.get_last_error(self._stream) or b"unknown error"
            raise sql.query_error(message.decode(errors="replace"))


def _column(owner: _Owner, column: _Array, kind: np.dtype[Any], batch: _Array) -> Array:
    start, rows = column.offset + batch.offset, batch.length
    if not rows:
        return np.zeros(0, kind)
    address = column.buffers[1] + start * kind.itemsize
    values = np.asarray(_View(owner, _interface(address, rows, kind.str)))
    nulls = _nulls(owner, column, start, rows)
    return values if nulls is None else np.ma.MaskedArray(values, nulls)


def _nulls(owner: _Owner, column: _Array, start: int, rows: int) -> Array | None:
    """Return which rows are null; ``None`` if none is."""
    if column.null_count == 0 or not column.buffers[0]:
        return None
    first, last = start // 8, (start + rows + 7) // 8
    packed = np.asarray(_View(owner, _interface(column.buffers[0] + first, last - first, "|u1")))
    valid = np.unpackbits(packed, bitorder="little")[start - 8 * first :][:rows]
    return None if valid.all() else valid == 0


def _interface(address: int, size: int, kind: str) -> dict[str, Any]:
    return {"shape": (size,), "typestr": kind, "data": (address, True), "version": 3}


def stream_columns(connection: duckdb.DuckDBPyConnection, expressions: Sequence[str], relation: str) -> ArrowStream:
    """Start reading expressions over a relation; the names of the columns are not used."""
    listed = [f"{expression} AS a{position}" for position, expression in enumerate(expressions)]
    return ArrowStream(connection, sql.select(listed, relation))
