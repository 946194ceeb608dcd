"""What a cell means, whatever file it came from: 1, 1.0, and a CSV's ``1`` are one value, ``007`` is a text."""

import math
import re
from collections.abc import Iterable
from typing import Any

NULL_GROUP = "(null)"
SEPARATOR = " × "
"""Stands between the names of a crossed group."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_EXACT = 2**53

Value = float | str | bool | int | None


def parse(value: Any) -> Value:  # noqa: ANN401 - any value that a table or a configuration can hold
    """Return the value meant: a number, a truth value, a text, or ``None`` for null and NaN.

    A text is a number only where JSON would write that number (no leading zeros, no spaces, no ``NaN``).
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else number(value)
    if isinstance(value, str):
        return _parse_text(value)
    if hasattr(value, "as_tuple"):  # a DECIMAL
        return number(float(value))
    return str(value)


def number(value: float) -> int | float:
    """Return an integral float as an integer, so that 1.0 and 1 are equal and print alike."""
    return int(value) if math.isfinite(value) and value == int(value) else value


def _parse_text(value: str) -> Value:
    if value in _TRUTH:
        return _TRUTH[value]
    if not _NUMBER.fullmatch(value):
        return value
    if value.lstrip("-").isdigit():
        return int(value)
    return number(float(value))


def form(value: Value) -> str:
    """Return the text form of a parsed value: ``1`` for 1.0, ``true``, the shortest digits of a float."""
    if value is None:
        return NULL_GROUP
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else repr(value)


def order(value: Value) -> tuple[int, float | int, str]:
    """Sort key: numbers and truth values by value, then texts by code point, null last."""
    if value is None:
        return (2, 0, "")
    if isinstance(value, str):
        return (1, 0, value)
    return (0, value, "")


def unify(values: Iterable[Any]) -> dict[Any, Value]:
    """Map the distinct raw values of one column to what they mean.

    A column of texts is read as numbers (or truth values) only if all of them are; one that mixes ``1`` and ``n/a``
    stays text, so that nothing depends on which rows happen to be there first.
    """
    raw = list(values)
    parsed = {value: parse(value) for value in raw}
    kinds = {_kind(value) for value in parsed.values() if value is not None}
    if len(kinds) <= 1:
        return parsed
    return {value: value if value is None or isinstance(value, str) else form(parsed[value]) for value in raw}


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "truth"
    return "text" if isinstance(value, str) else "number"


def group(value: Value) -> str:
    """Return a group's name, told apart from every other's in its column and in crossings with it.

    A text is quoted, and the quotes in it doubled, where it would read as null, as nothing, as a quoted text, or as
    several names joined by :data:`SEPARATOR` (also together with the separator before or after it).
    """
    if not isinstance(value, str):
        return form(value)
    taken = value in (NULL_GROUP, "") or value.startswith('"') or SEPARATOR in f" {value} "
    return '"' + value.replace('"', '""') + '"' if taken else value


def exact(value: float) -> bool:
    """Tell whether every integer up to ``value`` is a float64 of its own."""
    return abs(value) <= _EXACT
