"""Parquet files without one column: the file's own bytes with another footer, so that every type is unchanged.

Reading and writing the table would lose information of the writer's metadata: categories, time zones, pandas' index and
nullable types. Here the column is removed from the footer, its bytes are overwritten with zeros, and all other bytes
are kept. Several files of one schema become one: their row groups in one footer. Field numbers are those of
``parquet.thrift`` in apache/parquet-format.
"""

import base64
import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from mlci.engine.tables import parquet_metadata
from mlci.engine.tables.parquet_metadata import Struct, UnsupportedError, without_field

_MAGIC = b"PAR1"
_VERSION, _SCHEMA, _NUM_ROWS, _ROW_GROUPS, _KEY_VALUE, _COLUMN_ORDERS = 1, 2, 3, 4, 5, 7
_NAME, _NUM_CHILDREN = 4, 5  # SchemaElement
_COLUMNS, _TOTAL_BYTES, _SORTING, _GROUP_OFFSET, _GROUP_COMPRESSED = 1, 2, 4, 5, 6  # RowGroup
_FILE_PATH, _FILE_OFFSET, _META, _OFFSET_INDEX, _COLUMN_INDEX = 1, 2, 3, 4, 6  # ColumnChunk; lengths are one above
_UNCOMPRESSED, _COMPRESSED, _DATA, _INDEX, _DICTIONARY, _BLOOM, _BLOOM_LENGTH = (
    6,
    7,
    9,
    10,
    11,
    14,
    15,
)  # ColumnMetaData
_CHUNK = 1 << 20


def write_without(sources: Sequence[Path], column: str, target: Path) -> None:
    """Write the rows of Parquet files of one schema without one top-level column.

    Raises:
        UnsupportedError: if the files' schemas differ, or one is encrypted or keeps columns in other files.
    """
    footers = [_read_footer(path) for path in sources]
    if any(footer.get(_SCHEMA) != footers[0].get(_SCHEMA) for footer in footers):
        raise UnsupportedError("the files' schemas differ")
    with target.open("w+b") as out:
        for number, (path, footer) in enumerate(zip(sources, footers, strict=True)):
            start = out.seek(0, 2)
            _append_data(path, footer, out)
            first, last = _leaves(footer, column)
            for begin, length in _ranges(footer, first, last):
                _blank(out, start + begin, length)
            _drop_columns(footer, first, last)
            if number:
                _shift(footer, start)
        merged = _merge(footers, column)
        data = parquet_metadata.dump_struct(merged)
        out.seek(0, 2)
        out.write(data + struct.pack("<I", len(data)) + _MAGIC)


def _read_footer(path: Path) -> Struct:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        tail = file.read(8)
        if tail[4:] != _MAGIC:
            raise UnsupportedError("the footer is encrypted")
        length = struct.unpack("<I", tail[:4])[0]
        file.seek(max(0, size - 8 - length))
        return parquet_metadata.parse_struct(file.read(length))


def _append_data(path: Path, footer: Struct, out: BinaryIO) -> None:
    """Copy everything before a file's footer."""
    if any(chunk.get(_FILE_PATH) is not None or chunk.get(_META) is None for chunk in _chunks(footer)):
        raise UnsupportedError("columns are encrypted, or in other files")
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(size - 8)
        remaining = size - 8 - struct.unpack("<I", file.read(4))[0]
        file.seek(0)
        while remaining:
            piece = file.read(min(remaining, _CHUNK))
            out.write(piece)
            remaining -= len(piece)


def _chunks(footer: Struct) -> Iterator[Struct]:
    for group in footer.get(_ROW_GROUPS).items:
        yield from group.get(_COLUMNS).items


def _leaves(footer: Struct, column: str) -> tuple[int, int]:
    """Return the first leaf of a top-level column, and the first one after it."""
    elements, leaf, at = footer.get(_SCHEMA).items, 0, 1
    while at < len(elements):
        end, leaves = _subtree(elements, at)
        if elements[at].get(_NAME) == column.encode():
            return leaf, leaf + leaves
        at, leaf = end, leaf + leaves
    raise UnsupportedError(f"the footer does not name the column {column!r}")


def _subtree(elements: list[Struct], at: int) -> tuple[int, int]:
    """Return the index of the element after a subtree, and the number of the subtree's leaves."""
    children = elements[at].get(_NUM_CHILDREN) or 0
    end, leaves = at + 1, 0 if children else 1
    for _ in range(children):
        end, below = _subtree(elements, end)
        leaves += below
    return end, leaves


