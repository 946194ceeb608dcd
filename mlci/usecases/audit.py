"""``mlci ledger verify``: everything that the ledger says and names, held against what is there."""

from dataclasses import dataclass

from mlci.registry import versions
from mlci.registry.audit import Finding, behind, lacks_checkpoint, latest, verify
from mlci.registry.entries import Entry, Promotion, Reproduced, Rescored, State
from mlci.registry.interface import MendableError, Store
from mlci.registry.manifest import File

SET_CLOCK = "Set the clock that is wrong"
RESTORE_CHECKPOINT = (
    "Restore `witness.json` from a copy; or, if the newest entries are those that you know, append one that leaves it "
    "(`mlci run --record`)"
)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """A ledger that is whole.

    Attributes:
        entries: How many there are.
        files: Files that they name, each once.
        state: Where the ledger stands.
        findings: What is odd, such as a clock that ran behind.
    """

    entries: int
    files: int
    state: State
    findings: tuple[Finding, ...] = ()


def audit(store: Store, *, contents: bool, now: str | None = None) -> Audit:
    """Verify a ledger from its first entry: chain, states, manifests, and that every file is there in its size.

    Args:
        store: The registry.
        contents: Whether to read every file and hold it against its digest.
        now: Time of this machine's clock, RFC 3339; ``None`` does not compare it with those of writers.

    Raises:
        CorruptError: if an entry, a state or a file differs from what the ledger names; the message names the first.
            Everything that makes a promotion fail is an error here.
    """
    verified = verify(store)
    last = latest(verified.seen)
    clock = behind(last, now) if last is not None and now is not None else ()
    wrong = (*clock, *lacks_checkpoint(store, verified.entries))
    if wrong:
        raise MendableError(
            f"{'; '.join(wrong)}. {SET_CLOCK if clock else RESTORE_CHECKPOINT}. Until then promotions are refused"
        )
    every: dict[str, tuple[File, str]] = {}
    for entry in verified.seen:
        for file, of in named(store, entry):
            every.setdefault(file.digest, (file, of))
    for file, of in every.values():
        (versions.check if contents else versions.there)(store, file, of=of)
    state = verified.seen[-1].state if verified.seen else State()
    return Audit(entries=verified.entries, files=len(every), state=state, findings=verified.findings)


def named(store: Store, entry: Entry) -> list[tuple[File, str]]:
    """Return the files that an entry names through its description, with what they belong to.

    Raises:
        CorruptError: The description, or a spread, is not what it was.
    """
    body = entry.body
    if isinstance(body, Promotion):
        manifest = versions.promoted(store, entry).manifest
        return [(file, f"version {body.version}") for file in manifest.everything()]
    if isinstance(body, Rescored):
        found, of = versions.added(store, entry, body)
        return [(found.file, of)]
    if isinstance(body, Reproduced):
        versions.read_description(store, body.spread, of=f"the spread that entry {entry.number} names")
    return []
