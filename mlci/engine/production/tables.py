"""Open a production log with its labels, and the evaluation set with a version's predictions, as tables to count."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.cell_errors import CellLocation, ProblemCollector
from mlci.engine.join_keys import comparable, kind_of
from mlci.engine.production.job import LabelSource, PredictionColumnPair, ProductionJob
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.files import is_missing
from mlci.engine.tables.labelled_tables import open_table
from mlci.engine.tables.logical_types import ColumnCells, read_alike
from mlci.engine.tables.table import EmptyTableError, Table, open_files
from mlci.engine.tables.timestamps import time_sql
from mlci.errors import InputError, Problem, count_noun

LABEL, POSITION = "mlci_label", "mlci_row"
UNTIMED = 0.01
"""Share of a log's rows up to which those without a readable time are only noted."""
_FORMAT = "'%Y-%m-%dT%H:%M'"


@dataclass(frozen=True)
class NamedRelation:
    """A relation whose columns are known by name.

    Attributes:
        relation: SQL for the FROM clause.
        columns: Columns by their name in the file.
        path: The file, for messages.
    """

    relation: str
    columns: dict[str, TableColumn]
    path: str


@dataclass(frozen=True)
class LogTable(NamedRelation):
    """The rows of a log in the windows that are read, each with its window ``w`` and, if it has one, its label.

    Attributes:
        source: The files that the rows come from.
        label: The column with the labels; ``None`` without labels.
        untimed: Rows without a readable time, which belong to no window.
        unlabelled: Why no row of the log has a label although their table has rows; ``None`` if one has.
        repeated: Rows in these windows whose key an earlier row has.
    """

    source: Table
    label: TableColumn | None
    untimed: int
    unlabelled: str | None = None
    repeated: int = 0

    @property
    def is_untimed(self) -> bool:
        """Whether more rows than :data:`UNTIMED` have no readable time."""
        return self.untimed > UNTIMED * self.source.rows


def open_log(connection: duckdb.DuckDBPyConnection, job: ProductionJob, scratch: Path) -> LogTable:
    """Copy the rows of complete windows to Parquet, with their window and label.

    Raises:
        InputError: if a file can't be read, or a column is missing.
    """
    table = open_files(connection, job.data, scratch)
    time = time_sql(connection, table, table.column(job.time), setting=("monitor", "time"))
    start = f"strftime(date_trunc('{job.unit}', {time}), {_FORMAT})"
    wanted = f"{start} < {sql.quote_text(job.until)}"
    if job.since is not None:
        wanted += f" AND {start} >= {sql.quote_text(job.since)}"
    own = [f"{column.ref} AS v{index}" for index, column in enumerate(table.columns)]
    columns = {column.name: replace(column, ref=f"v{index}", raw=f"v{index}", reading=None, former=None)
               for index, column in enumerate(table.columns)}  # fmt: skip
    source, label = _with_labels(connection, job.labels, table, scratch)
    cells = [
        f"{start} AS w",
        f"{table.row_number} AS {POSITION}",
        *own,
        *([f"{label.ref} AS {LABEL}"] if label else []),
    ]
    target = scratch / "production.parquet"
    query = sql.select(cells, source, where=wanted)
    with sql.reading(job.data, *([job.labels.path] if job.labels and job.labels.path else [])):
        connection.execute(f"COPY ({query}) TO {sql.quote_text(str(target))} (FORMAT parquet)")
        untimed = sql.first_row(connection, sql.select("count(*)", table.relation, where=f"{time} IS NULL"))
    relation = f"read_parquet({sql.quote_text(str(target))})"
    named = None if label is None else replace(label, ref=LABEL, raw=LABEL, reading=None, former=None)
    found = LogTable(relation, columns, job.data, table, named, int(untimed[0]) if untimed else 0)
    found = replace(found, repeated=_repeated_keys(connection, job, found))
    if label is None or job.labels is None or job.labels.path is None:
        return found
    if sql.file_exists(connection, relation, f"{LABEL} IS NOT NULL"):
        return found
    with sql.reading(job.data, job.labels.path):
        return replace(found, unlabelled=_unlabelled(connection, job.labels, source, scratch))


def _repeated_keys(connection: duckdb.DuckDBPyConnection, job: ProductionJob, log: LogTable) -> int:
    key = log.columns.get((job.labels.key if job.labels else None) or job.key or "")
    if key is None:
        return 0
    counted = sql.first_row(connection, sql.select(f"count({key.ref}) - count(DISTINCT {key.ref})", log.relation))
    return int(counted[0]) if counted else 0


def _unlabelled(connection: duckdb.DuckDBPyConnection, labels: LabelSource, joined: str, scratch: Path) -> str | None:
    """Return why a table with rows labels none of the log's; ``None`` if it labels rows of other windows."""
    if sql.file_exists(connection, joined, f"{LABEL} IS NOT NULL"):
        return None
    rows = open_files(connection, str(labels.path), scratch)
    if not rows.rows:
        return None
    has = f"{labels.path} has {count_noun(rows.rows, 'row')}"
    if not sql.file_exists(connection, rows.relation, f"{rows.column(labels.label).ref} IS NOT NULL"):
        return f"{has}, all without a label in {labels.label!r}"
    return (
        f"{has}, and the log has none of their {labels.key!r}; usually it is the wrong key. Name the column that the "
        "log and the labels share: `monitor: {key: …}`"
    )


