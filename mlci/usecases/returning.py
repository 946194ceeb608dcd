"""Whether production was taken back from a candidate's bytes: a promotion run again does not bring them back."""

import contextlib
from collections.abc import Iterator, Mapping

from mlci.registry import versions
from mlci.registry.interface import CorruptError, Store
from mlci.registry.ledger import Tail
from mlci.registry.manifest import Content, same
from mlci.registry.versions import Version

Left = Mapping[int, str]
"""Versions that production was taken back from and has not returned to, as
:func:`mlci.registry.taken_back.taken_back` tells, with the reasons."""

RECENT = 32
"""The newest of them that a candidate is compared with; each takes two reads."""


def rolled_back(store: Store, end: Tail, content: Content, left: Left) -> str | None:
    """Return why a candidate is a version that was rolled back; ``None`` if it is none."""
    for version, reason in _versions(store, end, left):
        if same(version.manifest, content):
            how = f"version {version.number} holds these bytes and was rolled back: {reason}"
            return f"{how}; `mlci rollback --to {version.number}` would bring it back"
    return None


def told(store: Store, end: Tail, content: Content, left: Left) -> str | None:
    """Return that another commit made the very files of a version that was rolled back, for whoever promotes.

    It is no reason to refuse them: what was wrong may have been the code beside the model, and that may be mended.
    """
    for version, reason in _versions(store, end, left):
        if content.files and version.manifest.files == content.files:
            return f"version {version.number} has the same model files, and was rolled back: {reason}"
    return None


def _versions(store: Store, end: Tail, left: Left) -> Iterator[tuple[Version, str]]:
    for number in sorted(left, reverse=True)[:RECENT]:
        with contextlib.suppress(CorruptError):  # named already by whoever looked whether the registry is whole
            yield versions.version(store, end, number), left[number]
