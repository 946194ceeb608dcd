"""Bytes of tables of integers: compressed, without zeros, with a heading that names version and plan."""

import zlib
from collections.abc import Sequence

import numpy as np

from mlci.engine.sql import Array
from mlci.errors import InputError

_LENGTH = np.dtype("<i8")
_DAMAGED = "sums are damaged or incomplete; compute them again"


def write_tables(heading: str, tables: Sequence[Array], sparse: Sequence[Array]) -> bytes:
    """Return tables of known size, and arrays of any size, as bytes that are equal for equal content."""
    packer = zlib.compressobj(6)
    parts = [heading.encode() + b"\n"]
    for table in tables:
        flat = table.reshape(-1)
        at = np.flatnonzero(flat)
        parts += [packer.compress(_packed(at)), packer.compress(_packed(flat[at]))]
    parts += [packer.compress(_packed(one)) for one in sparse]
    return b"".join([*parts, packer.flush()])


def _packed(values: Array) -> bytes:
    return np.array(len(values), _LENGTH).tobytes() + values.astype(_LENGTH).tobytes()


def read_tables(heading: str, data: bytes, tables: Sequence[Array], sparse: int, *, most: int) -> list[Array]:
    """Fill tables of zeros, and return the arrays of any size, of which there are ``sparse``.

    Args:
        heading: The heading that is expected.
        data: The bytes.
        tables: The tables to fill.
        sparse: Number of further arrays.
        most: Most numbers in each of them.

    Raises:
        InputError: if the heading is another one, or the content does not fit the tables.
    """
    first, _, packed = data.partition(b"\n")
    if first != heading.encode():
        raise InputError("sums are those of another plan or version of mlci; compute all of them with the same one")
    reader = _Reader(packed)
    for table in tables:
        at, values = reader.numbers(table.size), reader.numbers(table.size)
        flat = table.reshape(-1)
        limits = np.iinfo(table.dtype)
        fits = len(at) == len(values) and _ascends(at, table.size)
        if not fits or (len(values) and (values.min() < limits.min or values.max() > limits.max)):
            raise InputError(_DAMAGED)
        flat[at] = values
    arrays = [reader.numbers(most) for _ in range(sparse)]
    reader.close()
    return arrays


def _ascends(at: Array, size: int) -> bool:
    return not len(at) or (int(at[0]) >= 0 and int(at[-1]) < size and bool((at[1:] > at[:-1]).all()))


class _Reader:
    """Reader of compressed numbers that never holds more than it was asked for."""

    def __init__(self, packed: bytes) -> None:
        self._unpacker, self._rest = zlib.decompressobj(), packed

    def numbers(self, most: int) -> Array:
        """Return the next array, of at most so many numbers."""
        size = int(np.frombuffer(self._read(_LENGTH.itemsize), _LENGTH)[0])
        if not 0 <= size <= most:
            raise InputError(_DAMAGED)
        return np.frombuffer(self._read(size * _LENGTH.itemsize), _LENGTH).astype(np.int64)

    def close(self) -> None:
        """Check that nothing is left."""
        left = self._read_up_to(1)
        if left or not self._unpacker.eof or self._unpacker.unused_data:
            raise InputError(_DAMAGED)

    def _read(self, size: int) -> bytes:
        parts, missing = [], size
        while missing:
            part = self._read_up_to(missing)
            if not part:
                raise InputError(_DAMAGED)
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _read_up_to(self, size: int) -> bytes:
        try:
            part = self._unpacker.decompress(self._rest, size)
        except zlib.error as error:
            raise InputError(_DAMAGED) from error
        self._rest = self._unpacker.unconsumed_tail
        return part
