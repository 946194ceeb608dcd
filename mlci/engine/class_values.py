"""Classes as the user wrote them: numbers, truth values and texts of the label column, for functions of rows."""

from decimal import Decimal

from mlci.engine import sql, values
from mlci.engine.bind import Bound
from mlci.engine.columns import Column
from mlci.engine.files import suffix_of
from mlci.metrics.row_metrics import Scalar

_TEXT_FILES = frozenset({".csv", ".tsv", ".csv.gz", ".tsv.gz"})
_MOST = 10_000


def read_class_values(bound: Bound, classes: tuple[str, ...]) -> tuple[Scalar, ...]:
    """Return the value of each class in the label column's own type.

    A CSV's cells are numbers or truth values if all classes are, and floats if one cell has a point or an exponent, as
    data frames read them. All values have one type (whole and broken numbers count as one); if that can't be, all are
    texts.
    """
    column = bound.label
    if column.is_text and suffix_of(bound.job.data) not in _TEXT_FILES:
        spelled = _spelled(bound, column)
        return tuple(spelled.get(name, name) for name in classes)
    found = [_typed(name, column) for name in classes]
    kinds = {type(value) for value in found}
    if kinds == {int} and column.is_text and _has_points(bound, column):
        return tuple(float(value) for value in found)
    if len(kinds) <= 1:
        return tuple(found)
    return tuple(float(value) for value in found) if kinds == {int, float} else classes


def _has_points(bound: Bound, column: Column) -> bool:
    """Tell whether a number in a column of texts is written with a point or an exponent: ``1.0`` or ``1e0``."""
    return sql.exists(bound.connection, bound.table.relation, f"regexp_matches({column.ref}, '[.eE]')")


def _typed(name: str, column: Column) -> Scalar:
    """Return the value of a class; whole numbers are floats if the file has floats."""
    parsed = values.parse(name)
    if parsed is None:
        return name
    parsed = float(parsed) if isinstance(parsed, Decimal) else parsed
    if column.type == "BOOLEAN":
        return {1: True, 0: False}.get(parsed, name) if isinstance(parsed, int) else name
    whole = column.is_integer or not column.is_number
    return float(parsed) if isinstance(parsed, int) and not isinstance(parsed, bool) and not whole else parsed


def _spelled(bound: Bound, column: Column) -> dict[str, str]:
    """Return each class's text as it stands in a column of texts: ``1.0`` and ``True``, not ``1`` and ``true``."""
    query = sql.select(f"DISTINCT {column.ref}", bound.table.relation, where=f"{column.ref} IS NOT NULL", limit=_MOST)
    raw = sorted(str(row[0]) for row in bound.connection.execute(query).fetchall())
    return {values.form(meant): text for text, meant in reversed(values.unify(raw).items())}
