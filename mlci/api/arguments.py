"""Checks of the arguments of ``mlci.compare``, before anything is read."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mlci.errors import InputError
from mlci.util.json_text import pretty_json

_GATE = '{"metric": "accuracy", "max_drop": 0.01}'


def check_arguments(
    *, texts: Mapping[str, object], lists: Mapping[str, object], mappings: Mapping[str, object]
) -> None:
    """Check the kinds of arguments by their names.

    Raises:
        InputError: if one is of another kind.
    """
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            instead = "; for true values outside of `data`, use labels=…" if name == "label" else ""
            raise InputError(f"{name} is a name, such as a column's, and {_kind(value)} was given{instead}")
    for name, value in lists.items():
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            example = f"gates=[{_GATE}]" if name == "gates" else f'{name}=["region"]'
            raise InputError(f"{name} is a list, and {_kind(value)} was given; for example {example}")
    for name, value in mappings.items():
        if value is not None and not isinstance(value, Mapping):
            raise InputError(f"{name} is a dict, as in mlci.yml, and {_kind(value)} was given")


def gate_entries(gates: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return gates as entries of the configuration.

    Raises:
        InputError: if one is not a mapping.
    """
    entries = list(gates)
    for number, gate in enumerate(entries, start=1):
        if not isinstance(gate, Mapping):
            raise InputError(f"gate {number} is a dict, and {_kind(gate)} was given; for example gates=[{_GATE}]")
    return [dict(gate) for gate in entries]


def json_document(document: Mapping[str, Any]) -> str:
    """Return a configuration as JSON; a NumPy number, such as one of an estimator's ``classes_``, is a number.

    Raises:
        InputError: if it has a value that JSON does not have.
    """
    try:
        return pretty_json(document, default=_python_value)
    except (TypeError, ValueError) as error:
        raise InputError(f"gates, slices and policy have texts, numbers, lists and dicts: {error}") from error


def _python_value(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} is none of them")


def _kind(value: object) -> str:
    return f"`{value!r}`" if value is None or isinstance(value, str | int | float) else f"a {type(value).__name__}"