def _ranges(footer: Struct, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the byte ranges of some leaves: pages, dictionaries, indexes, Bloom filters."""
    for group in footer.get(_ROW_GROUPS).items:
        for chunk in group.get(_COLUMNS).items[first:last]:
            meta = chunk.get(_META)
            offsets = [meta.get(number) for number in (_DICTIONARY, _INDEX, _DATA)]
            yield min(offset for offset in offsets if offset), meta.get(_COMPRESSED)
            for number in (_OFFSET_INDEX, _COLUMN_INDEX):
                if chunk.get(number) is not None:
                    yield chunk.get(number), chunk.get(number + 1)
            if meta.get(_BLOOM) is not None and meta.get(_BLOOM_LENGTH) is not None:
                yield meta.get(_BLOOM), meta.get(_BLOOM_LENGTH)


def _blank(out: BinaryIO, begin: int, length: int) -> None:
    out.seek(begin)
    while length > 0:
        out.write(bytes(min(length, _CHUNK)))
        length -= _CHUNK


def _drop_columns(footer: Struct, first: int, last: int) -> None:
    """Remove leaves from every row group."""
    for group in footer.get(_ROW_GROUPS).items:
        columns = group.get(_COLUMNS)
        removed = [chunk.get(_META) for chunk in columns.items[first:last]]
        del columns.items[first:last]
        for number, part in ((_TOTAL_BYTES, _UNCOMPRESSED), (_GROUP_COMPRESSED, _COMPRESSED)):
            if group.get(number) is not None:
                group.set(number, group.get(number) - sum(meta.get(part) for meta in removed))
        if group.get(_SORTING) is not None:
            kept = _sorted_before(group.get(_SORTING).items, first, last)
            if kept:
                group.get(_SORTING).items = kept
            else:
                del group.fields[_SORTING]
    orders = footer.get(_COLUMN_ORDERS)
    if orders is not None:
        del orders.items[first:last]


def _sorted_before(keys: list[Struct], first: int, last: int) -> list[Struct]:
    """Return the sorting columns that are still valid: those before the first removed one."""
    kept: list[Struct] = []
    for key in keys:
        leaf = key.get(1)
        if first <= leaf < last:
            break
        key.set(1, leaf - (last - first) if leaf >= last else leaf)
        kept.append(key)
    return kept


def _shift(footer: Struct, by: int) -> None:
    """Move a file's offsets; page indexes contain offsets, too, and are dropped."""
    for group in footer.get(_ROW_GROUPS).items:
        _move(group, _GROUP_OFFSET, by)
        for chunk in group.get(_COLUMNS).items:
            for number in (_OFFSET_INDEX, _OFFSET_INDEX + 1, _COLUMN_INDEX, _COLUMN_INDEX + 1):
                chunk.fields.pop(number, None)
            _move(chunk, _FILE_OFFSET, by)
            for number in (_DATA, _INDEX, _DICTIONARY, _BLOOM):
                _move(chunk.get(_META), number, by)


def _move(record: Struct, number: int, by: int) -> None:
    if record.get(number):  # some writers use 0 for an absent offset
        record.set(number, record.get(number) + by)


def _merge(footers: list[Struct], column: str) -> Struct:
    """Return one footer over all row groups, without a column in schema and metadata."""
    merged = footers[0]
    elements = merged.get(_SCHEMA).items
    at = next(i for i in _top_level(elements) if elements[i].get(_NAME) == column.encode())
    position = _top_level(elements).index(at)
    del elements[at : _subtree(elements, at)[0]]
    elements[0].set(_NUM_CHILDREN, elements[0].get(_NUM_CHILDREN) - 1)
    merged.get(_ROW_GROUPS).items = [group for footer in footers for group in footer.get(_ROW_GROUPS).items]
    for ordinal, group in enumerate(merged.get(_ROW_GROUPS).items):
        if group.get(7) is not None and ordinal < 1 << 15:
            group.set(7, ordinal)
    merged.set(_NUM_ROWS, sum(footer.get(_NUM_ROWS) for footer in footers))
    if merged.get(_KEY_VALUE) is not None:
        for pair in merged.get(_KEY_VALUE).items:
            if pair.get(2) is not None:
                pair.set(2, _metadata(pair.get(1), pair.get(2), column, position))
    return merged


def _top_level(elements: list[Struct]) -> list[int]:
    positions, at = [], 1
    while at < len(elements):
        positions.append(at)
        at, _ = _subtree(elements, at)
    return positions


def _metadata(key: bytes, value: bytes, column: str, position: int) -> bytes:
    """Remove a column from the metadata of writers that list columns; other metadata stays."""
    if key == b"ARROW:schema":
        return base64.b64encode(without_field(base64.b64decode(value), position))
    edit = {b"pandas": _of_pandas, b"huggingface": _of_datasets}.get(key)
    if edit is None:
        return value
    document = json.loads(value)
    edit(document, column)
    return json.dumps(document).encode()


def _of_pandas(document: dict[str, Any], column: str) -> None:
    document["columns"] = [entry for entry in document["columns"] if entry.get("field_name") != column]
    document["index_columns"] = [entry for entry in document["index_columns"] if entry != column]


def _of_datasets(document: dict[str, Any], column: str) -> None:
    document.get("info", {}).get("features", {}).pop(column, None)
