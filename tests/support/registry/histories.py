"""Ledgers to test with: bodies, stamps, and a store in memory that tests may damage."""

import hashlib
import itertools
from dataclasses import dataclass, field
from pathlib import Path

from mlci.registry import entries, ledger, registry
from mlci.registry.entries import LedgerState
from mlci.registry.entry_kinds import (
    Actor,
    Body,
    CostRecord,
    DrillRecord,
    ErasureRecord,
    LookRecord,
    MonitorRecord,
    PredictionsAdded,
    ProbeRecord,
    Promotion,
    ReproductionRecorded,
    Rollback,
    VerdictRecord,
    WaiverRecord,
)
from mlci.registry.manifest import Data, Environment, Manifest, Predictions, Recipe, VersionFile
from mlci.registry.registry import Registry
from mlci.registry.stores import interface as registry_store
from mlci.registry.stores.interface import Checkpoint
from mlci.util.digests import canonical_json, sha256_of

_counter = itertools.count()
DIGEST = "0123456789abcdef" * 4


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stamp(*, now=lambda: "2026-05-01T10:00:00+00:00", actor="ada") -> registry.Author:
    return registry.Author(by=Actor(actor=actor), now=now, nonce=lambda: f"nonce-{next(_counter):09d}")


def verdict(fingerprint="sha256:rows", word="pass") -> VerdictRecord:
    return VerdictRecord(
        verdict=word, report=DIGEST, policy=DIGEST, fingerprint=fingerprint, predictions=DIGEST, against=None
    )


def waiver(**changes) -> WaiverRecord:
    facts = {"gate": "accuracy.max_drop", "head": "a" * 40, "person": "dana", "role": "maintain"}
    facts |= {"accepted": "value", "worst": -1.0}
    return WaiverRecord(**facts | {"reason": "known label noise", "until": "2099-12-31"} | changes)


def look(**changes) -> ProbeRecord:
    facts = {"pull": 4, "head": "a" * 40, "day": "2026-05-01", "run": 7, "attempt": 1}
    return ProbeRecord(**facts | changes)


def holdout_look(**changes) -> LookRecord:
    facts = {"fingerprint": "sha256:rows", "predictions": DIGEST, "policy": DIGEST, "alpha": 0.001}
    return LookRecord(**facts | {"disclosed": "numbers"} | changes)


def promotion(state: LedgerState) -> Promotion:
    rows = next(iter(state.looked or ()), None)
    return Promotion(version=state.versions + 1, manifest=DIGEST, replaced=state.champion, accepted_on=rows)


def version(store, folder: Path, number: int, data: bytes = b"") -> str:
    """Put a whole version's files and its manifest; return the manifest's digest. Nothing is promoted by that."""

    def kept(name, data):
        path = folder / "loose"
        path.write_bytes(data)
        store.put(path, sha(data))
        return VersionFile(name=name, digest=sha(data), bytes=len(data))

    parts = {
        "model": "model",
        "files": (kept("model.txt", data or b"%d" % number),),
        "predictions": Predictions(fingerprint="sha256:rows", file=kept("predictions.csv", b"p%d" % number)),
        "report": kept("report.json", b"{}"),
        "recipe": Recipe(commit=None, config_path="mlci.yml", config=kept("mlci.yml", b"x"), seed=1),
        "environment": Environment(python="3", platform="x"),
        "data": Data(fingerprint="sha256:rows", rows=1),
    }
    manifest = Manifest(version=number, **parts)
    return kept("manifest", canonical_json(manifest.model_dump(mode="json", by_alias=True))).digest


def promote_versions(store, folder: Path, count: int = 1) -> None:
    """Promote whole versions, one after the other."""
    for _ in range(count):
        number = ledger.read_ledger_head(store).state.versions + 1
        manifest = version(store, folder, number)
        Registry(store, stamp()).append(
            lambda state, made=manifest: promotion(state).model_copy(update={"manifest": made})
        )


def swap_promotion(store, folder: Path, number: int) -> bytes:
    """An entry that promoted a version, as it would be had it promoted other bytes; every one of them is there."""
    entry = ledger.read_entry(store, number)
    manifest = version(store, folder, entry.body.version, b"planted")
    return entries.dump_entry(entry.model_copy(update={"body": entry.body.model_copy(update={"manifest": manifest})}))


def choose(state: LedgerState, kind: str, pick: int) -> Body | None:
    """Return the next entry of a history: the kind if the state allows it, else a verdict."""
    versions = sorted(int(version) for version in state.promoted)
    version = versions[pick % len(versions)] if versions else None
    if kind == "promotion":
        return promotion(state)
    if kind == "rollback" and version not in {None, state.champion}:
        return Rollback(version=version, replaced=state.champion, reason="it was better")
    if kind == "rescored" and version is not None:
        return PredictionsAdded(version=version, fingerprint=f"sha256:{pick}", predictions=DIGEST)
    if kind in {"reproduced", "monitored", "drilled"} and version is not None:
        return _about_version(kind, version)
    if kind in {"waived", "probed", "look", "erased", "cost"}:
        return _record(state, kind, pick)
    return verdict(f"sha256:{pick % 3}")


