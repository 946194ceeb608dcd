"""Bounded zip reader: exactly the expected files, each checked before and while it is inflated.

Python's ``zipfile`` accepts much that GitHub's upload never writes: bytes before the first entry, comments, overlapping
entries, two entries of one name. This reader accepts only what such an upload consists of: entries one after the other
from the first byte, their directory, and its end record in the last 22 bytes (PKWARE's APPNOTE 6.3.10, sections
4.3.7, 4.3.12 and 4.3.16). Nothing is written to a path that the archive names.
"""

import re
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlci.sealed.artifact import UntrustedArtifactError
from mlci.util.bounds import ARCHIVE_ENTRIES, ARTIFACT_BYTES, INFLATED_BYTES

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _DESCRIPTOR, _STRONG, _MASKED = 0x1, 0x8, 0x40, 0x2000
_STORED, _DEFLATED = 0, 8
_SIGNED_SIZES, _UNSIGNED_SIZES = (16, 24), (12, 20)
_UNIX, _FOLDER = 3, 0x10
_WIDE = 0xFFFFFFFF
_CHUNK = 1 << 16
_LONGEST_NAME = 100
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, kw_only=True)
class ArchiveEntry:
    """One file in an archive.

    Attributes:
        name: Its name.
        method: How it is compressed.
        crc: Checksum of its content.
        size: Bytes of its content.
        offset, begins, ends: Where its header and its compressed bytes are.
        described: Whether a data descriptor follows it.
    """

    name: str
    method: int
    crc: int
    size: int
    offset: int
    begins: int
    ends: int
    described: bool


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A checked archive, whose files are inflated when they are read.

    Attributes:
        data: All bytes.
        entries: Its files by name.
    """

    data: bytes
    entries: Mapping[str, ArchiveEntry]

    def read(self, name: str) -> Iterator[bytes]:
        """Inflate one file piece by piece; it is only complete, and its checksum right, if the iterator ends.

        Raises:
            UntrustedArtifactError: if the content is not what its header announces.
        """
        entry = self.entries[name]
        found, crc = 0, 0
        for piece in _inflate(self.data[entry.begins : entry.ends], entry):
            found, crc = found + len(piece), zlib.crc32(piece, crc)
            if found > entry.size:
                raise UntrustedArtifactError(f"{name!r} inflates to more than the {entry.size:,} bytes of its header")
            yield piece
        if (found, crc) != (entry.size, entry.crc):
            raise UntrustedArtifactError(f"{name!r} is damaged: its size or checksum is not that of its header")


def read_archive(data: bytes, limits: Mapping[str, int]) -> Archive:
    """Check an archive before anything is inflated.

    Args:
        data: All bytes.
        limits: The expected files, each with the most bytes that it may have.

    Raises:
        UntrustedArtifactError: if it has another form, or other files.
    """
    if len(data) > ARTIFACT_BYTES.value:
        raise UntrustedArtifactError(f"it has {len(data):,} bytes, and {ARTIFACT_BYTES} are the most")
    start, count = _read_end(data)
    entries = _read_directory(data, start, count)
    _check_names([entry.name for entry in entries], limits)
    _check_places(data, entries, start)
    for entry in entries:
        if entry.size > limits[entry.name]:
            words = f"{entry.name!r} has {entry.size:,} bytes, and {limits[entry.name]:,} are the most"
            raise UntrustedArtifactError(words)
    return Archive(data=data, entries={entry.name: entry for entry in entries})


def _read_end(data: bytes) -> tuple[int, int]:
    """Return where the directory begins, and its number of entries."""
    if len(data) < _END.size or data[-_END.size :][:4] != b"PK\x05\x06":
        raise UntrustedArtifactError("it is not a zip archive that ends with its directory, or a comment follows it")
    _, disk, first, here, count, size, start, comment = _END.unpack(data[-_END.size :])
    if disk or first or here != count or comment:
        raise UntrustedArtifactError("it is one part of several, or has a comment")
    if count > ARCHIVE_ENTRIES.value:
        raise UntrustedArtifactError(f"it has {count:,} entries, and {ARCHIVE_ENTRIES} are the most")
    if start + size + _END.size != len(data):
        raise UntrustedArtifactError("its directory is not where its end record says, or other bytes surround it")
    return start, count


def _read_directory(data: bytes, start: int, count: int) -> list[ArchiveEntry]:
    entries, place, end = [], start, len(data) - _END.size
    for _ in range(count):
        if place + _CENTRAL.size > end or data[place : place + 4] != b"PK\x01\x02":
            raise UntrustedArtifactError("its directory is damaged")
        fields = _CENTRAL.unpack_from(data, place)
        name_at = place + _CENTRAL.size
        place = name_at + sum(fields[10:13])
        if place > end:
            raise UntrustedArtifactError("its directory is damaged")
        entries.append(_read_entry(data, fields, data[name_at : name_at + fields[10]], start))
    if place != end:
        raise UntrustedArtifactError("its directory holds more than the entries that it counts")
    return entries


def _read_entry(data: bytes, fields: tuple[int, ...], raw: bytes, start: int) -> ArchiveEntry:
    """Check one entry of the directory, and the header before its content."""
    name = raw.decode("ascii", "backslashreplace")
    if len(name) > _LONGEST_NAME:
        raise UntrustedArtifactError(f"it holds {name[:_LONGEST_NAME]!r}…, a name of {len(raw):,} bytes")
    made_by, flags, method, crc, packed, size = fields[1] >> 8, fields[3], fields[4], *fields[7:10]
    attributes, offset = fields[15], fields[16]
    if flags & (_ENCRYPTED | _STRONG | _MASKED):
        raise UntrustedArtifactError(f"{name!r} is encrypted")
    if method not in {_STORED, _DEFLATED}:
        raise UntrustedArtifactError(f"{name!r} is compressed by method {method}; only deflate and none are read")
    mode = attributes >> 16 if made_by == _UNIX else 0
    if stat.S_ISLNK(mode):
        raise UntrustedArtifactError(f"{name!r} is a link")
    if attributes & _FOLDER or name.endswith("/") or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        raise UntrustedArtifactError(f"{name!r} is not a regular file")
    if _WIDE in {packed, size, offset} or fields[13]:
        raise UntrustedArtifactError(f"{name!r} is in a Zip64 or split archive, which no artifact of this size needs")
    if size > INFLATED_BYTES.value:
        raise UntrustedArtifactError(f"{name!r} inflates to {size:,} bytes, and {INFLATED_BYTES} are the most")
    begins = _content_start(data, offset, raw, method, name, start)
    if begins + packed > start:
        raise UntrustedArtifactError(f"{name!r} reaches into the directory")
    return ArchiveEntry(
        name=name,
        method=method,
        crc=crc,
        size=size,
        offset=offset,
        begins=begins,
        ends=begins + packed,
        described=bool(flags & _DESCRIPTOR),
    )


def _content_start(data: bytes, offset: int, raw: bytes, method: int, name: str, start: int) -> int:
    """Return where the content begins; the header before it must be about the same file."""
    if offset + _LOCAL.size > start or data[offset : offset + 4] != b"PK\x03\x04":
        raise UntrustedArtifactError(f"{name!r} has no header where the directory says")
    _, _, flags, own_method, *_, length, extra = _LOCAL.unpack_from(data, offset)
    begins: int = offset + _LOCAL.size + length + extra
    own = data[offset + _LOCAL.size : offset + _LOCAL.size + length]
    if own != raw or own_method != method or flags & (_ENCRYPTED | _STRONG | _MASKED):
        raise UntrustedArtifactError(f"{name!r} has another name or form in its header than in the directory")
    return begins


def _check_names(names: list[str], limits: Mapping[str, int]) -> None:
    seen: set[str] = set()
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or _DRIVE.match(name) or ".." in parts:
            raise UntrustedArtifactError(f"{name!r} leads out of the archive")
        if name.lower() in seen:
            raise UntrustedArtifactError(f"{name!r} is in it twice, but for upper and lower case")
        seen.add(name.lower())
        if name not in limits:
            raise UntrustedArtifactError(f"it holds {name!r}; only {_listed(limits)} may be in it")
    missing = [name for name in limits if name not in names]
    if missing:
        raise UntrustedArtifactError(f"{missing[0]!r} is missing")


def _check_places(data: bytes, entries: list[ArchiveEntry], start: int) -> None:
    """Check that entries follow each other from the first byte to the directory, without gaps or overlaps."""
    place = 0
    for entry in sorted(entries, key=lambda one: one.offset):
        if entry.offset < place:
            raise UntrustedArtifactError(f"{entry.name!r} overlaps another entry")
        if entry.offset != place:
            raise UntrustedArtifactError("there are bytes in it that belong to no entry")
        place = entry.ends
        if entry.described:
            place += _descriptor_size(data, entry)
    if place > start:
        raise UntrustedArtifactError("an entry overlaps the directory")
    if place != start:
        raise UntrustedArtifactError("there are bytes in it that belong to no entry")


def _descriptor_size(data: bytes, entry: ArchiveEntry) -> int:
    """Return the size of the data descriptor after an entry, by what follows it: the next entry or the directory."""
    signed = data[entry.ends : entry.ends + 4] == b"PK\x07\x08"
    for size in _SIGNED_SIZES if signed else _UNSIGNED_SIZES:
        if data[entry.ends + size : entry.ends + size + 2] == b"PK":
            return size
    raise UntrustedArtifactError(f"{entry.name!r} has a damaged data descriptor")


def _inflate(packed: bytes, entry: ArchiveEntry) -> Iterator[bytes]:
    if entry.method == _STORED:
        for place in range(0, len(packed), _CHUNK):
            yield packed[place : place + _CHUNK]
        return
    inflater, waiting = zlib.decompressobj(-zlib.MAX_WBITS), packed
    try:
        while not inflater.eof:
            piece = inflater.decompress(waiting, _CHUNK)
            waiting = inflater.unconsumed_tail
            if piece:
                yield piece
            elif not waiting:
                break
    except zlib.error as error:
        raise UntrustedArtifactError(f"{entry.name!r} can't be inflated") from error
    if not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
        raise UntrustedArtifactError(f"{entry.name!r} is damaged: its compressed bytes do not end where they should")


def _listed(limits: Mapping[str, int]) -> str:
    return " and ".join(repr(name) for name in limits)
