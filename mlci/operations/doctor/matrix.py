"""Matrix of a workflow job: its combinations of values, as GitHub forms them, and expressions filled with them."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

_VALUE = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")
_MOST = 256
"""Jobs that GitHub starts of one matrix."""
Combination = Mapping[str, Any]


def combinations(strategy: object) -> list[Combination] | None:
    """Return the combinations of a job's ``strategy``: one without values if it has no matrix.

    ``None`` if an expression computes a part of the matrix.
    """
    matrix = strategy.get("matrix") if isinstance(strategy, Mapping) else {}
    if not isinstance(matrix, Mapping):
        return None
    lists = {key: values for key, values in matrix.items() if key not in {"include", "exclude"}}
    include, exclude = matrix.get("include", []), matrix.get("exclude", [])
    if not all(isinstance(part, list) for part in (*lists.values(), include, exclude)):
        return None
    if not all(isinstance(entry, dict) for entry in (*include, *exclude)):
        return None
    product = itertools.islice(itertools.product(*lists.values()), _MOST)
    found = [dict(zip(lists, values, strict=True)) for values in product] if lists else []
    found = [one for one in found if not any(entry.items() <= one.items() for entry in exclude)]
    return _with_included(found, include, set(lists)) or [{}]


def _with_included(found: list[dict[str, Any]], include: list[dict[str, Any]], keys: set[str]) -> list[Combination]:
    """Add each entry of ``include`` to the combinations whose own values it keeps, or else as a new combination."""
    fitting: list[tuple[dict[str, Any], dict[str, Any]]] = [(one, {}) for one in found]
    extra: list[Combination] = []
    for entry in include:
        own = {key: value for key, value in entry.items() if key in keys}
        same = [added for one, added in fitting if own.items() <= one.items()]
        for added in same:
            added.update(entry)
        if not same:
            extra.append(entry)
    return [*({**one, **added} for one, added in fitting), *extra]


def fill(text: str, values: Combination | None) -> str:
    """Return a text with the values of a matrix in place of its expressions; other expressions stay."""
    return text if values is None else _VALUE.sub(lambda found: str(values.get(found[1], "")), text)
