"""Input files: a path, glob or URL resolved to local files and their format.

``s3://`` and ``gs://`` go through pyarrow's file systems (the extra ``mlci[remote]``), globs included. pyarrow has no
file system for ``https://``; one file is downloaded with the standard library, with a limit on its size and a time-out.
"""

import fnmatch
import glob
import gzip
import shutil
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from mlci.engine.tables.table_path import columns_of, table_of
from mlci.errors import InputError, OutsideError, Problem, yaml_value
from mlci.util.bounds import TABLE_DOWNLOAD_BYTES, TABLE_DOWNLOAD_SECONDS, TABLE_INFLATED_BYTES

Format = Literal["csv", "parquet", "json", "numpy", "feather", "database"]
_FORMATS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet",
    ".jsonl": "json", ".ndjson": "json", ".json": "json", ".npy": "numpy", ".npz": "numpy", ".txt": "numpy",
    ".feather": "feather", ".arrow": "feather", ".duckdb": "database", ".ddb": "database", ".sqlite": "database",
    ".sqlite3": "database", ".db": "database",
}  # fmt: skip
PARQUET = frozenset(suffix for suffix, form in _FORMATS.items() if form == "parquet")
_COMPRESSED, _PACKABLE = (".gz",), frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".txt"})
INFLATED_LIMIT = TABLE_INFLATED_BYTES.value
"""Most bytes of an unpacked file: the same as for downloads."""
_MAGIC, _GLOB = "*?[{", "*?["
"""Characters that DuckDB reads as patterns, and those that pyarrow's paths may have."""
_SEALED = ".sealed"
_NEEDS_KEY = (
    "holds sealed labels, and MLCI_LABEL_KEY, the key that opens them, is not set. The gate's workflow takes it from a "
    "secret of an environment: `label-key: ${{ secrets.MLCI_LABEL_KEY }}`; on a machine of a maintainer it is "
    '`export MLCI_LABEL_KEY="$(cat PATH-OF-THE-KEY)"`'
)
_LFS = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class LocalFile:
    """One local file: its name in messages, its path, its format, the table of a database, and columns that are needed.

    Other columns of an ``.npz`` file may have another number of rows.
    """

    shown: str
    path: Path
    format: Format
    suffix: str
    table: str | None = None
    columns: tuple[str, ...] = ()


def locate_files(path: str, scratch: Path) -> tuple[LocalFile, ...]:
    """Return the files of a path, glob or URL, sorted by name; all have one format.

    Remote files are copied into ``scratch``.

    Raises:
        InputError: if no file exists, the suffix is unknown, or a glob mixes formats.
    """
    files = fetch_remote(path, scratch) if is_url(path) else _local(path)
    opened = (_file(shown, local, scratch, table_of(path)) for shown, local in files)
    located = tuple(replace(file, columns=columns_of(path)) for file in opened)
    if len({file.format for file in located}) > 1:
        raise InputError(Problem(f"mixes formats: {', '.join(sorted({file.suffix for file in located}))}", path))
    return located


