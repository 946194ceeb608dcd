"""File formats by magic bytes.

Sources of the magic bytes: Parquet's and NumPy's format pages, PKWARE's APPNOTE (zip), RFC 1952 (gzip), Python's
``pickle`` page (opcode ``PROTO``), the HDF5 specification, zlib (RFC 1950), xz and bzip2 file formats.
"""

import zipfile
from pathlib import Path

from mlci.errors import InputError, Problem, StepError

_MARKS = (
    (b"PAR1", "Parquet"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"ARROW1", "an Arrow file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
)
MOST_MEMBERS = 100_000
UNPACKED_LIMIT = 8 * 2**30
"""Most bytes of an unpacked model, the same limit as for tables."""
SCHEMA_LIMIT = 64 * 2**20
_TABLES = {"Parquet": ".parquet", "JSON Lines": ".jsonl", "CSV": ".csv"}


def file_kind(path: Path) -> str:
    """Return the kind of file: a table (``Parquet``, ``JSON Lines``, ``CSV``) or another format by its magic bytes."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "an empty file"
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 5:
        return "a pickle"
    if head[0] == 0x78 and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib data (as joblib writes)"
    if b"\x00" in head:
        return "a binary file"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "JSON Lines" if text.startswith(b"{") else "a JSON array" if text.startswith(b"[") else "CSV"


def named_as_table(path: Path, *, step: str, variable: str) -> Path:
    """Rename a step's table to the suffix of its format, and return the new path.

    Raises:
        StepError: if it is empty or not a table that mlci reads.
    """
    found = file_kind(path)
    if found not in _TABLES:
        advice = {"a JSON array": "write one object a line (pandas: `to_json(path, orient='records', lines=True)`)"}
        how = advice.get(
            found, "write CSV, Parquet or JSON Lines, not compressed, e.g. pandas' `to_csv(path, index=False)`"
        )
        raise StepError(f"{step} left {found} at ${variable}; {how}")
    target = path.with_suffix(_TABLES[found])
    return path if target == path else path.replace(target)


def require_skops(path: Path, shown: str) -> None:
    """Check that a file is a skops file before it is opened.

    Raises:
        InputError: if it does not exist or is another kind of file; the message shows how to save the model.
    """
    if not path.is_file():
        raise InputError(Problem("the file does not exist; `predict.model` names a model saved with skops", shown))
    found = file_kind(path)
    if found == "a zip archive":
        found = _archive_kind(path)
    if found != "skops":
        what = f"this is {found}, not a model saved with skops"
        why = "; loading it could run any code inside" if found in _RUN_CODE else ""
        fix = "save it with `skops.io.dump(model, path)`, or score it yourself with `predict.run`"
        raise InputError(Problem(f"{what}{why}: {fix}", shown))


_RUN_CODE = (
    "a pickle",
    "a PyTorch archive with a pickle",
    "zlib data (as joblib writes)",
    "gzip",
    "bzip2",
    "xz",
    "lz4",
)


def _unpacked_beyond_bounds(archive: zipfile.ZipFile) -> str | None:
    """Return the limit that an archive's members exceed; never reads more bytes than a member declares."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        return f"an archive of more than {MOST_MEMBERS:,} files"
    if sum(member.file_size for member in members) > UNPACKED_LIMIT:
        return f"an archive of more than {UNPACKED_LIMIT:,} bytes when it is unpacked"
    if any(member.file_size > SCHEMA_LIMIT for member in members if member.filename == "schema.json"):
        return f"a skops file with a schema.json of more than {SCHEMA_LIMIT:,} bytes"
    return None


def _archive_kind(path: Path) -> str:
    """Return the kind of an archive by the names inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if too_large := _unpacked_beyond_bounds(archive):
                return too_large
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return "a damaged zip archive"
    if "schema.json" in names:
        return "skops"
    if any(name.endswith(".pkl") for name in names):
        return "a PyTorch archive with a pickle"
    if any(name.endswith(".npy") for name in names):
        return "a NumPy archive"
    return "a zip archive without schema.json"
