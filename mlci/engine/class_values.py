"""Classes as the user wrote them: numbers, truth values and texts of the label column, for functions of rows."""

from decimal import Decimal

from mlci.engine import sql, values
from mlci.engine.bind import Bound
from mlci.engine.columns import Column
from mlci.engine.files import PARQUET, suffix_of
from mlci.metrics.row_metrics import Scalar

_TEXT_FILES = frozenset({".csv", ".tsv", ".csv.gz", ".tsv.gz"})
_MOST = 10_000


def read_class_values(bound: Bound, classes: tuple[str, ...]) -> tuple[Scalar, ...]:
    """Return the value of each class in the label column's own type.

    A CSV's cells are numbers or truth values where all classes are, as data frames read them. All values have one type
    (whole and broken numbers count as one); where that can't be, all are texts.
    """
    column = bound.label
    if column.is_text and suffix_of(bound.job.data) not in _TEXT_FILES:
        spelled = _spelled(bound, column)
        return tuple(spelled.get(name, name) for name in classes)
    typed = suffix_of(bound.job.data) in PARQUET
    found = [_typed(name, column, typed=typed) for name in classes]
    kinds = {type(value) for value in found}
    if len(kinds) <= 1:
        return tuple(found)
    return tuple(float(value) for value in found) if kinds == {int, float} else classes


def _typed(name: str, column: Column, *, typed: bool) -> Scalar:
    """Return the value of a class; whole numbers are floats only where the file says so, which JSON can't."""
    parsed = values.parse(name)
    if parsed is None:
        return name
    parsed = float(parsed) if isinstance(parsed, Decimal) else parsed
    if column.type == "BOOLEAN":
        return {1: True, 0: False}.get(parsed, name) if isinstance(parsed, int) else name
    whole = column.is_integer or not column.is_number or not typed
    return float(parsed) if isinstance(parsed, int) and not isinstance(parsed, bool) and not whole else parsed


def _spelled(bound: Bound, column: Column) -> dict[str, str]:
    """Return each class's text as it stands in a column of texts: ``1.0`` and ``True``, not ``1`` and ``true``."""
    query = sql.select(f"DISTINCT {column.ref}", bound.table.relation, where=f"{column.ref} IS NOT NULL", limit=_MOST)
    raw = sorted(str(row[0]) for row in bound.connection.execute(query).fetchall())
    return {values.form(meant): text for text, meant in reversed(values.unify(raw).items())}
