"""Whether production was taken back from a candidate's bytes: a promotion run again does not bring them back."""

from collections.abc import Iterator

from mlci.registry import ledger, versions
from mlci.registry.entries import Rollback
from mlci.registry.interface import Store
from mlci.registry.ledger import Tail
from mlci.registry.manifest import Content, same
from mlci.registry.versions import Version


def rolled_back(store: Store, end: Tail, content: Content) -> str | None:
    """Return why a candidate is a version that was rolled back; ``None`` if it is none."""
    for version, why in _left(store, end):
        if same(version.manifest, content):
            how = f"version {version.number} holds these bytes and {why}"
            return f"{how}; `mlci rollback --to {version.number}` would bring it back"
    return None


def told(store: Store, end: Tail, content: Content) -> str | None:
    """Return that another commit made the very files of a version that was rolled back, for whoever promotes.

    It is no reason to refuse them: what was wrong may have been the code beside the model, and that may be mended.
    """
    for version, why in _left(store, end):
        if content.files and version.manifest.files == content.files:
            return f"version {version.number} has the same model files, and {why}"
    return None


def _left(store: Store, end: Tail) -> Iterator[tuple[Version, str]]:
    """Yield the versions that production was taken back from, and why.

    That is the one that was replaced, and each that is newer than the one in production now: several steps back, or one
    step over several versions, leave more than one behind.
    """
    last = ledger.named(store, end, end.state.decided).body if end.state.decided else None
    if not isinstance(last, Rollback):
        return
    if last.version < last.replaced:
        yield versions.version(store, end, last.replaced), f"was rolled back: {last.reason}"
    for number in range(end.state.versions, last.version, -1):
        if number != last.replaced:
            why = f"production was taken back behind it, to version {last.version}: {last.reason}"
            yield versions.version(store, end, number), why
