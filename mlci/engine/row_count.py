"""Number of rows of an evaluation set, without the labels in another file."""

from mlci.engine import sql
from mlci.engine.tables.labelled_tables import open_features


def count_table_rows(path: str) -> int:
    """Return the rows of a table.

    Raises:
        InputError: if it can't be read, or has no rows.
    """
    with sql.session() as (connection, scratch), sql.reading(path):
        return open_features(connection, path, scratch).rows
