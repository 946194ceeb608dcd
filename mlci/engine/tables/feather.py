"""Feather and Arrow files to Parquet with the same types, by pyarrow."""

from pathlib import Path

from mlci.engine.tables.files import LocalFile
from mlci.errors import InputError, Problem


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
