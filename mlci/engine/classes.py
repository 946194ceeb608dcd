"""Classes of a task, and the one that counts as positive."""

import difflib

from mlci.engine import values
from mlci.engine.values import Value
from mlci.engine.words import cut
from mlci.errors import InputError, Problem, yaml_value

_TRUE = {"1", "true"}
_FALSE = {"0", "false", "-1"}
_OPPOSITE = {"1": "0", "0": "1", "true": "false", "false": "true"}
_ALIAS = {"true": "1", "1": "true", "false": "0", "0": "false"}
_SETTING = ("evaluation", "positive")
_YES = frozenset({"1", "true", "t", "yes", "y", "positive", "pos"})
"""What the positive class is called where nothing else is meant by it."""


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


def check_positive(known: tuple[str, ...], *, positive: object, path: str, column: str) -> None:
    """Check that labels leave no doubt about the positive class.

    Raises:
        InputError: if they do, at the entry ``evaluation.positive``.
    """
    _positive(list(known), None if positive is None else values.form(values.parse(positive)), path, column)


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
            named = f"has {_listed(known)} as labels in {column!r}"
            said = f"{named}; name the positive one under `evaluation`: {_lines(None, known)}"
            raise InputError(Problem(said, path, setting=_SETTING))
        return chosen
    alias = _ALIAS.get(wanted)
    if wanted not in known and alias in known:
        return str(alias)
    if wanted not in known and _excludes(known, wanted):
        said = f"has {_listed(known)} as labels in {column!r}, never {_quoted(wanted)}; write {_lines(wanted, known)}"
        raise InputError(Problem(said, path, setting=_SETTING))
    return wanted


def _excludes(known: list[str], wanted: str) -> bool:
    """Tell whether labels leave no room for a positive class of that name.

    A single label may be the negative one, unless it is the positive one in another spelling.
    """
    if len(known) != 1:
        return len(known) == 2
    negative = known[0] in _OPPOSITE and wanted not in _OPPOSITE
    return negative or known[0].strip().casefold() == wanted.strip().casefold()


def _listed(known: list[str]) -> str:
    return " and ".join(map(_quoted, known))


def _lines(wanted: str | None, known: list[str]) -> str:
    """Return the line that names the positive class, or one for each label if none is likelier."""
    likely = _likeliest(wanted, known)
    return " or ".join(f"`positive: {yaml_value(name)}`" for name in ([likely] if likely else known))


def _likeliest(wanted: str | None, known: list[str]) -> str | None:
    """Return the label that was probably meant; ``None`` if no label is likelier than another."""
    plain = {name.strip().casefold(): name for name in known}
    word = (wanted or "yes").strip().casefold()
    if word in plain or len(known) == 1:
        return plain.get(word, known[0])
    names = _YES & plain.keys() if word in _YES else set()
    close = [*names, *(difflib.get_close_matches(word, plain, n=1) if wanted else [])]
    return plain[close[0]] if close else None


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
