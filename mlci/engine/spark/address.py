"""Addresses of tables that Spark reads: files in Parquet, Delta and Iceberg tables, and tables of a catalog."""

import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from mlci.engine.tables.files import suffix_of
from mlci.errors import InputError, Problem

Format = Literal["parquet", "delta", "iceberg", "table"]
CATALOG = "table://"
_PREFIXED: dict[str, Format] = {"delta+": "delta", "iceberg+": "iceberg", "parquet+": "parquet"}
_LAKES: tuple[tuple[str, Format], ...] = (("_delta_log/*", "delta"), ("metadata/*.metadata.json", "iceberg"))
_SUFFIXES = frozenset({".parquet", ".pq", ""})
_FORMS = "Parquet files, a folder or glob of them, Delta or Iceberg tables, and `table://catalog.schema.name`"
_SCHEME = re.compile(r"[a-z][a-z0-9.-]+://", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """Where Spark finds a table: its format, and the path, URL or name."""

    format: Format
    place: str

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this machine."""
        return self.format != "table" and _SCHEME.match(self.place) is None


def read_address(path: str) -> Address:
    """Return the address that a configured path names.

    Raises:
        InputError: if Spark can't read files of that form.
    """
    text = str(path)
    if text.startswith(CATALOG):
        return Address("table", text.removeprefix(CATALOG))
    for prefix, form in _PREFIXED.items():
        if text.startswith(prefix):
            return Address(form, text.removeprefix(prefix))
    if suffix_of(text) not in _SUFFIXES:
        message = (
            f"is a {suffix_of(text)} file, and Spark's executors read {_FORMS}; write it as Parquet where they can "
            "read it: `spark.createDataFrame(df).write.parquet(path)`, or remove `engine` to evaluate on this machine"
        )
        raise InputError(Problem(message, text))
    return Address(_lake_of(Path(text)) if Address("parquet", text).is_local else "parquet", text)


def _lake_of(folder: Path) -> Format:
    """Return the format of a local folder by the files that table formats write."""
    return next((form for pattern, form in _LAKES if next(folder.glob(pattern), None) is not None), "parquet")


def shown_files(path: str, files: Iterable[str]) -> dict[str, str]:
    """Return the name in messages of each file that Spark lists, in the order of rows: sorted by that name.

    Files of this machine are named as the configuration writes them, others by their URL.
    """
    local = {str(Path(match).resolve()): match for match in glob.glob(path, recursive=True)}  # noqa: PTH207 - absolute patterns
    shown = {file: _shown(file, local) for file in files}
    return dict(sorted(shown.items(), key=lambda item: item[1]))


def _shown(file: str, local: dict[str, str]) -> str:
    parts = urlsplit(file)
    if parts.scheme not in {"file", ""}:
        return file
    plain = unquote(parts.path)
    return local.get(str(Path(plain).resolve()), plain)
