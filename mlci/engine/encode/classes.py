"""Classes of a task: their values in the evaluation set, the positive one, and their survey before a run."""

import difflib
from collections.abc import Iterable
from decimal import Decimal

from mlci.engine import sql
from mlci.engine.encode.binder import BoundJob
from mlci.engine.encode.dictionary import code_column
from mlci.engine.interface import Survey
from mlci.engine.tables import cell_values
from mlci.engine.tables.cell_values import Value
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.files import suffix_of
from mlci.engine.tables.labelled_tables import open_table
from mlci.errors import InputError, Problem, shorten_cell, yaml_value
from mlci.metrics.row_metrics import Scalar

_TRUE = {"1", "true"}
_FALSE = {"0", "false", "-1"}
_OPPOSITE = {"1": "0", "0": "1", "true": "false", "false": "true"}
_ALIAS = {"true": "1", "1": "true", "false": "0", "0": "false"}
_SETTING = ("evaluation", "positive")
_YES = frozenset({"1", "true", "t", "yes", "y", "positive", "pos"})
"""Usual names of the positive class."""


def binary_classes(
    label: tuple[Value, ...],
    decided: tuple[Value, ...],
    *,
    positive: object,
    classes: tuple[object, ...] | None,
    path: str,
    column: str,
) -> tuple[str, str]:
    """Return the names (negative, positive).

    Args:
        label: Distinct labels.
        decided: Distinct decisions of all models, for the name of the negative class if all labels are positive.
        positive: The positive value as configured; ``None`` means 1 or true.
        classes: Labels that may occur, as configured.
        path: The evaluation set, for errors.
        column: The label column, for errors.

    Raises:
        InputError: if there are more than two labels, or none of them can be the positive one.
    """
    seen = [cell_values.cell_text(value) for value in label]
    allowed = [cell_values.cell_text(cell_values.parse_cell(value)) for value in classes or ()]
    labels = list(dict.fromkeys([*seen, *allowed]))
    if len(labels) > 2:
        listed = ", ".join(map(_quote, labels[:6]))
        raise InputError(Problem(f"label {column!r} has {len(labels)} values ({listed}); a binary task has two", path))
    wanted = None if positive is None else cell_values.cell_text(cell_values.parse_cell(positive))
    chosen = _positive(labels, wanted, path, column)
    others = [value for value in labels if value != chosen] or [
        value
        for value in (cell_values.cell_text(item) for item in decided)
        if value != chosen and _ALIAS.get(value) != chosen
    ]
    return (others[0] if others else _OPPOSITE.get(chosen, f"not {chosen}")), chosen


def check_positive(labels: tuple[str, ...], *, positive: object, path: str, column: str) -> None:
    """Check that the labels determine the positive class.

    Raises:
        InputError: if they are ambiguous, at the entry ``evaluation.positive``.
    """
    _positive(
        list(labels),
        None if positive is None else cell_values.cell_text(cell_values.parse_cell(positive)),
        path,
        column,
    )


def _quote(name: str) -> str:
    return repr(shorten_cell(name))


def _positive(labels: list[str], wanted: str | None, path: str, column: str) -> str:
    if wanted is None:
        chosen = next((value for value in labels if value in _TRUE), None)
        if any(value not in _TRUE | _FALSE for value in labels):
            chosen = None  # of 1 and 2 many tools take 2, and scores of the other class pass every gate
        if chosen is None and len(labels) == 1 and labels[0] in _OPPOSITE:
            return _OPPOSITE[labels[0]]
        if chosen is None:
            named = f"has {_list_labels(labels)} as labels in {column!r}"
            message = f"{named}; name the positive one under `evaluation`: {_lines(None, labels)}"
            raise InputError(Problem(message, path, setting=_SETTING))
        return chosen
    alias = _ALIAS.get(wanted)
    if wanted not in labels and alias in labels:
        return str(alias)
    if wanted not in labels and _excludes(labels, wanted):
        named = f"has {_list_labels(labels)} as labels in {column!r}, never {_quote(wanted)}"
        message = f"{named}; write {_lines(wanted, labels)}"
        raise InputError(Problem(message, path, setting=_SETTING))
    return wanted


def _excludes(labels: list[str], wanted: str) -> bool:
    """Return whether labels exclude a positive class of that name.

    A single label may be the negative one, unless it is another spelling of the positive one.
    """
    if len(labels) != 1:
        return len(labels) == 2
    negative = labels[0] in _OPPOSITE and wanted not in _OPPOSITE
    return negative or labels[0].strip().casefold() == wanted.strip().casefold()


def _list_labels(labels: list[str]) -> str:
    return " and ".join(map(_quote, labels))


def _lines(wanted: str | None, labels: list[str]) -> str:
    """Return the line that names the positive class, or one for each label if none is more likely."""
    likely = _likeliest(wanted, labels)
    return " or ".join(f"`positive: {yaml_value(name)}`" for name in ([likely] if likely else labels))


