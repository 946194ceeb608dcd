"""Arrow schema in the metadata of a Parquet file, for the types that Parquet lacks.

``ARROW:schema`` is an encapsulated message of Arrow's IPC format: a flatbuffer with the slots of ``Schema.fbs`` in
apache/arrow.
"""

import struct

_DURATION = 18
_UNITS = ("s", "ms", "us", "ns")


class UnsupportedError(ValueError):
    """A file whose column can't be removed in place; the table has to be rewritten."""


def durations(message: bytes) -> dict[int, str]:
    """Return the positions of top-level columns that are durations, with Arrow's name of each type.

    Raises:
        UnsupportedError: if it is not a schema.
    """
    data = bytearray(message)
    fields = _fields(data)
    found = {}
    for at in range(_u32(data, fields)):
        field = _follow(data, fields + 4 + 4 * at)
        kind = _slot(data, field, 2)
        if data[kind] == _DURATION:
            type_ = _follow(data, _slot(data, field, 3))
            found[at] = f"duration[{_UNITS[_unit(data, type_)]}]"
    return found


def _unit(data: bytearray, type_: int) -> int:
    try:
        return int(struct.unpack_from("<h", data, _slot(data, type_, 0))[0])
    except UnsupportedError:
        return 1  # the format's default, which is not written


def without_field(message: bytes, position: int) -> bytes:
    """Remove a field from an Arrow schema, an IPC message around a flatbuffer.

    The vector of fields gets shorter in place: an entry that moves down by one slot points four bytes farther.

    Raises:
        UnsupportedError: if it is not a schema.
    """
    data = bytearray(message)
    fields = _fields(data)
    count = _u32(data, fields)
    for at in range(position, count - 1):
        struct.pack_into("<I", data, fields + 4 + 4 * at, _u32(data, fields + 8 + 4 * at) + 4)
    struct.pack_into("<I", data, fields, count - 1)
    return bytes(data)


def _fields(data: bytearray) -> int:
    """Return the position of the vector of fields."""
    start = 8 if data[:4] == b"\xff\xff\xff\xff" else 4  # before format 0.15 there was no continuation mark
    root = start + _u32(data, start)
    if data[_slot(data, root, 1)] != 1:
        raise UnsupportedError("ARROW:schema is not a schema")
    header = _follow(data, _slot(data, root, 2))
    return _follow(data, _slot(data, header, 1))


def _u32(data: bytearray, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def _follow(data: bytearray, at: int) -> int:
    return at + _u32(data, at)


def _slot(data: bytearray, table: int, number: int) -> int:
    """Return the position of a field in a flatbuffer table."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0] if 4 + 2 * number < size else 0
    if not offset:
        raise UnsupportedError("ARROW:schema lacks a part")
    return int(table + offset)
