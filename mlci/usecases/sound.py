"""Checks that a registry must pass before a promotion: its ledger, the champion, the versions to go back to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlci.registry import audit, ledger, versions
from mlci.registry.damage import BACK, FileError
from mlci.registry.entries import Entry, Promotion, Reproduced, Rescored, Rollback
from mlci.registry.interface import CorruptError, MendableError, Store
from mlci.registry.manifest import File
from mlci.registry.taken_back import taken_back
from mlci.registry.versions import Version
from mlci.usecases.audit import RESTORE_CHECKPOINT, SET_CLOCK, named

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


@dataclass(frozen=True)
class Fault:
    """Something that a promotion must not build on, its remedy, and if it belongs to the version in production."""

    text: str
    remedy: str
    champion: bool = False


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
    lacks = audit.lacks_checkpoint(store, record.entries)
    found = (
        *(Fault(text, SET_CLOCK) for text in clock),
        *(Fault(text, RESTORE_CHECKPOINT) for text in lacks),
        *_cut(store, record, against),
        *_files(store, record, champion),
    )
    if found and despite is None:
        raise MendableError(refusal(found))
    steps = (entry.body for entry in record.decisions if isinstance(entry.body, Promotion | Rollback))
    return Sound(wrong=tuple(fault.text for fault in found), left=taken_back(steps))


def refusal(found: tuple[Fault, ...]) -> str:
    """Return the message of a promotion that is refused: the faults, and what to do about them."""
    shown = found[:_SHOWN]
    more = f"; and {len(found) - _SHOWN} more, see `mlci ledger verify --files`" if len(found) > _SHOWN else ""
    remedies = ". ".join(dict.fromkeys(fault.remedy for fault in shown))
    back = f". Or go back to a version that is whole: {BACK}" if any(fault.champion for fault in found) else ""
    return (
        f"{'; '.join(fault.text for fault in shown)}{more}. Nothing was promoted. {remedies}{back}. Damage that nobody "
        "can repair, `mlci promote --despite REASON` accepts for this once; the record keeps the reason"
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
        found.latest = audit.latest(filter(None, (found.latest, entry)))
    return found


def _cut(store: Store, record: _Record, against: str | None) -> Iterator[Fault]:
    """Yield the fault that the candidate was judged against a version that is not on record."""
    known = [str(entry.body.version) for entry in record.decisions if isinstance(entry.body, Promotion)]
    if against is not None and against not in known:
        lost = f"the candidate was judged against version {against}, of which the record does not know"
        yield Fault(f"{store.shown}: {lost}", f"Restore the entries behind {record.entries} from a copy")


def _files(store: Store, record: _Record, champion: Version | None) -> Iterator[Fault]:
    """Look at the files of versions and of what was added to them, the newest first; shared ones are looked at once."""
    seen: set[str] = set()
    promoted = [entry for entry in reversed(record.decisions) if isinstance(entry.body, Promotion)]
    if champion is not None:
        yield from _wrong(store, champion.entry, seen, read=True, champion=True)
    others = [entry for entry in promoted if champion is None or entry.number != champion.entry.number]
    for place, entry in enumerate(others[:RECENT]):
        yield from _wrong(store, entry, seen, read=place < READ)
    for entry in record.added[-RECENT:]:
        own = champion is not None and _of(entry) == champion.number
        yield from _wrong(store, entry, seen, read=own, champion=own)


def _of(entry: Entry) -> int | None:
    return entry.body.version if isinstance(entry.body, Rescored | Reproduced) else None


def _wrong(store: Store, entry: Entry, seen: set[str], *, read: bool, champion: bool = False) -> Iterator[Fault]:
    """Yield the files that an entry names and that are not what they were: read whole, or looked for."""
    try:
        files: Iterable[tuple[File, str]] = named(store, entry)
    except CorruptError as error:
        yield _fault(error, champion=champion)
        return
    for file, of in files:
        if file.digest not in seen:
            seen.add(file.digest)
            try:
                (versions.check if read else versions.there)(store, file, of=of)
            except CorruptError as error:
                yield _fault(error, champion=champion)


def _fault(error: CorruptError, *, champion: bool) -> Fault:
    restore = error.restore if isinstance(error, FileError) else error.remedy or "Restore it from a copy"
    return Fault(str(error), restore, champion=champion)
