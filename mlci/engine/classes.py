"""Which classes a task has, and which of them counts as positive."""

from mlci.engine import values
from mlci.engine.values import Value
from mlci.engine.words import cut
from mlci.errors import InputError, Problem, yaml_value

_TRUE = {"1", "true"}
_FALSE = {"0", "false", "-1"}
_OPPOSITE = {"1": "0", "0": "1", "true": "false", "false": "true"}
_ALIAS = {"true": "1", "1": "true", "false": "0", "0": "false"}


def binary(
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
        decided: Distinct decisions of all models; they tell the negative's name where only positives are labelled.
        positive: The positive value as configured; ``None`` means 1 or true.
        classes: Labels that may occur, as configured.
        path: The evaluation set, for errors.
        column: The label column, for errors.

    Raises:
        InputError: More than two labels, or none that can be the positive one.
    """
    seen = [values.form(value) for value in label]
    allowed = [values.form(values.parse(value)) for value in classes or ()]
    known = list(dict.fromkeys([*seen, *allowed]))
    if len(known) > 2:
        listed = ", ".join(map(_quoted, known[:6]))
        raise InputError(Problem(f"label {column!r} has {len(known)} values ({listed}); a binary task has two", path))
    wanted = None if positive is None else values.form(values.parse(positive))
    chosen = _positive(known, wanted, path, column)
    others = [value for value in known if value != chosen] or [
        value for value in (values.form(item) for item in decided) if value != chosen and _ALIAS.get(value) != chosen
    ]
    return (others[0] if others else _OPPOSITE.get(chosen, f"not {chosen}")), chosen


def assumed(classes: tuple[str, ...], *, positive: object) -> str | None:
    """Say which of a binary task's classes was taken for positive where neither configuration nor custom tells.

    Args:
        classes: Names (negative, positive).
        positive: The positive value as configured; ``None`` if it isn't.
    """
    if positive is not None or classes[0] in _FALSE or classes[0] == f"not {classes[1]}":
        return None
    parsed = sorted(map(values.parse, classes), key=values.order)
    shown = " and ".join(repr(value) if isinstance(value, str) else values.form(value) for value in parsed)
    return f"label values are {shown}; {classes[1]} counts as positive: set evaluation.positive to say otherwise"


def _quoted(name: str) -> str:
    return repr(cut(name))


def _positive(known: list[str], wanted: str | None, path: str, column: str) -> str:
    if wanted is None:
        chosen = next((value for value in known if value in _TRUE), None)
        if chosen is None and len(known) == 1 and known[0] in _OPPOSITE:
            return _OPPOSITE[known[0]]
        if chosen is None:
            listed = " and ".join(map(_quoted, known))
            remedy = f"evaluation.positive: {yaml_value(known[-1])}"
            said = f"label {column!r} is {listed}; say which one is positive: {remedy}"
            raise InputError(Problem(said, path))
        return chosen
    alias = _ALIAS.get(wanted)
    if wanted not in known and alias in known:
        return str(alias)
    if wanted not in known and len(known) == 2:
        listed = " and ".join(map(_quoted, known))
        raise InputError(Problem(f"evaluation.positive is {wanted!r}, but label {column!r} is {listed}", path))
    if wanted not in known and len(known) == 1 and known[0] in _OPPOSITE and wanted not in _OPPOSITE:
        raise InputError(
            Problem(f"evaluation.positive is {wanted!r}, but label {column!r} is always {_quoted(known[0])}", path)
        )
    return wanted


def multiclass(label: tuple[Value, ...], classes: tuple[object, ...] | None) -> tuple[str, ...]:
    """Return the names of all classes, numbers by value and texts by code point."""
    meant = {values.parse(value) for value in classes} if classes is not None else set(label)
    return tuple(dict.fromkeys(values.form(value) for value in sorted(meant, key=values.order)))


def lookup(found: tuple[Value, ...], classes: tuple[str, ...]) -> list[int | None]:
    """Return the class of each value, ``None`` for one outside; true is 1 and false is 0 where classes are so named."""
    index = {name: code for code, name in enumerate(classes)}
    return [_find(index, values.form(value)) for value in found]


def _find(index: dict[str, int], name: str) -> int | None:
    return index[name] if name in index else index.get(_ALIAS.get(name, ""))
