"""Labels of an evaluation set as a Parquet file of their own, with the types of the table."""

from pathlib import Path

from mlci.engine import sql
from mlci.engine.tables.labelled_tables import open_table
from mlci.errors import InputError, Problem


def write_labels(data: str, key: str, label: str, target: Path) -> None:
    """Write key and label of an evaluation set, in the order of its rows.

    Args:
        data: Path of the evaluation set, with its labels.
        key: Column that rows are joined by.
        label: Column with the labels.
        target: File to write.

    Raises:
        InputError: if the table can't be read, or has no such column, a key twice, or a key or label that is null.
    """
    with sql.session() as (connection, scratch), sql.reading(data):
        table = open_table(connection, data, scratch)
        columns = [table.column(name) for name in (key, label)]
        for column in columns:
            if sql.file_exists(connection, table.relation, f"{column.ref} IS NULL"):
                raise InputError(Problem(f"{column.name!r} is null in some rows; remove them, or fill them", data))
        repeated = sql.select(columns[0].raw, table.relation, group_by=columns[0].raw, having="count(*) > 1", limit=1)
        if sql.first_row(connection, repeated) is not None:
            raise InputError(Problem(f"{key!r} has the same value in several rows; a key has to identify a row", data))
        cells = [f"{column.raw} AS {sql.quote_name(column.name)}" for column in columns]
        query = sql.select(cells, table.relation, order_by=table.row_number)
        connection.execute(f"COPY ({query}) TO {sql.quote_text(str(target))} (FORMAT parquet)")
