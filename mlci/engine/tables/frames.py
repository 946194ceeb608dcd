"""Frames of pandas, Polars and Arrow as tables, and tables as pandas frames."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from mlci.engine import sql
from mlci.engine.tables.labelled_tables import open_table
from mlci.errors import InputError, list_names

_PADDED = r"[+-]?0\d"


def frame_names(table: Any) -> tuple[str, ...] | None:  # noqa: ANN401 (any kind of frame)
    """Return a frame's columns; ``None`` if it is not a frame of a kind that can be written."""
    if isinstance(table, Mapping):
        return tuple(map(str, table))
    if hasattr(table, "column_names"):
        return tuple(table.column_names)
    if hasattr(table, "columns") and hasattr(table, "__getitem__"):
        return tuple(map(str, table.columns))
    return None


def write_frame(table: Any, file: Path) -> None:  # noqa: ANN401 (any kind of frame)
    """Write a frame, its rows in order and its index left out, to a Parquet file.

    Raises:
        InputError: if two columns have one name but for capitals, if a column's values have no type in common, or if a
            mapping has other values than arrays.
    """
    _check_names(frame_names(table) or ())
    if isinstance(table, Mapping):
        _check_arrays(table)
    if hasattr(table, "write_parquet"):
        table.write_parquet(file)
        return
    try:
        _write(table, file)
    except duckdb.Error:
        # DuckDB can't read arrays that run backwards, such as those of `frame.iloc[::-1]`.
        try:
            _write(_copied(table), file)
        except duckdb.Error as error:
            raise InputError(f"a frame can't be written as a table: {str(error).splitlines()[0]}") from error


def _check_names(names: tuple[str, ...]) -> None:
    """Raise if a name occurs twice, because the first of such columns would be read without a notice."""
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(
            f"column names occur twice in the frame: {list_names(repeated)}; rename one, or keep the first: "
            "`df = df.loc[:, ~df.columns.duplicated()]`"
        )
    spelled: dict[str, str] = {}
    for name in names:
        if (other := spelled.setdefault(name.casefold(), name)) != name:
            raise InputError(
                f"the columns {other!r} and {name!r} of the frame differ in capitals only, which SQL does not tell "
                f"apart; rename one, or leave it out: `df = df.rename(columns={{{name!r}: {f'{name}_2'!r}}})`"
            )


def _check_arrays(table: Mapping[Any, Any]) -> None:
    """Raise unless every value is an array of as many rows as the others."""
    for name, values in table.items():
        if not hasattr(values, "__array__") or getattr(values, "ndim", 1) != 1:
            raise InputError(
                f"a dict is a table if it has arrays of one dimension, and `{name}` is a {type(values).__name__}; "
                "pass `pandas.DataFrame(…)` of it, or `{name: np.asarray(values) for name, values in data.items()}`"
            )
    rows = {str(name): len(values) for name, values in table.items()}
    if len(set(rows.values())) > 1:
        raise InputError(f"the columns differ in length: {', '.join(f'`{n}` has {rows[n]:,} rows' for n in rows)}")


def _write(table: Any, file: Path) -> None:  # noqa: ANN401 (any kind of frame)
    with duckdb.connect() as connection:
        connection.register("frame", dict(table) if isinstance(table, Mapping) else table)
        connection.execute(f"COPY frame TO {sql.quote_text(str(file))} (FORMAT parquet)")


def _copied(table: Any) -> Any:  # noqa: ANN401 (any kind of frame)
    if isinstance(table, Mapping):
        return {name: values.copy() if hasattr(values, "copy") else values for name, values in table.items()}
    return table.copy() if hasattr(table, "copy") else table


def read_frame(path: str) -> Any:  # noqa: ANN401 (pandas is not a requirement of the package)
    """Read a table of any format as a pandas frame; a text column becomes numbers if all of its texts are numbers.

    Texts such as ``007`` stay texts.

    Raises:
        InputError: if it can't be read.
    """
    with sql.session() as (connection, scratch), sql.reading(path):
        table = open_table(connection, path, scratch)
        cells = (f"{column.ref} AS {sql.quote_name(column.name)}" for column in table.columns)
        frame = connection.execute(sql.select(cells, table.relation)).df()
    texts = [column.name for column in table.columns if column.is_text]
    return frame.assign(**{name: _numbers(frame[name]) for name in texts})


def _numbers(texts: Any) -> Any:  # noqa: ANN401 (a column of a frame)
    from pandas import to_numeric  # noqa: PLC0415 (only for callers who have it)

    known = texts.dropna()
    if known.str.match(_PADDED).any():
        return texts
    try:
        return to_numeric(texts)
    except (ValueError, TypeError):
        return texts


def write_rows(frame: Any, path: Path) -> None:  # noqa: ANN401 (a pandas frame)
    """Write a pandas frame as CSV, Parquet or JSON Lines by the suffix of the path, without its index.

    Raises:
        InputError: if the suffix is of another format.
    """
    match path.name.lower().removesuffix(".gz").rpartition(".")[2]:
        case "csv":
            frame.to_csv(path, index=False)
        case "tsv":
            frame.to_csv(path, index=False, sep="\t")
        case "parquet":
            write_frame(frame, path)
        case "jsonl" | "ndjson":
            frame.to_json(path, orient="records", lines=True)
        case other:
            raise InputError(f"rows for a test can't be written as `.{other}`; use CSV, Parquet or JSON Lines")
