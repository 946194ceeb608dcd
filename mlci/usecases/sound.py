"""Whether a registry is whole enough to promote into: its record, the version in production, those to go back to."""

from collections import deque
from collections.abc import Iterable, Iterator

from mlci.registry import audit, ledger, versions
from mlci.registry.entries import Entry, Promotion
from mlci.registry.interface import CorruptError, Store
from mlci.registry.ledger import Tail
from mlci.registry.manifest import File
from mlci.registry.versions import Version

RECENT = 32
"""Newest versions whose files have to be there: those that somebody might go back to. Each costs some requests."""

READ = 2
"""Of these, beside the version in production, how many are read whole: those that somebody would go back to first."""

_SHOWN = 5


def held(
    store: Store, end: Tail, champion: Version | None, *, rows: str, now: str, despite: str | None
) -> tuple[str, ...]:
    """Hold a registry that a promotion builds on; return what is wrong with it, where that is known and accepted.

    Every entry of the record is read. Every byte of the version in production and of the :data:`READ` newest others is
    held against its digest, and so are the predictions that production has on the current rows. Of the :data:`RECENT`
    newest versions every file has to be there, with its size. This machine's clock must not be behind that of the
    newest entry's writer.

    Args:
        store: The registry.
        end: The ledger's end.
        champion: The version in production.
        rows: What identifies the current evaluation set.
        now: Time of this machine's clock, RFC 3339.
        despite: Why it may go on although something is wrong; ``None`` if it may not.

    Raises:
        CorruptError: The record is not what it was, whatever ``despite`` says; or something else is wrong.
        OutsideError: The registry can't be reached.
    """
    newest, recent = _record(store)
    clock = () if newest is None else audit.behind(newest, now)
    found = (*clock, *_champion(store, end, champion, rows), *_others(store, recent, champion))
    if found and despite is None:
        raise CorruptError(_told(found))
    return found


def _told(found: tuple[str, ...]) -> str:
    more = f"; and {len(found) - _SHOWN} more, see `mlci ledger verify --files`" if len(found) > _SHOWN else ""
    return (
        f"{'; '.join(found[:_SHOWN])}{more}. Nothing was promoted. Set a clock that is wrong; put a file back from a "
        "copy (a registry calls it by its SHA-256), or go back to a version that is whole: `mlci rollback --to VERSION "
        "--reason …`. What can't be mended, `mlci promote --despite REASON` accepts; the record keeps the reason"
    )


def _record(store: Store) -> tuple[Entry | None, list[Entry]]:
    """Verify the record; return its newest entry, and those that promoted the newest versions."""
    newest, recent = None, deque[Entry](maxlen=RECENT)
    for newest in ledger.walk(store):
        if isinstance(newest.body, Promotion):
            recent.append(newest)
    return newest, list(recent)


def _champion(store: Store, end: Tail, champion: Version | None, rows: str) -> Iterator[str]:
    """Read every byte of the version in production."""
    if champion is not None:
        yield from _wrong(store, champion.manifest.everything(), champion.number, read=True)
    if champion is not None and champion.manifest.predictions.fingerprint != rows:
        try:
            added = versions.rescored(store, end, rows)
        except CorruptError as error:
            yield str(error)
        else:
            yield from _wrong(store, [] if added is None else [added.file], champion.number, read=True)


def _others(store: Store, recent: list[Entry], champion: Version | None) -> Iterator[str]:
    """Look at the other versions, the newest first; files that they share are looked at once."""
    seen = set() if champion is None else {file.digest for file in champion.manifest.everything()}
    others = [entry for entry in reversed(recent) if champion is None or entry.number != champion.entry.number]
    for place, entry in enumerate(others):
        try:
            version = versions.promoted(store, entry)
        except CorruptError as error:
            yield str(error)
            continue
        new = {file.digest: file for file in version.manifest.everything() if file.digest not in seen}
        seen |= set(new)
        yield from _wrong(store, new.values(), version.number, read=place < READ)


def _wrong(store: Store, files: Iterable[File], number: int, *, read: bool) -> Iterator[str]:
    """Say which files are not what they were: all of each, or whether it is there with its size."""
    for file in files:
        try:
            (versions.check if read else versions.there)(store, file, of=f"version {number}")
        except CorruptError as error:
            yield str(error)