def suffix_of(path: str) -> str:
    """Return the suffix of the format, including ``.csv.gz``, in lower case."""
    suffixes = [suffix.lower() for suffix in Path(path.split("?", maxsplit=1)[0] if is_url(path) else path).suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        return "".join(suffixes[-2:])
    return suffixes[-1] if suffixes else ""


def _local(path: str) -> list[tuple[str, Path]]:
    if Path(path).is_file():
        return [(str(path), Path(path))]
    if Path(path).is_dir():
        _refuse_lake(Path(path), path)
        raise InputError(Problem(f"is a folder; name its files by a glob, e.g. {path.rstrip('/')}/*.parquet", path))
    if Path(path).exists():
        raise InputError(Problem("is a pipe or a device, not a file; write the table to a file first", path))
    paths = glob.glob(path, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute patterns
    matches = sorted(match for match in paths if Path(match).is_file())
    if not matches and "://" in path:
        schemes = ", ".join(SCHEMES)
        raise InputError(Problem(f"tables are read from files or {schemes}; copy this one to a file first", path))
    if not matches:
        message = "no file matches this glob" if glob.has_magic(path) else "the file does not exist"
        raise InputError(Problem(message, path))
    return [(match, Path(match)) for match in matches]


_LAKES = {
    "_delta_log/*.json": ("a Delta table", 'deltalake.DeltaTable("{}").to_pandas()'),
    "metadata/*.metadata.json": (
        "an Iceberg table",
        'pyiceberg.table.StaticTable.from_metadata("{}").scan().to_pandas()',
    ),
}
"""Files by which a folder is recognized, with its name and the line that reads it."""


def _refuse_lake(folder: Path, shown: str) -> None:
    """Refuse a folder that a table format with its own reader wrote."""
    for pattern, (name, line) in _LAKES.items():
        logs = sorted(folder.glob(pattern))
        if logs:
            engine = line.partition(".")[0]
            read = line.format(shown if engine == "deltalake" else logs[-1])
            message = f"is {name}, which mlci does not read; {engine} does: `{read}.to_parquet('eval.parquet')`"
            raise InputError(Problem(message, shown))


def is_missing(path: str) -> bool:
    """Return whether a local path does not exist; never true for patterns."""
    return "://" not in path and not glob.has_magic(path) and not Path(path).exists() and not Path(path).is_symlink()


def _file(shown: str, local: Path, scratch: Path, table: str | None) -> LocalFile:
    suffix = suffix_of(shown)
    plain = next((suffix.removesuffix(end) for end in _COMPRESSED if suffix.endswith(end)), suffix)
    if plain == _SEALED:
        raise InputError(Problem(_NEEDS_KEY, shown))
    if plain not in _FORMATS or (plain != suffix and plain not in _PACKABLE):
        suffixes = ", ".join(sorted(_FORMATS))
        raise InputError(Problem(f"can't tell the format from the suffix {suffix!r}; mlci reads {suffixes}", shown))
    if local.stat().st_size == 0:
        raise InputError(Problem("the file is empty", shown))
    if _starts_with(local, _LFS):
        how = "fetch the data first: `git lfs pull`, or `lfs: true` under actions/checkout"
        raise InputError(Problem(f"is a pointer of Git LFS; {how}", shown))
    if plain in _PACKABLE and _starts_with(local, b"\x1f\x8b"):
        local, suffix = inflate(shown, local, scratch / f"inflated{sum(1 for _ in scratch.iterdir())}{plain}"), plain
    if table is not None and _FORMATS[plain] != "database":
        raise InputError(Problem(f"is a {plain} file, which has no tables; remove `table: {yaml_value(table)}`", shown))
    return LocalFile(shown, _literal_path(local, scratch, suffix), _FORMATS[plain], plain, table)


def inflate(shown: str, local: Path, target: Path, *, limit: int = INFLATED_LIMIT) -> Path:
    """Unpack a gzip file up to a limit.

    Raises:
        InputError: if it is damaged, or larger than ``limit`` when it is unpacked.
    """
    try:
        with gzip.open(local, "rb") as source, target.open("wb") as out:
            copy_bounded(source, out, limit, Problem(f"is larger than {limit:,} bytes when it is unpacked", shown))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(Problem(f"can't be unpacked, it seems cut short or damaged: {error}", shown)) from error
    return target


def _starts_with(local: Path, start: bytes) -> bool:
    with local.open("rb") as stream:
        return stream.read(len(start)) == start


def _literal_path(local: Path, scratch: Path, suffix: str) -> Path:
    """Return a path that DuckDB can't interpret as a glob."""
    absolute = local.resolve()
    if not any(character in str(absolute) for character in _MAGIC):
        return absolute
    link = scratch / f"link{sum(1 for _ in scratch.iterdir())}{suffix}"
    link.symlink_to(absolute)
    return link


SCHEMES = ("s3://", "gs://", "https://")
LIMIT = TABLE_DOWNLOAD_BYTES.value
"""Most bytes of a download."""
TIMEOUT = float(TABLE_DOWNLOAD_SECONDS.value)
"""Seconds without an answer before a download fails."""


def is_url(path: str) -> bool:
    """Return whether a path names a remote table."""
    return path.startswith(SCHEMES)


def fetch_remote(url: str, scratch: Path) -> list[tuple[str, Path]]:
    """Copy the files of a URL into ``scratch``; returns pairs of (URL, local path).

    Raises:
        InputError: if no file exists, it is too large, or pyarrow is not installed.
        OutsideError: if the store or server failed.
    """
    folder = scratch / f"remote{sum(1 for _ in scratch.iterdir())}"
    folder.mkdir()
    if url.startswith("https://"):
        return [(url, download(url, folder / "0"))]
    return _copy(url, folder)


def download(url: str, target: Path, *, limit: int = LIMIT, timeout: float = TIMEOUT) -> Path:
    """Download one https file of at most ``limit`` bytes."""
    import urllib.error  # noqa: PLC0415 - 0.06 s of imports that only a download needs
    import urllib.request  # noqa: PLC0415

    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer, target.open("wb") as out:  # noqa: S310 - https only, see fetch
            too_large = f"is larger than {limit:,} bytes; download it in a step before mlci"
            copy_bounded(answer, out, limit, Problem(too_large, url))
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise OutsideError(f"{url}: could not be downloaded: {error}") from error
    return target


def copy_bounded(source: IO[bytes] | gzip.GzipFile, out: IO[bytes], limit: int, too_large: Problem) -> None:
    """Copy a stream of at most ``limit`` bytes.

    Raises:
        InputError: if it is larger.
    """
    size = 0
    while chunk := source.read(1 << 20):
        size += len(chunk)
        if size > limit:
            raise InputError(too_large)
        out.write(chunk)


def _copy(url: str, folder: Path) -> list[tuple[str, Path]]:
    try:
        from pyarrow import fs  # noqa: PLC0415 - the optional extra, only for remote tables
    except ImportError as error:
        raise InputError(Problem("reading s3:// and gs:// needs pyarrow: pip install 'mlci[remote]'", url)) from error
    scheme = url.split("://", 1)[0]
    try:
        system, path = fs.FileSystem.from_uri(url)
        remote = [(f"{scheme}://{item}", item) for item in _matches(fs, system, path)]
        return [(shown, _copy_one(system, item, folder / str(index))) for index, (shown, item) in enumerate(remote)]
    except OSError as error:
        raise OutsideError(f"{url}: {error}") from error


def _matches(fs: Any, system: Any, path: str) -> list[str]:  # noqa: ANN401 - pyarrow ships no types
    if not any(character in path for character in _GLOB):
        return [path]
    base = path[: min(path.find(character) for character in _GLOB if character in path)].rpartition("/")[0]
    listed = system.get_file_info(fs.FileSelector(base, recursive="**" in path))
    names = sorted(info.path for info in listed if info.type == fs.FileType.File)
    matches = [item for item in names if fnmatch.fnmatchcase(item, path)]
    if not matches:
        raise InputError(Problem("no file matches this glob", path))
    return matches


def _copy_one(system: Any, item: str, target: Path) -> Path:  # noqa: ANN401 - pyarrow ships no types
    with system.open_input_stream(item) as source, target.open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    return target
