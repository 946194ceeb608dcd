"""Survey of an evaluation set before a run: its columns, and the classes of its label."""

from mlci.engine import sql
from mlci.engine.encode import classes
from mlci.engine.encode.dictionary import code_column
from mlci.engine.interface import Survey
from mlci.engine.tables.table import open_table

_MOST_CLASSES = 1000


def survey_table(data: str, label: str) -> Survey:
    """Read the columns of an evaluation set and the classes of its label.

    Raises:
        InputError: if the file can't be read.
    """
    with sql.session() as (connection, scratch):
        table = open_table(connection, data, scratch)
        if label not in table.names:
            return Survey(table.names, None)
        with sql.reading(data):
            coded = code_column(connection, table, table.column(label), most=_MOST_CLASSES)
    return Survey(table.names, classes.multiclass_classes(coded.values, None) if coded.whole else None)