def _with_labels(
    connection: duckdb.DuckDBPyConnection, labels: LabelSource | None, table: Table, scratch: Path
) -> tuple[str, TableColumn | None]:
    """Return the relation of the log, joined with its labels if they have a table of their own, and their column.

    A table of labels that does not exist yet, or is empty, has none yet.
    """
    if labels is None:
        return table.relation, None
    if labels.path is None or labels.key is None:
        return table.relation, next((one for one in table.columns if one.name == labels.label), None)
    if is_missing(labels.path):
        return table.relation, None
    try:
        other = open_files(connection, labels.path, scratch)
    except EmptyTableError:
        return table.relation, None
    label, keys = other.column(labels.label), (table.column(labels.key), other.column(labels.key))
    problems = ProblemCollector()
    cells = [
        ColumnCells(CellLocation(connection, one, None), key) for one, key in zip((table, other), keys, strict=True)
    ]
    mine, theirs = read_alike(cells, "key", problems)
    problems.stop()
    kind = kind_of([mine, theirs])
    given = f"{label.ref} IS NOT NULL"
    pairs = sql.select([f"{comparable(theirs, kind)} AS k", f"{label.ref} AS {LABEL}"], other.relation, where=given)
    repeated = sql.first_row(connection, sql.select("count(k) - count(DISTINCT k)", f"({pairs})"))
    if repeated and repeated[0]:
        message = (
            f"has {count_noun(repeated[0], 'row')} whose {labels.key!r} occurs before; keep one label for each key"
        )
        raise InputError(Problem(message, labels.path, setting=("monitor", "labels")))
    joined = f"{table.relation} LEFT JOIN ({pairs}) AS l ON {comparable(mine, kind)} = l.k"
    return joined, replace(label, ref=LABEL)


def open_reference(connection: duckdb.DuckDBPyConnection, job: ProductionJob, scratch: Path) -> NamedRelation:
    """Open the evaluation set.

    Raises:
        InputError: if a file can't be read.
    """
    table = open_table(connection, job.reference, scratch)
    return NamedRelation(table.relation, {column.name: column for column in table.columns}, job.reference)


def open_predictions(
    connection: duckdb.DuckDBPyConnection, job: ProductionJob, scratch: Path
) -> tuple[NamedRelation | None, bool]:
    """Join the version's predictions to the evaluation set; return them, and whether each row has found its own.

    Without a match for each row they are returned alone, for comparing on all rows.

    Raises:
        InputError: if a file can't be read.
    """
    if job.predictions is None or not job.pairs:
        return None, False
    table, rows = open_files(connection, job.predictions, scratch), open_table(connection, job.reference, scratch)
    found = {pair.log: table.column(pair.reference) for pair in job.pairs}
    alone = NamedRelation(table.relation, found, job.predictions)
    on = _matching(connection, job, rows, table)
    if on is None:
        return alone, False
    own = _renamed(table, job.pairs, on[1])
    sliced = {part.column for spec in job.slices for part in spec.columns}
    kept = [rows.column(name) for name in sorted(sliced) if name in rows.names]
    listed = [f"{on[0]} AS k", *(f"{column.ref} AS s{index}" for index, column in enumerate(kept))]
    relation = f"({sql.select(listed, rows.relation)}) AS e JOIN ({own}) AS p USING (k)"
    matched = sql.first_row(connection, sql.select("count(*), count(DISTINCT k)", relation))
    if matched != (rows.rows, rows.rows) or table.rows != rows.rows:
        return alone, False
    columns = {pair.log: replace(table.column(pair.reference), ref=f"p{index}") for index, pair in enumerate(job.pairs)}
    columns |= {column.name: replace(column, ref=f"s{index}") for index, column in enumerate(kept)}
    return NamedRelation(relation, columns, job.predictions), True


def _matching(
    connection: duckdb.DuckDBPyConnection, job: ProductionJob, rows: Table, table: Table
) -> tuple[str, str] | None:
    """Return SQL for what rows are matched by on both sides: the key, or the position; ``None`` without a way."""
    if job.key is None:
        return rows.row_number, table.row_number
    if job.key not in rows.names or job.key not in table.names:
        return None
    problems = ProblemCollector()
    cells = [ColumnCells(CellLocation(connection, one, None), one.column(job.key)) for one in (rows, table)]
    mine, theirs = read_alike(cells, "key", problems)
    kind = kind_of([mine, theirs])
    return comparable(mine, kind), comparable(theirs, kind)


def _renamed(table: Table, pairs: Sequence[PredictionColumnPair], key: str) -> str:
    cells = [f"{table.column(pair.reference).ref} AS p{index}" for index, pair in enumerate(pairs)]
    return sql.select([f"{key} AS k", *cells], table.relation)
