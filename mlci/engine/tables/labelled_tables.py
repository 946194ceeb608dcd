"""Tables by their path: files alone, or features joined by key with labels in a file of their own."""

from dataclasses import replace
from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.cell_errors import CellLocation, ProblemCollector
from mlci.engine.join_keys import Keyed, comparable, diagnose_unpaired, kind_of
from mlci.engine.tables.column_types import read_column, relation
from mlci.engine.tables.logical_types import ColumnCells, read_alike
from mlci.engine.tables.table import Table, column_types, open_files
from mlci.engine.tables.table_path import LabelFile, columns_of, labels_of, table_of, table_path
from mlci.errors import InputError, Problem

_LABELS = ("evaluation", "labels")


def open_table(connection: duckdb.DuckDBPyConnection, path: str, scratch: Path) -> Table:
    """Open a table, joined with its labels if they are in another file.

    Raises:
        InputError: if a file can't be read, or keys of features and labels are missing, repeated or not the same.
    """
    features, labels = open_files(connection, path, scratch), labels_of(path)
    if labels is None:
        return features
    if labels.label in features.names:
        message = f"has the label {labels.label!r} itself; remove `labels`, or this column"
        raise InputError(Problem(message, path, setting=_LABELS))
    return _join(connection, features, open_files(connection, labels.path, scratch), labels, scratch)


def open_features(connection: duckdb.DuckDBPyConnection, path: str, scratch: Path) -> Table:
    """Open the table of a path without the labels in another file."""
    own = table_path(str(path), table=table_of(path), columns=columns_of(path))
    return open_files(connection, own, scratch)


def _join(
    connection: duckdb.DuckDBPyConnection, features: Table, labelled: Table, labels: LabelFile, scratch: Path
) -> Table:
    """Copy features and labels to one Parquet file, in the order of the features."""
    key, their_key = _keys_alike(connection, features, labelled, labels.key)
    label = labelled.column(labels.label)
    kind = kind_of([key.column, their_key.column])
    empty = f"{label.ref} IS NULL" + (f" OR {sql.is_nan(label.ref)}" if label.type == "DOUBLE" else "")
    if sql.file_exists(connection, labelled.relation, empty):
        place = CellLocation(connection, labelled, their_key.column)
        raise InputError(place.problem(label, empty, f"label {label.name!r} is null"))
    cells = [f"{column.ref} AS w{index}" for index, column in enumerate(features.columns)]
    own = [f"{features.row_number} AS rn", f"{comparable(key.column, kind)} AS k", *cells]
    theirs = [f"{comparable(their_key.column, kind)} AS k", f"{label.ref} AS w{len(cells)}"]
    both = f"({sql.select(own, features.relation)}) AS f JOIN ({sql.select(theirs, labelled.relation)}) AS l USING (k)"
    matched = sql.first_row(connection, sql.select("count(*), count(DISTINCT k)", both))
    if matched != (features.rows, features.rows) or features.rows != labelled.rows:
        raise diagnose_unpaired(connection, key, [("label", their_key)], kind)
    names = (*features.names, label.name)
    target = scratch / f"labelled{sum(1 for _ in scratch.iterdir())}.parquet"
    listed = [f"w{index} AS c{index}" for index in range(len(names))]
    query = sql.select(listed, both, order_by="rn")
    connection.execute(f"COPY ({query}) TO {sql.quote_text(str(target))} (FORMAT parquet)")
    types = column_types(connection, target)
    columns = tuple(read_column(name, index, types[index]) for index, name in enumerate(names))
    shown = features.shards[0][0] if len(features.shards) == 1 else str(features.path)
    joined = relation(connection, columns, [str(target)])
    return replace(features, columns=columns, relation=joined, shards=((shown, features.rows),))


def _keys_alike(
    connection: duckdb.DuckDBPyConnection, features: Table, labelled: Table, name: str
) -> tuple[Keyed, Keyed]:
    """Return the keys of both tables, read as one type."""
    problems = ProblemCollector()
    cells = [ColumnCells(CellLocation(connection, table, None), table.column(name)) for table in (features, labelled)]
    first, second = read_alike(cells, "key", problems)
    problems.stop()
    return Keyed(features, first), Keyed(labelled, second)
