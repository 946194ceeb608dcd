"""Registry checks before a promotion: ledger, champion, and the versions to roll back to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlci.operations.verify_registry import RESTORE_CHECKPOINT, SET_CLOCK, named_files
from mlci.registry import ledger, verification, versions
from mlci.registry.damage import BACK, FileError
from mlci.registry.entries import Entry, PredictionsAdded, Promotion, ReproductionRecorded, Rollback
from mlci.registry.ledger import LedgerHead
from mlci.registry.manifest import VersionFile
from mlci.registry.rolled_back import rolled_back_versions
from mlci.registry.store import CorruptError, MendableError, SizeReader, Store
from mlci.registry.versions import Version

RECENT = 32
"""Number of newest versions, and of newest additions, whose files have to exist; each costs some requests."""

READ = 2
"""Number of versions beside the champion that are read in full: the newest, the first candidates of a rollback."""

VERIFIED = 64
"""Number of newest entries that are always verified."""

_SHOWN = 5
_INFERRED = "it was rolled back, as `mlci ledger log` shows"


@dataclass(frozen=True, kw_only=True)
class RegistryCheck:
    """A registry that passed the checks of a promotion.

    Attributes:
        wrong: Faults that the user accepted, as messages.
        rolled_back: By version, why it was rolled back.
    """

    wrong: tuple[str, ...]
    rolled_back: Mapping[int, str]


@dataclass(frozen=True)
class RegistryFault:
    """A fault that stops a promotion, its remedy, and whether it belongs to the version in production."""

    text: str
    remedy: str
    champion: bool = False


@dataclass
class _Record:
    """The part of the ledger that was read: decisions, promotions, additions, and the newest writer's clock."""

    promotions: list[Entry] = field(default_factory=list)
    decisions: list[Entry] = field(default_factory=list)
    added: list[Entry] = field(default_factory=list)
    latest: Entry | None = None


def check_registry(
    store: Store, champion: Version | None, *, now: str, despite: str | None, against: str | None = None
) -> RegistryCheck:
    """Check the registry before a promotion.

    Entries are verified from the newest back to the last promotion, whose writer verified those before it, and at least
    the newest :data:`VERIFIED`; a checkpoint has to exist. The digests of all files of the champion and of the
    :data:`READ` newest other versions are verified. Of the :data:`RECENT` newest versions every file has to exist with
    its size, and so have predictions and spreads that were added to versions. This machine's clock must not be behind
    the clocks of earlier writers.

    Args:
        store: The registry.
        champion: The version in production.
        now: Time of this machine's clock, RFC 3339.
        despite: The user's reason to promote despite faults; ``None`` if faults stop the promotion.
        against: Version that the candidate was judged against, which has to be in the ledger.

    Raises:
        CorruptError: if the ledger is damaged, even with ``despite``; or if another fault was found without it.
        OutsideError: if the registry can't be reached.
    """
    ledger_head = ledger.read_ledger_head(store)
    record = _record(store, ledger_head)
    clock = () if record.latest is None else verification.checkpoint_behind(record.latest, now)
    lacks = verification.lacks_checkpoint(store, ledger_head.number)
    found = (
        *(RegistryFault(text, SET_CLOCK) for text in clock),
        *(RegistryFault(text, RESTORE_CHECKPOINT) for text in lacks),
        *_cut(store, ledger_head, against),
        *_files(store, record, champion),
    )
    if found and despite is None:
        raise MendableError(refusal_message(found))
    return RegistryCheck(wrong=tuple(fault.text for fault in found), rolled_back=rolled_back_versions(_steps(record)))


def refusal_message(found: tuple[RegistryFault, ...]) -> str:
    """Return the message of a refused promotion: the faults and their remedies."""
    shown = found[:_SHOWN]
    more = f"; and {len(found) - _SHOWN} more, see `mlci ledger verify --files`" if len(found) > _SHOWN else ""
    remedies = ". ".join(dict.fromkeys(fault.remedy for fault in shown))
    back = f". Or roll back to an intact version: {BACK}" if any(fault.champion for fault in found) else ""
    return (
        f"{'; '.join(fault.text for fault in shown)}{more}. Nothing was promoted. {remedies}{back}. Damage that "
        "can't be repaired, `mlci promote --despite REASON` accepts for this once; the record keeps the reason"
    )


