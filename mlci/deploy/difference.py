"""Difference between two manifests: field by field, without what the cluster adds by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_COMPARED = ("labels", "annotations")
_LONGEST = 200


@dataclass(frozen=True)
class FieldChange:
    """A field that differs; ``None`` stands for a field that one side does not have."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """Return the line that shows it."""
        if self.before is None:
            return f"+ {self.path}: {_shown(self.after)}"
        if self.after is None:
            return f"- {self.path}: {_shown(self.before)}"
        return f"~ {self.path}: {_shown(self.before)} → {_shown(self.after)}"


def field_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    """Return the fields of ``spec``, labels and annotations that differ, ordered by path."""
    return sorted(_changes(_compared(before), _compared(after), ""), key=_path)


def manifest_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    """Return the same for two files, which may also be about different resources: with kind, name and namespace."""
    return sorted([*_changes(_identity(before), _identity(after), ""), *field_changes(before, after)], key=_path)


def _path(change: FieldChange) -> str:
    return change.path


def _identity(manifest: Mapping[str, Any]) -> dict[str, Any]:
    metadata = manifest.get("metadata") or {}
    named = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
    return {name: manifest.get(name) for name in ("apiVersion", "kind")} | {"metadata": named}


def _compared(manifest: Mapping[str, Any]) -> dict[str, Any]:
    metadata = manifest.get("metadata") or {}
    own = {name: metadata[name] for name in _COMPARED if metadata.get(name)}
    return {"metadata": own, "spec": manifest.get("spec") or {}}


def _changes(before: Any, after: Any, path: str) -> Iterator[FieldChange]:  # noqa: ANN401 - JSON values
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before.keys() | after.keys():
            yield from _changes(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    elif isinstance(before, list) and isinstance(after, list):
        for number in range(max(len(before), len(after))):
            first, second = (items[number] if number < len(items) else None for items in (before, after))
            yield from _changes(first, second, f"{path}[{number}]")
    elif before != after:
        yield FieldChange(path, before, after)


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
