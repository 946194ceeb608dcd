"""Verification of a whole ledger: errors for broken chains and lost files, findings for oddities."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlci.errors import count_noun
from mlci.registry import ledger, registry, stored_files
from mlci.registry.entries import Entry, LedgerState, dump_entry
from mlci.registry.entry_kinds import PredictionsAdded, Promotion, ReproductionRecorded
from mlci.registry.erasures import erasures_of, is_erased
from mlci.registry.errors import CorruptError
from mlci.registry.manifest import VersionFile
from mlci.registry.registry import Version
from mlci.registry.stores.interface import Store
from mlci.util.digests import sha256_of

SKEW = timedelta(minutes=5)
"""Largest accepted difference of clocks, which is Kerberos' default ("Clock Skew", MIT's Kerberos V5 guide)."""


@dataclass(frozen=True)
class LedgerFinding:
    """Oddity of an entry, or of the whole ledger if ``number`` is 0; the chain itself is intact."""

    number: int
    message: str


@dataclass(frozen=True)
class Verified:
    """Ledger with verified chain, states and checkpoint.

    Attributes:
        seen: All entries, from the first.
        findings: Oddities.
    """

    seen: tuple[Entry, ...]
    findings: tuple[LedgerFinding, ...]

    @property
    def entries(self) -> int:
        """Number of entries."""
        return len(self.seen)


def verify_ledger(store: Store) -> Verified:
    """Read all entries from the first and verify chain, states and checkpoint against each other.

    Raises:
        CorruptError: if an entry was changed or is damaged; the message names the first one.
        OutsideError: if the registry can't be reached.
    """
    seen = tuple(ledger.iter_all(store))
    findings = list(clock_findings(seen))
    if seen and store.read_checkpoint() is None:
        findings.append(LedgerFinding(0, "the checkpoint is missing: removed entries at the end would not be noticed"))
    return Verified(seen, tuple(findings))


def clock_findings(seen: Iterable[Entry]) -> Iterable[LedgerFinding]:
    """Report entries with a clock behind an earlier one's, or with an unreadable time.

    The order of a ledger is that of its numbers, so a wrong clock changes nothing; it only makes times doubtful.
    """
    latest: tuple[int, datetime] | None = None
    for entry in seen:
        at = moment(entry.at)
        if at is None:
            yield LedgerFinding(entry.number, f"its time {entry.at[:40]!r} can't be read")
        elif latest is not None and at < latest[1]:
            back = timedelta(seconds=round((latest[1] - at).total_seconds(), 3))
            yield LedgerFinding(
                entry.number, f"its time {entry.at} is {back} before that of entry {latest[0]}: a clock is wrong"
            )
        else:
            latest = (entry.number, at)


def later_clock(latest: Entry, entry: Entry, *, accepted: bool) -> bool:
    """Check if an entry's time replaces the latest one before it.

    Args:
        latest: The latest so far.
        entry: The next one.
        accepted: Whether the user accepted that this clock is behind. A promotion needs that, so that a clock that was
            ahead once does not block promotions forever.
    """
    before, at = moment(latest.at), moment(entry.at)
    if at is None or before is None:
        return before is None
    return at >= before or (accepted and before - at > SKEW)


def checkpoint_behind(latest: Entry, now: str) -> tuple[str, ...]:
    """Report that this machine's clock is more than :data:`SKEW` before the time of an earlier entry."""
    there, here = moment(latest.at), moment(now)
    who = f"entry {latest.number} ({latest.by.actor or 'unknown author'})"
    if there is None or here is None:
        return (f"the time of {who}, {latest.at[:40]!r}, or of this machine, {now[:40]!r}, can't be read",)
    if there - here <= SKEW:
        return ()
    ahead = timedelta(seconds=round((there - here).total_seconds()))
    return (f"this machine's clock says {now}, {ahead} before {who} was written at {latest.at}: one of them is wrong",)


def latest_time(seen: Iterable[Entry]) -> Entry | None:
    """Return the entry whose time a writer's clock must not be behind; a promotion accepts the ones before it."""
    found: Entry | None = None
    for entry in seen:
        if found is None or later_clock(found, entry, accepted=isinstance(entry.body, Promotion)):
            found = entry
    return found


def lacks_checkpoint(store: Store, entries: int) -> tuple[str, ...]:
    """Report a missing checkpoint; the writer of a single entry may have been killed before it wrote one."""
    if entries <= 1 or store.read_checkpoint() is not None:
        return ()
    return (f"{store.shown}: the checkpoint is missing, so removed entries at the end would not be noticed",)


