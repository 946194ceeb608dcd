"""A job's tables paired by key: the evaluation set's index, and what to say where rows don't pair off."""

from mlci.engine import keys
from mlci.engine.bind import Bound, Side
from mlci.engine.columns import Column
from mlci.engine.keys import Keyed
from mlci.engine.sql import Array
from mlci.engine.tables import Table
from mlci.engine.unpaired import diagnose
from mlci.errors import InputError


def key_columns(bound: Bound, key: Column) -> str:
    """SQL for the columns to fetch for matching by a table's key."""
    return keys.columns_sql(key, _kind(bound))


def index(bound: Bound, fetched: dict[str, Array], *, threads: int | None) -> keys.Index:
    """Take the evaluation set's keys out of what was fetched, and check that they are there and unique.

    Raises:
        InputError: They aren't; rows are named.
    """
    found = keys.Index(fetched, threads=threads)
    if not found.unique:
        raise unpaired(bound)
    fetched.pop("k0")
    return found


def unpaired(bound: Bound) -> InputError:
    """Return the error that says which keys don't pair off."""
    joined = [side for side in bound.sides if bound.joined(side)]
    others = [(f"{side.what} prediction", _keyed(side.table, side.key)) for side in joined]
    return diagnose(bound.connection, _keyed(bound.table, bound.key), others, _kind(bound))


def _kind(bound: Bound) -> keys.Kind:
    joined: list[Side] = [side for side in bound.sides if bound.joined(side)]
    columns = [bound.key, *(side.key for side in joined)]
    return keys.kind_of([column for column in columns if column is not None])


def _keyed(table: Table, column: Column | None) -> Keyed:
    if column is None:
        raise AssertionError(table)  # only asked for with a key
    return Keyed(table, column)