def _likeliest(wanted: str | None, labels: list[str]) -> str | None:
    """Return the label that was probably meant; ``None`` if none is more likely than another."""
    plain = {name.strip().casefold(): name for name in labels}
    word = (wanted or "yes").strip().casefold()
    if word in plain or len(labels) == 1:
        return plain.get(word, labels[0])
    names = _YES & plain.keys() if word in _YES else set()
    close = [*names, *(difflib.get_close_matches(word, plain, n=1) if wanted else [])]
    return plain[close[0]] if close else None


def multiclass_classes(label: tuple[Value, ...], classes: tuple[object, ...] | None) -> tuple[str, ...]:
    """Return the names of all classes, numbers by value and texts by code point."""
    values = {cell_values.parse_cell(value) for value in classes} if classes is not None else set(label)
    return tuple(dict.fromkeys(cell_values.cell_text(value) for value in sorted(values, key=cell_values.sort_key)))


def tie_order(names: Iterable[str], classes: tuple[object, ...] | None) -> tuple[str, ...]:
    """Return names of classes in the order in which equal probabilities are decided: the first one counts.

    Args:
        names: Names of the classes.
        classes: Labels that may occur, as configured, in their order; ``None`` sorts numbers by value and texts by code
            point.
    """
    first = [] if classes is None else [cell_values.cell_text(cell_values.parse_cell(value)) for value in classes]
    known = {cell_values.cell_text(cell_values.parse_cell(name)): name for name in names}
    rest = sorted(known, key=lambda name: cell_values.sort_key(cell_values.parse_cell(name)))
    return tuple(known[name] for name in dict.fromkeys([*first, *rest]) if name in known)


def class_lookup(values: tuple[Value, ...], classes: tuple[str, ...]) -> list[int | None]:
    """Return the class of each value, ``None`` for an unknown one; true is 1 and false is 0 if classes are named so."""
    index = {name: code for code, name in enumerate(classes)}
    return [_find(index, cell_values.cell_text(value)) for value in values]


def _find(index: dict[str, int], name: str) -> int | None:
    return index[name] if name in index else index.get(_ALIAS.get(name, ""))


_TEXT_FILES = frozenset({".csv", ".tsv", ".csv.gz", ".tsv.gz"})
_MOST = 10_000


def read_class_values(bound: BoundJob, classes: tuple[str, ...]) -> tuple[Scalar, ...]:
    """Return the value of each class in the label column's own type.

    A CSV's cells are numbers or booleans if all classes are, and floats if one cell has a point or an exponent, as data
    frames read them. All values have one type (integers and floats count as one); if that is impossible, all are texts.
    """
    column = bound.label
    if column.is_text and suffix_of(bound.job.data) not in _TEXT_FILES:
        spelled = _class_spellings(bound, column)
        return tuple(spelled.get(name, name) for name in classes)
    values = [_typed_value(name, column) for name in classes]
    kinds = {type(value) for value in values}
    if kinds == {int} and column.is_text and _has_points(bound, column):
        return tuple(float(value) for value in values)
    if len(kinds) <= 1:
        return tuple(values)
    return tuple(float(value) for value in values) if kinds == {int, float} else classes


def _has_points(bound: BoundJob, column: TableColumn) -> bool:
    """Return whether a number in a column of texts is written with a point or an exponent: ``1.0`` or ``1e0``."""
    return sql.file_exists(bound.connection, bound.table.relation, f"regexp_matches({column.ref}, '[.eE]')")


def _typed_value(name: str, column: TableColumn) -> Scalar:
    """Return the value of a class; whole numbers are floats if the file has floats."""
    parsed = cell_values.parse_cell(name)
    if parsed is None:
        return name
    parsed = float(parsed) if isinstance(parsed, Decimal) else parsed
    if column.type == "BOOLEAN":
        return {1: True, 0: False}.get(parsed, name) if isinstance(parsed, int) else name
    whole = column.is_integer or not column.is_number
    return float(parsed) if isinstance(parsed, int) and not isinstance(parsed, bool) and not whole else parsed


def _class_spellings(bound: BoundJob, column: TableColumn) -> dict[str, str]:
    """Return each class's text in a column of texts: ``1.0`` and ``True``, not ``1`` and ``true``."""
    query = sql.select(f"DISTINCT {column.ref}", bound.table.relation, where=f"{column.ref} IS NOT NULL", limit=_MOST)
    raw = sorted(str(row[0]) for row in bound.connection.execute(query).fetchall())
    return {cell_values.cell_text(meant): text for text, meant in reversed(cell_values.unify_types(raw).items())}


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
    return Survey(table.names, multiclass_classes(coded.values, None) if coded.whole else None)
