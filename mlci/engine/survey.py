"""Survey of an evaluation set before anything runs: its columns, and the classes of its label."""

import tempfile
from pathlib import Path

from mlci.engine import classes, sql
from mlci.engine.coding import code_column
from mlci.engine.interface import Survey
from mlci.engine.tables import open_table

_MOST_CLASSES = 1000


def survey(data: str, label: str) -> Survey:
    """Read the columns of an evaluation set and the classes of its label.

    Raises:
        InputError: if the file can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="mlci-", ignore_cleanup_errors=True) as scratch:
        connection = sql.connect(scratch=scratch)
        try:
            table = open_table(connection, data, Path(scratch))
            if label not in table.names:
                return Survey(table.names, None)
            with sql.reading(data):
                coded = code_column(connection, table, table.column(label), most=_MOST_CLASSES)
        finally:
            connection.close()
    return Survey(table.names, classes.multiclass(coded.values, None) if coded.whole else None)