def _about_version(kind: str, version: int) -> Body:
    if kind == "drilled":
        return drill(version=version)
    if kind == "reproduced":
        return ReproductionRecorded(version=version, outcome="within", spread=DIGEST)
    return MonitorRecord(version=version, window="2026-05-01T00:00", outcome="ok", history=DIGEST)


def drill(**changes) -> DrillRecord:
    fields = {"entry": 1, "digest": DIGEST, "newest_at": "2026-05-01T00:00:00+00:00", "version": 1, "seconds": 9}
    return DrillRecord(**{**fields, "agreement": "identical", "retrained": False, **changes})


def _record(state: LedgerState, kind: str, pick: int) -> Body:
    if kind == "cost":
        return CostRecord(month="2026-05", minutes=7, micro_usd=42_000, runner="linux", report=DIGEST)
    if kind == "erased":
        return ErasureRecord(digests=(DIGEST,), reason="request 4711", earlier=state.erased)
    if kind == "waived":
        return waiver(head=f"{pick % 3}" * 40)
    if kind == "look":
        return holdout_look(fingerprint=f"sha256:{pick}")
    return look(pull=1 + pick, run=1 + (state.probed.looks if state.probed is not None else 0))


@dataclass
class Memory:
    """A store that lives in this process; a test changes ``kept`` and ``seen`` at will."""

    kept: dict[int, bytes] = field(default_factory=dict)
    seen: Checkpoint | None = None
    shown: str = "memory"
    files: dict[str, bytes] = field(default_factory=dict)

    def tail(self) -> int:
        return max(self.kept, default=0)

    def read(self, number: int) -> bytes | None:
        return self.kept.get(number)

    def read_to(self, last: int) -> registry_store.Entries:
        return registry_store.one_by_one(self.read, last)

    def append(self, number: int, entry: bytes) -> bool:
        return self.kept.setdefault(number, entry) == entry

    def read_checkpoint(self) -> Checkpoint | None:
        return self.seen

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        self.seen = checkpoint

    def put(self, source: Path, digest: str) -> None:
        self.files[digest] = source.read_bytes()

    def get(self, digest: str, target: Path) -> bool:
        if digest in self.files:
            target.write_bytes(self.files[digest])
        return digest in self.files

    def holds(self, digest: str, size: int | None = None) -> bool:
        return digest in self.files and size in (None, len(self.files[digest]))


def history(steps, *, times=None) -> Memory:
    """A ledger of (kind, pick) steps; every entry at the time of its place in ``times``."""
    store = Memory()
    for place, (kind, pick) in enumerate(steps):
        at = f"2026-05-01T10:{place:02d}:00+00:00" if times is None else times[place]
        Registry(store, stamp(now=lambda at=at: at)).append(lambda state, k=kind, p=pick: choose(state, k, p))
    return store


def forge(store: Memory, first: int, change) -> None:
    """Rewrite a ledger from an entry on and chain every later one, as an attacker who hides a change would."""
    previous = sha256_of(store.kept[first - 1]) if first > 1 else None
    kept = state = ledger.read_entry(store, first - 1).state if first > 1 else LedgerState()
    digests = {number: sha256_of(data) for number, data in store.kept.items() if number < first}
    for number in range(first, store.tail() + 1):
        entry = ledger.read_entry(store, number)
        entry = change(entry) if number == first else entry
        after = entries.linked_digest(entries.state_after(state, entry.body, number=number), digests, number=number)
        kept, _ = entries.compact_state(kept, state, after, number=number)
        state = after
        entry = entry.model_copy(update={"previous": previous, "state": kept})
        store.kept[number] = entries.dump_entry(entry)
        previous = digests[number] = sha256_of(store.kept[number])


def change_entry(store: Memory, number: int) -> None:
    """Change one entry alone, so that it stays readable."""
    entry = ledger.read_entry(store, number)
    store.kept[number] = entries.dump_entry(entry.model_copy(update={"at": "2020-01-01T00:00:00+00:00"}))


def remove_digests(store: Memory) -> Memory:
    """The same ledger as written before states had digests."""
    previous, state = None, LedgerState()
    for number in sorted(store.kept):
        entry = ledger.read_entry(store, number)
        state = entries.state_after(state, entry.body, number=number)
        plain = {"previous": previous, "state": state, "writer": None, "reader": None}
        data = entries.dump_entry(entry.model_copy(update=plain))
        store.kept[number], previous = data, sha(data)
    store.seen = Checkpoint(number=max(store.kept), digest=sha(store.kept[max(store.kept)]))
    return store
