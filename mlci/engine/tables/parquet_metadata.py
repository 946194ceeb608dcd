"""Metadata of Parquet files: footers in Thrift's compact protocol, and the Arrow schema inside.

Fields that this version of mlci does not know are preserved, so that a footer can be edited without loss. Source:
Apache Thrift, "Thrift compact protocol encoding".

``ARROW:schema`` is an encapsulated message of Arrow's IPC format: a flatbuffer with the slots of ``Schema.fbs`` in
apache/arrow.
"""

import struct
from dataclasses import dataclass, field
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
_NESTING = 32  # a footer's structs are at most 7 deep


class ThriftError(ValueError):
    """Bytes that are not a struct in the compact protocol."""


@dataclass
class Sequence:
    """A list or a set: the type of its elements, and the elements."""

    kind: int
    items: list[Any]


@dataclass
class Struct:
    """A struct: for each field id, its type and its value, in the order of the file."""

    fields: dict[int, tuple[int, Any]] = field(default_factory=dict)

    def get(self, number: int) -> Any:  # noqa: ANN401 - a field's type is its writer's choice
        """Return a field's value; ``None`` if it is absent."""
        return self.fields[number][1] if number in self.fields else None

    def set(self, number: int, value: Any) -> None:  # noqa: ANN401 - as above
        """Replace the value of an existing field."""
        self.fields[number] = (self.fields[number][0], value)


def parse_struct(data: bytes) -> Struct:
    """Parse one struct.

    Raises:
        ThriftError: if the bytes are cut short, or are not a struct.
    """
    try:
        return _Reader(data).struct(0)
    except IndexError:
        raise ThriftError("the footer is cut short") from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise ThriftError("the footer is cut short")
        self._at += count
        return self._data[self._at - count : self._at]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ThriftError("a number is too long")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def struct(self, depth: int) -> Struct:
        record, number = Struct(), 0
        while (head := self._byte()) != 0:
            kind = head & 0x0F
            number = number + (head >> 4) if head >> 4 else self._integer()
            record.fields[number] = (kind, kind == TRUE if kind in {TRUE, FALSE} else self._value(kind, depth))
        return record

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401 - a field's type is its writer's choice
        if depth > _NESTING:
            raise ThriftError("it is nested too deeply")
        if kind in {I16, I32, I64}:
            return self._integer()
        if kind in {BYTE, TRUE, FALSE}:  # a boolean in a list is a byte
            return self._byte()
        if kind == DOUBLE:
            return self._take(8)
        if kind == BINARY:
            return self._take(self._varint())
        if kind in {LIST, SET}:
            return self._sequence(depth)
        if kind == STRUCT:
            return self.struct(depth + 1)
        raise ThriftError(f"type {kind} does not occur in a footer")

    def _sequence(self, depth: int) -> Sequence:
        head = self._byte()
        count = head >> 4 if head >> 4 != 15 else self._varint()
        if count > len(self._data):
            raise ThriftError("a list is longer than the footer")
        return Sequence(head & 0x0F, [self._value(head & 0x0F, depth + 1) for _ in range(count)])


def dump_struct(struct: Struct) -> bytes:
    """Serialize a struct."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


def _write_struct(out: bytearray, struct: Struct) -> None:
    last = 0
    for number, (written, value) in struct.fields.items():
        kind = (TRUE if value else FALSE) if written in {TRUE, FALSE} else written
        if 0 < number - last <= 15:
            out.append((number - last) << 4 | kind)
        else:
            out.append(kind)
            _write_integer(out, number)
        last = number
        if kind not in {TRUE, FALSE}:
            _write_value(out, kind, value)
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:  # noqa: ANN401 - as read
    if kind in {I16, I32, I64}:
        _write_integer(out, value)
    elif kind in {BYTE, TRUE, FALSE}:
        out.append(value)
    elif kind == DOUBLE:
        out += value
    elif kind == BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind == STRUCT:
        _write_struct(out, value)
    else:
        _write_sequence(out, value)


def _write_sequence(out: bytearray, sequence: Sequence) -> None:
    count = len(sequence.items)
    out.append(min(count, 15) << 4 | sequence.kind)
    if count >= 15:
        _write_varint(out, count)
    for item in sequence.items:
        _write_value(out, sequence.kind, item)


def _write_integer(out: bytearray, value: int) -> None:
    _write_varint(out, (value << 1) ^ (value >> 63))


def _write_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


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
    by_position = {}
    for at in range(_u32(data, fields)):
        field = _follow(data, fields + 4 + 4 * at)
        kind = _slot(data, field, 2)
        if data[kind] == _DURATION:
            type_ = _follow(data, _slot(data, field, 3))
            by_position[at] = f"duration[{_UNITS[_unit(data, type_)]}]"
    return by_position


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
