"""Whether what was read back has the form that it was written with: field by field, as the dataclasses declare."""

import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from mlci.inference.evidence import Evidence

LARGEST = 2**63
"""No count is larger, and a float holds anything below."""


def misfit(kind: type[Any], parts: Mapping[str, Any]) -> str | None:
    """Return the first field of ``kind`` whose value is of another type than declared; ``None`` if all fit."""
    hints = _hints(typing.cast("Hashable", kind))
    return next((name for name, value in parts.items() if name in hints and not _fits(value, hints[name])), None)


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _fits(value: object, hint: Any) -> bool:  # noqa: ANN401 (any annotation)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return any(_fits(value, part) for part in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, inner[0]) for item in value)
    if origin is not None:
        return isinstance(value, Mapping) and all(isinstance(key, str) and _fits(value[key], inner[1]) for key in value)
    return _plainly_fits(value, hint)


def _plainly_fits(value: object, hint: type[Any]) -> bool:
    if hint is Evidence:
        return is_dataclass(value) and hasattr(value, "interval")
    if issubclass(hint, StrEnum):
        return isinstance(value, str) and value in set(hint)
    if hint in {float, int}:
        if isinstance(value, float):
            return hint is float
        return isinstance(value, int) and not isinstance(value, bool) and -LARGEST < value < LARGEST
    return isinstance(value, hint)
