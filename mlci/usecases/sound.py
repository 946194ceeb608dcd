"""Whether a registry is whole enough to promote into: its record, the version in production, those to go back to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlci.registry import audit, ledger, versions
from mlci.registry.entries import Entry, Promotion, Reproduced, Rescored, Rollback
from mlci.registry.interface import CorruptError, MendableError, Store
from mlci.registry.manifest import File
from mlci.registry.taken_back import taken_back
from mlci.registry.versions import Version
from mlci.usecases.audit import named

RECENT = 32
"""Newest versions, and newest additions to versions, whose files have to be there; each costs some requests."""

READ = 2
"""Versions beside the one in production that are read whole: the newest, to which somebody would go back first."""

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A registry that a promotion may build on.

    Attributes:
        wrong: What is wrong with it all the same, in words, where that is accepted.
        left: By version, why production was taken back from it.
    """

    wrong: tuple[str, ...]
    left: Mapping[int, str]


@dataclass
class _Record:
    """What the whole record tells: where it ends, what was decided, what was added, and the clocks of its writers."""

    entries: int = 0
    decisions: list[Entry] = field(default_factory=list)
    added: list[Entry] = field(default_factory=list)
    latest: Entry | None = None


def held(store: Store, champion: Version | None, *, now: str, despite: str | None, against: str | None = None) -> Sound:
    """Hold a registry that a promotion builds on.

    Every entry of the record is read, and a witness has to be there. Every byte of the version in production and of the
    :data:`READ` newest others is held against its digest. Of the :data:`RECENT` newest versions every file has to be
    there, with its size, and so have predictions and spreads that were added to versions. This machine's clock must not
    be behind those of earlier writers.

    Args:
        store: The registry.
        champion: The version in production.
        now: Time of this machine's clock, RFC 3339.
        despite: Why it may go on although something is wrong; ``None`` if it may not.
        against: The version that the candidate was judged against, which has to be on record.

    Raises:
        CorruptError: The record is not what it was, whatever ``despite`` says; or something else is wrong.
        OutsideError: The registry can't be reached.
    """
    record = _record(store)
    clock = () if record.latest is None else audit.behind(record.latest, now)
    found = (*clock, *_cut(store, record, against), *_files(store, record, champion))
    if found and despite is None:
        raise MendableError(_told(found, clock=bool(clock)))
    steps = (entry.body for entry in record.decisions if isinstance(entry.body, Promotion | Rollback))
    return Sound(wrong=found, left=taken_back(steps))


def _told(found: tuple[str, ...], *, clock: bool) -> str:
    file = "Put a file back from a copy (a registry calls it by its SHA-256)"
    first = "Set the clock that is wrong" if clock else file
    more = f"; and {len(found) - _SHOWN} more, see `mlci ledger verify --files`" if len(found) > _SHOWN else ""
    return (
        f"{'; '.join(found[:_SHOWN])}{more}. Nothing was promoted. {first}, or go back to a version that is whole: "
        "`mlci rollback --to VERSION --reason …`. What can't be mended, `mlci promote --despite REASON` accepts for "
        "this once; the record keeps the reason"
    )


def _record(store: Store) -> _Record:
    """Verify the record, and keep what is needed of it."""
    found = _Record()
    for entry in ledger.walk(store):
        found.entries = entry.number
        if isinstance(entry.body, Promotion | Rollback):
            found.decisions.append(entry)
        elif isinstance(entry.body, Rescored | Reproduced):
            found.added.append(entry)
        if found.latest is None or audit.later(found.latest, entry, accepted=isinstance(entry.body, Promotion)):
            found.latest = entry
    return found


def _cut(store: Store, record: _Record, against: str | None) -> Iterator[str]:
    """Say what tells of entries that were taken off the end."""
    if record.entries > 1 and store.witness() is None:
        yield f"{store.shown}: there is no witness, so that entries cut off at the end would not be noticed"
    known = [str(entry.body.version) for entry in record.decisions if isinstance(entry.body, Promotion)]
    if against is not None and against not in known:
        yield f"{store.shown}: the candidate was judged against version {against}, of which the record does not know"


def _files(store: Store, record: _Record, champion: Version | None) -> Iterator[str]:
    """Look at the files of versions and of what was added to them, the newest first; shared ones are looked at once."""
    seen: set[str] = set()
    promoted = [entry for entry in reversed(record.decisions) if isinstance(entry.body, Promotion)]
    if champion is not None:
        yield from _wrong(store, champion.entry, seen, read=True)
    others = [entry for entry in promoted if champion is None or entry.number != champion.entry.number]
    for place, entry in enumerate(others[:RECENT]):
        yield from _wrong(store, entry, seen, read=place < READ)
    for entry in record.added[-RECENT:]:
        yield from _wrong(store, entry, seen, read=champion is not None and _of(entry) == champion.number)


def _of(entry: Entry) -> int | None:
    return entry.body.version if isinstance(entry.body, Rescored | Reproduced) else None


def _wrong(store: Store, entry: Entry, seen: set[str], *, read: bool) -> Iterator[str]:
    """Say which files that an entry names are not what they were: all of each, or whether it is there."""
    try:
        files: Iterable[tuple[File, str]] = named(store, entry)
    except CorruptError as error:
        yield str(error)
        return
    for file, of in files:
        if file.digest not in seen:
            seen.add(file.digest)
            try:
                (versions.check if read else versions.there)(store, file, of=of)
            except CorruptError as error:
                yield str(error)
