"""Code, evaluation set, training data, configuration, environment, model: what differs between two origins. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from mlci.lineage.origin import Files, How, Item, Kind, Origin, Row
from mlci.lineage.settings import flat

MOST = 50
"""Most items of a row."""
_LONGEST = 200
_POINTERS = (".dvc", "dvc.lock")


def compare(before: Origin, after: Origin, files: Files | None) -> tuple[Row, ...]:
    """Return one row for each kind of thing, always the same six in the same order.

    Args:
        before: The baseline's.
        after: The candidate's.
        files: What differs between both commits, by git; ``None`` where it can't tell.
    """
    return (
        _code(before, after, files),
        _digests("evaluation", before.fingerprint, after.fingerprint),
        _data(before, after),
        _configuration(before, after),
        _environment(before, after),
        _model(before, after),
    )


def _code(before: Origin, after: Origin, files: Files | None) -> Row:
    """Compare commits; files that another row is about are left to that row."""
    known = _row("code", before.commit, after.commit)
    if before.commit is None or after.commit is None:
        return known(None, "made outside of git" if before.commit is None else "judged outside of git")
    if before.dirty or after.dirty:
        whose = "baseline" if before.dirty else "candidate"
        same = before.commit == after.commit
        return known(None if same and before.dirty else True, f"the {whose} had uncommitted changes", _own(after, files))
    if before.commit == after.commit:
        return known(False)
    if files is None:
        return known(True, "which files is not known: the baseline's commit is not in this clone")
    items = _own(after, files)
    if items:
        return known(True, None, items)
    return known(False, "other commits, the same code" if files.names else "other commits, the same files")


def _own(after: Origin, files: Files | None) -> list[Item]:
    elsewhere = {after.config_path, *after.locks, *(after.pointers or {})}
    return [
        Item(name=name, how=how)
        for name, how in sorted((files.names if files else {}).items())
        if name not in elsewhere and not name.endswith(_POINTERS)
    ]


def _digests(kind: Kind, before: str | None, after: str | None) -> Row:
    changed = None if before is None or after is None else before != after
    return _row(kind, before, after)(changed, "not known of both" if changed is None else None)


def _model(before: Origin, after: Origin) -> Row:
    row = _digests("model", before.model, after.model)
    return row if row.changed is not None else _row("model", before.model, after.model)(None, "not both left a model")


def _data(before: Origin, after: Origin) -> Row:
    digests = [None if side.pointers is None else _digest(side.pointers) for side in (before, after)]
    known = _row("data", *digests)
    if before.pointers is None or after.pointers is None:
        return known(None, "not known of both")
    if not before.pointers and not after.pointers:
        return known(None, "no DVC or LFS pointers name it")
    items = differing(before.pointers, after.pointers)
    return known(bool(items), None, items)


def _configuration(before: Origin, after: Origin) -> Row:
    known = _row("configuration", before.config, after.config)
    if before.config is None or after.config is None:
        return known(None, "not known of both")
    if before.config == after.config:
        return known(False)
    if before.settings is None or after.settings is None:
        return known(True, "which keys is not known: one of them was written for another version of mlci")
    items = differing(flat(before.settings), flat(after.settings))
    return known(bool(items), None if items else "written differently, the same settings", items)


def _environment(before: Origin, after: Origin) -> Row:
    """Compare versions, lock files, and packages: those of lock files, else those beside mlci itself."""
    sides = (before, after)
    locked = all(side.packages is not None for side in sides)
    unlocked = not before.locks and not after.locks
    pinned = [side.packages or {} for side in sides] if locked else [{}, {}]
    packages = [side.installed for side in sides] if unlocked else pinned
    versions = [{"Python": side.python, "mlci": side.mlci} for side in sides]
    items = [
        *differing(*({name: value for name, value in side.items() if value is not None} for side in versions)),
        *differing(before.locks, after.locks, shown=False),
        *(item for item in differing(*packages) if item.name != "mlci"),
    ]
    digests = [
        _digest({**{f"version {name}": str(value) for name, value in own.items()}, **side.locks, **listed})
        for side, own, listed in zip(sides, versions, packages, strict=True)
    ]
    reason = "no lock files: packages are those beside mlci" if unlocked else None
    if not unlocked and not locked:
        reason = "which packages is not known: not both have a lock file that can be read"
    if before.python is None:
        return _row("environment", *digests)(True if items else None, "only lock files are known of the baseline", items)
    return _row("environment", *digests)(bool(items), reason, items)


def differing(before: Mapping[str, str], after: Mapping[str, str], *, shown: bool = True) -> list[Item]:
    """Return what was added, removed or changed between two mappings, by name; values only where ``shown``."""
    items = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            how: How = "added" if old is None else "removed" if new is None else "changed"
            values = {"before": _short(old), "after": _short(new)} if shown else {}
            items.append(Item(name=_short(name) or "", how=how, **values))
    return items


class _Begun:
    """A row whose digests are known; called with the rest."""

    def __init__(self, kind: Kind, before: str | None, after: str | None) -> None:
        self.kind, self.before, self.after = kind, before, after

    def __call__(self, changed: bool | None, reason: str | None = None, items: Iterable[Item] = ()) -> Row:  # noqa: FBT001 (read by all callers)
        listed = tuple(items)
        return Row(
            kind=self.kind,
            before=self.before,
            after=self.after,
            changed=changed,
            reason=reason,
            items=listed[:MOST],
            more=max(0, len(listed) - MOST),
        )


_row = _Begun


def _digest(mapping: Mapping[str, str]) -> str:
    return "sha256:" + hashlib.sha256(json.dumps(sorted(mapping.items())).encode()).hexdigest()


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