def seconds_between(before: str, now: str) -> float:
    """Return the seconds between two times; 0 if one of them can't be read or a clock is behind."""
    earlier, later = moment(before), moment(now)
    return 0.0 if earlier is None or later is None else max(0.0, (later - earlier).total_seconds())


def moment(text: str) -> datetime | None:
    """Parse an RFC 3339 time with its offset; ``None`` for any other text."""
    try:
        at = datetime.fromisoformat(text)
        return None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


SET_CLOCK = "Set the clock that is wrong"
RESTORE_CHECKPOINT = (
    "Restore `witness.json` from a copy; or, if the newest entries are those that you know, append one that leaves it "
    "(`mlci run --record`)"
)


@dataclass(frozen=True, kw_only=True)
class RegistryAudit:
    """Result of verifying an intact ledger.

    Attributes:
        entries: Number of entries.
        files: Files that they name, each once.
        state: State after the newest entry.
        findings: Oddities, such as a clock that ran behind.
        erased: Number of files that were erased on purpose; they are not among ``files``.
        digest: SHA-256 of the newest entry; ``None`` for an empty ledger.
    """

    entries: int
    files: int
    state: LedgerState
    findings: tuple[LedgerFinding, ...] = ()
    erased: int = 0
    digest: str | None = None


def verify_registry(store: Store, *, contents: bool, now: str | None = None) -> RegistryAudit:
    """Verify a ledger from its first entry: chain, states, manifests, and that every file exists with its size.

    Args:
        store: The registry.
        contents: Whether to read every file and verify its digest.
        now: Time of this machine's clock, RFC 3339; ``None`` does not compare it with those of writers.

    Raises:
        CorruptError: if an entry, a state or a file differs from what the ledger names; the message names the first.
            Everything that stops a promotion is an error here.
    """
    verified = verify_ledger(store)
    last = latest_time(verified.seen)
    clock = checkpoint_behind(last, now) if last is not None and now is not None else ()
    wrong = (*clock, *lacks_checkpoint(store, verified.entries))
    if wrong:
        raise CorruptError(
            f"{'; '.join(wrong)}. {SET_CLOCK if clock else RESTORE_CHECKPOINT}. Until then promotions are refused",
            remedy="",
        )
    erased = {digest: item for entry in verified.seen for digest, item in erasures_of(entry).items()}
    every: dict[str, tuple[VersionFile, str]] = {}
    for entry in verified.seen:
        for file, of in named_files(store, entry):
            if not is_erased(erased, file.digest, named_by=entry.number):
                every.setdefault(file.digest, (file, of))
    for file, of in every.values():
        (stored_files.check_digest if contents else stored_files.check_exists)(store, file, of=of)
    return RegistryAudit(
        entries=verified.entries,
        files=len(every),
        state=verified.seen[-1].state if verified.seen else LedgerState(),
        findings=(*verified.findings, *_erasure_findings(verified.seen)),
        erased=len(set(erased) - set(every)),
        digest=sha256_of(dump_entry(verified.seen[-1])) if verified.seen else None,
    )


def _erasure_findings(seen: Iterable[Entry]) -> Iterable[LedgerFinding]:
    """Report each erasure: what is missing on purpose."""
    for entry in seen:
        erased = erasures_of(entry)
        if erased:
            found = next(iter(erased.values()))
            yield LedgerFinding(entry.number, f"{count_noun(len(erased), 'file')} {found.text}")


def named_files(store: Store, entry: Entry, version: Version | None = None) -> list[tuple[VersionFile, str]]:
    """Return the files that an entry names through its description, with their owner for messages.

    Args:
        store: The store.
        entry: A verified entry.
        version: The version that it promoted, if that was read already.

    Raises:
        CorruptError: if the description, or a spread, was changed or is damaged.
    """
    body = entry.body
    if isinstance(body, Promotion):
        manifest = (version or registry.read_promoted(store, entry, body.version)).manifest
        return [(file, f"version {body.version}") for file in manifest.everything()]
    if isinstance(body, PredictionsAdded):
        found, of = registry.added_predictions(store, entry, body)
        return [(found.file, of)]
    if isinstance(body, ReproductionRecorded):
        stored_files.read_description(store, body.spread, of=f"the spread that entry {entry.number} names")
    return []
