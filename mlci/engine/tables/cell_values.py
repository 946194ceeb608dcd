"""Values of cells, independent of the file format: 1, 1.0 and a CSV's ``1`` are one value, ``007`` is a text."""

import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

NULL_GROUP = "(null)"
SEPARATOR = " × "
"""Separator of the names in a crossed group."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
TRUTH = tuple(_TRUTH)
"""Texts that are booleans."""
_EXACT = 2**53
_FLOAT_DIGITS = 15
"""Digits up to which every decimal is a distinct float64."""

Value = float | str | bool | int | Decimal | None


def parse_cell(value: Any) -> Value:  # noqa: ANN401 - any value of a table or a configuration
    """Return the value of a cell: a number, a boolean, a text, or ``None`` for null and NaN.

    A text is a number only if it is valid as a JSON number (no leading zeros, no spaces, no ``NaN``) and a float64 is
    near it. Numbers that are not the text of a float64 stay exact: integers of any size, decimals of many digits.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else as_number(value)
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, Decimal):
        return _parse_text(format(value, "f"))
    return str(value)


def as_number(value: float) -> int | float:
    """Return an integral float as an integer, so that 1.0 and 1 are equal and print alike."""
    return int(value) if math.isfinite(value) and value == int(value) else value


def _parse_text(value: str) -> Value:
    if value in _TRUTH:
        return _TRUTH[value]
    if not _NUMBER.fullmatch(value):
        return value
    near = float(value)
    if math.isinf(near) or (near == 0 and re.search("[1-9]", re.split("[eE]", value)[0])):
        return value
    if value.lstrip("-").isdigit():
        return int(value)
    return as_number(near) if "e" in value.lower() else _decimal(value, near)


def _decimal(text: str, near: float) -> Value:
    """Return a decimal without an exponent: as its float64 if that has the same digits, or exactly."""
    if len(text.replace(".", "").lstrip("-0")) <= _FLOAT_DIGITS and abs(near) < _EXACT:
        return as_number(near)
    value = Decimal(text)
    if value == value.to_integral_value():
        return int(value)
    places = len(text.partition(".")[2])
    if value == Decimal(repr(near)) or f"{near:.{places}f}" == text:
        return as_number(near)
    return Decimal(text.rstrip("0"))


def cell_text(value: Value) -> str:
    """Return the text form of a parsed value: ``1`` for 1.0, ``true``, the shortest digits of a float."""
    if value is None:
        return NULL_GROUP
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, int) else repr(value)


def find_same(texts: Iterable[str]) -> tuple[str, str] | None:
    """Return two texts of one value, such as ``1`` and ``1.0``; ``None`` if all values are different."""
    first: dict[str, str] = {}
    for text in texts:
        other = first.setdefault(cell_text(parse_cell(text)), text)
        if other != text:
            return other, text
    return None


def sort_key(value: Value) -> tuple[int, float | int | Decimal, str]:
    """Sort key: numbers and booleans by value, then texts by code point, null last."""
    if value is None:
        return (2, 0, "")
    if isinstance(value, str):
        return (1, 0, value)
    return (0, value, "")


def round_cell(value: Any) -> Value:  # noqa: ANN401 - as above
    """Return the value of a cell, with a decimal of many digits as the nearest float64."""
    parsed = parse_cell(value)
    return as_number(float(value)) if isinstance(parsed, Decimal) or _has_lost(value, parsed) else parsed


def _has_lost(value: object, parsed: Value) -> bool:
    return isinstance(value, str) and "." in value and isinstance(parsed, int) and not is_exact(parsed)


def unify_types(values: Iterable[Any], reading: Callable[[Any], Value] = parse_cell) -> dict[Any, Value]:
    """Map the distinct raw values of one column to their values.

    A column of texts is read as numbers (or booleans) only if all of them are; one that mixes ``1`` and ``n/a`` stays
    text, so that no result depends on the first rows.
    """
    raw = list(values)
    parsed = {value: reading(value) for value in raw}
    kinds = {_kind(value) for value in parsed.values() if value is not None}
    if len(kinds) <= 1:
        return parsed
    return {value: value if value is None or isinstance(value, str) else cell_text(parsed[value]) for value in raw}


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "truth"
    return "text" if isinstance(value, str) else "number"


def group_name(value: Value) -> str:
    """Return a group's name, different from every other one in its column and in crossings with it.

    A text is quoted, and its quotes are doubled, if it would read as null, as empty, as a quoted text, or as
    several names joined by :data:`SEPARATOR` (also together with the separator before or after it).
    """
    if not isinstance(value, str):
        return cell_text(value)
    ambiguous = value in (NULL_GROUP, "") or value.startswith('"') or SEPARATOR in f" {value} "
    return '"' + value.replace('"', '""') + '"' if ambiguous else value


def is_exact(value: float) -> bool:
    """Return whether every integer up to ``value`` is a distinct float64."""
    return abs(value) <= _EXACT
