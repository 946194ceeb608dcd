"""Join of a job's tables by key: the evaluation set's index, and the error for rows without a partner."""

from mlci.engine.encode.binder import BoundJob, BoundPredictions
from mlci.engine.join import keys
from mlci.engine.join.diagnostics import diagnose_unpaired
from mlci.engine.join.keys import Keyed
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table
from mlci.errors import InputError


def key_columns(bound: BoundJob, key: TableColumn) -> str:
    """SQL for the columns to fetch for matching by a table's key."""
    return keys.columns_sql(key, _kind(bound))


def index_keys(bound: BoundJob, fetched: dict[str, Array], *, threads: int | None) -> keys.KeyIndex:
    """Index the evaluation set's fetched keys, and check that they are present and unique.

    Raises:
        InputError: if a key is missing or repeated; the message names the rows.
    """
    found = keys.KeyIndex(fetched, threads=threads)
    if not found.unique:
        raise explain_unpaired(bound)
    fetched.pop("k0")
    return found


def explain_unpaired(bound: BoundJob) -> InputError:
    """Return the error for keys that do not match."""
    joined = [model for model in bound.models if bound.is_joined(model)]
    others = [(f"{model.role} prediction", _keyed(model.table, model.key)) for model in joined]
    return diagnose_unpaired(bound.connection, _keyed(bound.table, bound.key), others, _kind(bound))


def _kind(bound: BoundJob) -> keys.Kind:
    joined: list[BoundPredictions] = [model for model in bound.models if bound.is_joined(model)]
    columns = [bound.key, *(model.key for model in joined)]
    return keys.kind_of([column for column in columns if column is not None])


def _keyed(table: Table, column: TableColumn | None) -> Keyed:
    if column is None:
        raise AssertionError(table)  # only called with a key
    return Keyed(table, column)
