"""``mlci ledger verify``: verify every entry and every file that the ledger names."""

from dataclasses import dataclass

from mlci.registry import versions
from mlci.registry.entries import Entry, LedgerState, PredictionsAdded, Promotion, ReproductionRecorded
from mlci.registry.manifest import VersionFile
from mlci.registry.store import MendableError, Store
from mlci.registry.verification import LedgerFinding, checkpoint_behind, lacks_checkpoint, latest_time, verify_ledger

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
    """

    entries: int
    files: int
    state: LedgerState
    findings: tuple[LedgerFinding, ...] = ()


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
        raise MendableError(
            f"{'; '.join(wrong)}. {SET_CLOCK if clock else RESTORE_CHECKPOINT}. Until then promotions are refused"
        )
    every: dict[str, tuple[VersionFile, str]] = {}
    for entry in verified.seen:
        for file, of in named_files(store, entry):
            every.setdefault(file.digest, (file, of))
    for file, of in every.values():
        (versions.check_digest if contents else versions.check_exists)(store, file, of=of)
    state = verified.seen[-1].state if verified.seen else LedgerState()
    return RegistryAudit(entries=verified.entries, files=len(every), state=state, findings=verified.findings)


def named_files(store: Store, entry: Entry) -> list[tuple[VersionFile, str]]:
    """Return the files that an entry names through its description, with their owner for messages.

    Raises:
        CorruptError: if the description, or a spread, was changed or is damaged.
    """
    body = entry.body
    if isinstance(body, Promotion):
        manifest = versions.promoted(store, entry).manifest
        return [(file, f"version {body.version}") for file in manifest.everything()]
    if isinstance(body, PredictionsAdded):
        found, of = versions.added_predictions(store, entry, body)
        return [(found.file, of)]
    if isinstance(body, ReproductionRecorded):
        versions.read_description(store, body.spread, of=f"the spread that entry {entry.number} names")
    return []