def _record(store: Store, ledger_head: LedgerHead) -> _Record:
    """Verify the newest part of the ledger, and read earlier promotions and additions that are checked."""
    found, state = _Record(), ledger_head.state
    newest = [state.promoted[str(number)] for number in range(max(1, state.versions - RECENT), state.versions + 1)]
    first = max(1, min([ledger_head.number - VERIFIED + 1, *newest[-1:]]))
    for entry in ledger.iter_since(store, ledger_head, first) if ledger_head.number else ():
        if isinstance(entry.body, Promotion | Rollback):
            found.decisions.append(entry)
        elif isinstance(entry.body, PredictionsAdded | ReproductionRecorded):
            found.added.append(entry)
        found.latest = verification.latest_time(filter(None, (found.latest, entry)))
    added = sorted({*state.rescored.values(), *state.reproduced.values()})[-RECENT:]
    older = {number for number in (*newest, *added) if number < first}
    for entry in ledger.iter_verified(store, ledger_head, older):
        (found.decisions if isinstance(entry.body, Promotion) else found.added).insert(0, entry)
    found.promotions = [entry for entry in found.decisions if isinstance(entry.body, Promotion)]
    return found


def _steps(record: _Record) -> Iterator[Promotion | Rollback]:
    """Yield the decisions that were read; rollbacks between older promotions are inferred from what each replaced."""
    champion: int | None = None
    for entry in record.decisions:
        step = entry.body
        if not isinstance(step, Promotion | Rollback):
            continue
        if champion is not None and step.replaced is not None and step.replaced != champion:
            yield Rollback(version=step.replaced, replaced=champion, reason=_INFERRED)
        yield step
        champion = step.version


def _cut(store: Store, ledger_head: LedgerHead, against: str | None) -> Iterator[RegistryFault]:
    """Yield the fault that the candidate was judged against a version that is not in the ledger."""
    if against is not None and against not in ledger_head.state.promoted:
        lost = f"the candidate was judged against version {against}, which is not in the ledger"
        yield RegistryFault(f"{store.shown}: {lost}", f"Restore the entries behind {ledger_head.number} from a copy")


@dataclass(frozen=True)
class _Look:
    """A file to verify by its digest, or only by its size."""

    file: VersionFile
    of: str
    read: bool
    champion: bool


def _files(store: Store, record: _Record, champion: Version | None) -> Iterator[RegistryFault]:
    """Collect the files of versions and of additions, the newest first, each file once."""
    found: list[_Look | RegistryFault] = []
    if champion is not None:
        found += _named(store, champion.entry, read=True, champion=True)
    others = [one for one in reversed(record.promotions) if champion is None or one.number != champion.entry.number]
    for place, entry in enumerate(others[:RECENT]):
        found += _named(store, entry, read=place < READ)
    for entry in record.added[-RECENT:]:
        own = champion is not None and _of(entry) == champion.number
        found += _named(store, entry, read=own, champion=own)
    yield from _wrong(store, found)


def _named(store: Store, entry: Entry, *, read: bool, champion: bool = False) -> list[_Look | RegistryFault]:
    """Return the files that an entry names; a fault if its description is damaged."""
    try:
        return [_Look(file, of, read, champion) for file, of in named_files(store, entry)]
    except CorruptError as error:
        return [_fault(error, champion=champion)]


def _of(entry: Entry) -> int | None:
    return entry.body.version if isinstance(entry.body, PredictionsAdded | ReproductionRecorded) else None


def _wrong(store: Store, found: list[_Look | RegistryFault]) -> Iterator[RegistryFault]:
    """Yield a fault for each missing or changed file."""
    looks = {item.file.digest for item in found if isinstance(item, _Look) and not item.read}
    sizes = store.sizes(looks) if looks and isinstance(store, SizeReader) else {}
    seen: set[str] = set()
    for item in found:
        if isinstance(item, RegistryFault):
            yield item
        elif item.file.digest not in seen:
            seen.add(item.file.digest)
            if not item.read and sizes.get(item.file.digest) == item.file.bytes:
                continue
            try:
                (versions.check_digest if item.read else versions.check_exists)(store, item.file, of=item.of)
            except CorruptError as error:
                yield _fault(error, champion=item.champion)


def _fault(error: CorruptError, *, champion: bool) -> RegistryFault:
    restore = error.restore if isinstance(error, FileError) else error.remedy or "Restore it from a copy"
    return RegistryFault(str(error), restore, champion=champion)
