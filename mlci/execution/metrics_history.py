"""Histories of a training in a metrics file: one entry for each epoch, of which one is judged.

A history is a list of objects that number their epoch or step (``[{"epoch": 1, "val_auc": 0.8}, …]``), as the whole
file or under a name, or an object of lists of the same length with a loss (Keras's ``history.history``). The last value
of each name is used; or the entry that the object around it names by ``best_epoch``, ``best_step`` or
``best_iteration``.
"""

from collections.abc import Mapping
from typing import Any

COUNTERS = frozenset({"epoch", "step", "iteration", "global_step"})
"""Names that number the entries of a history."""
_OF_OTHER_TOOLS = "log_history"
_MOST_DEEP = 3


def choose_entries(tree: object) -> tuple[object, tuple[str, ...]]:
    """Return a metrics file's tree with one entry in place of each history, and what was assumed in words."""
    assumed: list[str] = []
    return _chosen(tree, "", {}, assumed, depth=0), tuple(assumed)


def _chosen(value: object, name: str, around: Mapping[Any, Any], assumed: list[str], *, depth: int) -> object:
    if isinstance(value, list) and (counter := _counter(value)) is not None:
        return _entry(value, counter, name, around, assumed)
    if isinstance(value, Mapping) and (length := _length_of_lists(value)):
        assumed.append(f"{_where(name)}lists of {length:,} values, one for each epoch; the last of each is judged")
        return {key: numbers[-1] for key, numbers in value.items()}
    if isinstance(value, Mapping) and depth < _MOST_DEEP:
        return {
            key: inner if key == _OF_OTHER_TOOLS else _chosen(inner, str(key), value, assumed, depth=depth + 1)
            for key, inner in value.items()
        }
    return value


def _counter(entries: list[object]) -> str | None:
    """Return the name by which all entries of a list number their epoch; ``None`` if it is not a history."""
    for name in sorted(COUNTERS):
        if entries and all(isinstance(entry, Mapping) and _is_number(entry.get(name)) for entry in entries):
            return name
    return None


def _entry(
    entries: list[Any], counter: str, name: str, around: Mapping[Any, Any], assumed: list[str]
) -> Mapping[Any, Any]:
    """Return the best entry if the object around the history names it; else the last one."""
    named = f"best_{'step' if counter == 'global_step' else counter}"
    best = next((entry for entry in entries if _is_number(around.get(named)) and entry[counter] == around[named]), None)
    if best is None:
        last = {key: number for entry in entries for key, number in entry.items()}
        same = all(set(entry) == set(last) for entry in entries)
        why, chosen = "the last one" if same else "the last value of each name", last
    else:
        why, chosen = f"the one that `{named}` names", best
    shown = f"{chosen[counter]:g}"
    entries_of = "1 entry" if len(entries) == 1 else f"{len(entries):,} entries"
    assumed.append(f"{_where(name)}{entries_of} by {counter}; {why}, {counter} {shown}, is judged")
    return {key: number for key, number in chosen.items() if key not in COUNTERS}


def _length_of_lists(value: Mapping[Any, Any]) -> int:
    """Return the number of epochs of an object of lists, one of which is a loss; 0 if it is not a history."""
    lists = list(value.values())
    if len(lists) < 2 or not all(isinstance(one, list) and one and all(map(_is_number, one)) for one in lists):
        return 0
    lengths = {len(one) for one in lists}
    with_loss = any(str(key).rpartition("_")[2] == "loss" for key in value)
    return len(lists[0]) if len(lengths) == 1 and with_loss else 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _where(name: str) -> str:
    return f"“{name}” has " if name else "it has "
