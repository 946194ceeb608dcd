"""Comparison of two origins: code, evaluation set, training data, configuration, environment, model. Pure."""

import hashlib
import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from mlci.lineage.origin import ChangedFiles, How, Kind, Origin, OriginItem, Row
from mlci.lineage.rows import is_recorded

MOST = 50
"""Most items of a row."""
Pair = tuple[str | None, str | None]
_LONGEST = 200
_POINTERS = (".dvc", "dvc.lock")


def compare_origins(before: Origin, after: Origin, files: ChangedFiles | None) -> tuple[Row, ...]:
    """Return one row for each of the six kinds, always in the same order.

    Args:
        before: Origin of the baseline.
        after: Origin of the candidate.
        files: Differences between both commits, by git; ``None`` if they are not known.
    """
    return (
        _code(before, after, files),
        _evaluation(before, after),
        _data(before, after),
        _configuration(before, after),
        _environment(before, after),
        _digests("model", (before.model, after.model), "not both left a model"),
    )


def differing_settings(before: Mapping[str, str], after: Mapping[str, str], *, shown: bool = True) -> list[OriginItem]:
    """Return added, removed and changed entries of two mappings, by name; values only if ``shown``."""
    items = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            how: How = "added" if old is None else "removed" if new is None else "changed"
            values = (_short(old), _short(new)) if shown else (None, None)
            items.append(OriginItem(name=_short(name) or "", how=how, before=values[0], after=values[1]))
    return items


def _code(before: Origin, after: Origin, files: ChangedFiles | None) -> Row:
    """Compare commits, without the files that belong to another row."""
    pair = (before.commit, after.commit)
    if before.commit is None or after.commit is None:
        whose = "baseline" if before.commit is None else "candidate"
        return _row("code", pair, None, f"the {whose} is from outside of git")
    if before.dirty or after.dirty:
        whose = "baseline" if before.dirty else "candidate"
        known = None if before.dirty and before.commit == after.commit else True
        return _row("code", pair, known, f"the {whose} had uncommitted changes", _own_changes(after, files))
    if before.commit == after.commit:
        return _row("code", pair, False)
    if files is None:
        why = "which files is not known: the baseline's commit is not in this clone"
        return _row("code", pair, True, why)
    items = _own_changes(after, files)
    return _row("code", pair, bool(items), None if items else "other commits, the same code", items)


def _own_changes(after: Origin, files: ChangedFiles | None) -> list[OriginItem]:
    elsewhere, rows = {after.config_path, *after.locks, *after.pointers}, _rows(after)
    return [
        OriginItem(name=name, how=how)
        for name, how in sorted((files.names if files else {}).items())
        if name not in elsewhere and not name.endswith(_POINTERS) and not fnmatchcase(name, rows)
    ]


def _rows(origin: Origin) -> str:
    """Return the pattern of the evaluation set's files, from the top of the repository; empty if there are none."""
    evaluation = (origin.settings or {}).get("evaluation")
    data = evaluation.get("data") if isinstance(evaluation, Mapping) else None
    home = posixpath.dirname(origin.config_path or "")
    return posixpath.normpath(posixpath.join(home, str(data))) if data is not None else ""


def _evaluation(before: Origin, after: Origin) -> Row:
    same = is_recorded(before.fingerprint, after.fingerprint)
    return _digests(
        "evaluation", (after.fingerprint if same else before.fingerprint, after.fingerprint), "not known of both"
    )


def _digests(kind: Kind, pair: Pair, why: str) -> Row:
    """Compare two digests; ``why`` is the reason if one is missing."""
    known = None not in pair
    return _row(kind, pair, pair[0] != pair[1] if known else None, None if known else why)


def _data(before: Origin, after: Origin) -> Row:
    pointers = (before.pointers, after.pointers)
    if not any(pointers):
        return _row("data", (None, None), None, "no DVC or LFS pointers name it")
    items = differing_settings(*pointers)
    return _row("data", (_digest(pointers[0]), _digest(pointers[1])), bool(items), None, items)


def _configuration(before: Origin, after: Origin) -> Row:
    pair = (before.config, after.config)
    if before.config == after.config:
        return _row("configuration", pair, False)
    if before.settings is None or after.settings is None:
        why = "which keys is not known: one of them was written for another version of mlci"
        return _row("configuration", pair, True, why)
    items = differing_settings(flatten_settings(before.settings), flatten_settings(after.settings))
    return _row("configuration", pair, bool(items), None if items else "written differently, the same settings", items)


def _environment(before: Origin, after: Origin) -> Row:
    """Compare versions, lock files, and packages: those of lock files, or else those installed beside mlci."""
    locked = before.packages is not None and after.packages is not None
    unlocked = not before.locks and not after.locks
    reason, packages = None, (before.packages or {}, after.packages or {})
    if unlocked:
        reason, packages = "no lock files: packages are those beside mlci", (before.installed, after.installed)
    elif not locked:
        reason, packages = "which packages is not known: not both have a lock file that can be read", ({}, {})
    versions = (_versions(before), _versions(after))
    items = [
        *differing_settings(*versions),
        *differing_settings(before.locks, after.locks, shown=False),
        *(item for item in differing_settings(*packages) if item.name != "mlci"),
    ]
    ends = [
        _digest({**versions[end], **{f"file {name}": digest for name, digest in origin.locks.items()}, **packages[end]})
        for end, origin in enumerate((before, after))
    ]
    return _row("environment", (ends[0], ends[1]), bool(items), reason, items)


def _versions(origin: Origin) -> dict[str, str]:
    return {name: value for name, value in (("Python", origin.python), ("mlci", origin.mlci)) if value is not None}


def _row(
    kind: Kind, pair: Pair, changed: bool | None, reason: str | None = None, items: Iterable[OriginItem] = ()
) -> Row:
    listed = tuple(items)
    return Row(
        kind=kind,
        before=pair[0],
        after=pair[1],
        changed=changed,
        reason=reason,
        items=listed[:MOST],
        more=max(0, len(listed) - MOST),
    )


def _digest(mapping: Mapping[str, str]) -> str:
    return "sha256:" + hashlib.sha256(json.dumps(sorted(mapping.items())).encode()).hexdigest()


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


_GATES = "gates"
_SCOPE = ("each", "across")


def flatten_settings(settings: Mapping[str, object]) -> dict[str, str]:
    """Return every setting by its path: ``predict.threshold``, ``gates[recall, each: region].max_drop``.

    Gates are named by metric and scope, not by position, so that an inserted one changes no other. Lists of scalars are
    one setting. An omitted setting and its written default are the same.
    """
    return dict(_walk("", settings))


def _walk(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _walk(f"{path}.{key}" if path else str(key), part)
    elif path == _GATES and isinstance(value, list | tuple):
        for name, gate in _gates(value):
            yield from _walk(f"{path}[{name}]", gate)
    elif value is not None:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _gates(gates: list[object] | tuple[object, ...]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield gates by metric and scope; the second of two with the same scope has a number."""
    seen: dict[str, int] = {}
    for gate in gates:
        if not isinstance(gate, Mapping):
            continue
        scope = [f"{key}: {_name(gate[key])}" for key in _SCOPE if gate.get(key)]
        name = ", ".join([str(gate.get("metric")), *scope])
        seen[name] = seen.get(name, 0) + 1
        again = f" ({seen[name]})" if seen[name] > 1 else ""
        yield name + again, {key: part for key, part in gate.items() if key != "metric" and key not in _SCOPE}


def _name(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list | tuple) else str(value)
