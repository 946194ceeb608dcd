"""Entries of a ledger, the records of retrainings that they name, and the state after an entry: forms and bytes. Pure.

An entry's bytes are canonical JSON: keys sorted, no spaces, UTF-8. It contains the digest of the entry before, so that
no entry can be changed, moved or removed unless all later ones are rewritten. It also contains the state of the ledger
after it. Readers therefore need only the newest entry, and :func:`mlci.registry.verification.verify_ledger` recomputes
every state from the first.

Skip links are digests of older entries, so that a reader can verify one without walking the whole ledger. A chain of
hashes reveals a changed entry to a reader who walks it. A reader of the newest entry alone would have to trust an older
one that its state refers to, such as the promotion of version 1. Therefore a state contains the digests of entries that
it refers to: of the newest :data:`LINKED`, and of those that decide what is in production. An older entry is reached by
hops: the oldest entry with a digest in a state has its own state, with digests of entries before it. No entry can
contain its own digest; the next one does. States of older ledgers contain no digests. There, readers go back entry by
entry, along the chain.

A snapshot is the whole state as a file, so that an entry contains only the changes since. The state grows with every
version and evaluation set, and so would every entry. Therefore an entry contains at most :data:`MOST_ITEMS` items. One
that would contain more names a snapshot of the state before it, by its SHA-256, and contains only its own changes.
Entries of older versions contain the whole state.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from mlci.registry.entry_kinds import (
    BY_ALIAS,
    Actor,
    Body,
    CostRecord,
    Count,
    Day,
    Digest,
    DrillRecord,
    ErasureRecord,
    LedgerPart,
    LookRecord,
    MonitorRecord,
    PredictionsAdded,
    ProbeRecord,
    Promotion,
    ReproductionRecorded,
    Rollback,
    Text,
    VerdictRecord,
    WaiverRecord,
)
from mlci.registry.spending import MonthOfCosts, months_after
from mlci.util.bounds import ENTRY_BYTES
from mlci.util.digests import canonical_json, sha256_of

MOST_BYTES = ENTRY_BYTES.value
"""Most bytes of an entry."""


_LATER = ("writer", "reader", "intent")
_LATER_BODY = ("approval", "accepted_on", "milliwatt_hours")
_LATER_STATE = ("digests", "snapshot", "waived", "probed", "monitored", "spent", "erased", "drilled", "looked")
"""Fields that older entries do not have: left out of the bytes if empty, so that older entries keep their bytes."""
LINKED = 32
"""Number of entries, beside those that decide, with digests in a state; each costs some 80 bytes in every entry."""
MOST_ITEMS = 64
"""Most items of an entry's state: versions, evaluation sets, added predictions and spreads."""
WAIVED_HEADS = 32
"""Commits whose waivers a state names; those of older commits stay in the ledger and no longer count."""
WAIVERS = 32
"""Most waivers of one commit."""
PROBES = 256
"""Most looks of all pull requests on one day; each costs some 20 bytes in every entry of that day."""
LOOKED_SETS = 4
"""Evaluation sets whose looks a state has; one with uses and without looks is worn out."""
MOST_LOOKS = 256
"""Most looks at one evaluation set; each costs some 20 bytes in every entry."""
LOOK_DIGITS = 16
"""Hexadecimal digits of the candidate's predictions by which a state recognizes a look."""
_MAPS = ("promoted", "uses", "rescored", "reproduced")


class SnapshotRef(LedgerPart):
    """The whole state after an older entry, stored as a file; the state that names it has the changes since."""

    entry: Annotated[int, Field(ge=1)]
    digest: Digest


class DayOfProbes(LedgerPart):
    """The looks of one day.

    Attributes:
        day: The day in UTC, of the newest look.
        pulls: By pull request, its looks of that day: training run and attempt, as ``run.attempt``.
    """

    day: Day
    pulls: dict[str, tuple[str, ...]]

    @property
    def looks(self) -> int:
        """Number of looks of all pull requests."""
        return sum(map(len, self.pulls.values()))


class LooksOfSet(LedgerPart):
    """The looks at one evaluation set.

    Attributes:
        candidates: First digits of the digest of each candidate's predictions, oldest first.
        alphas: One-sided level that each of them spent.
        newest: Number of the newest entry with a look.
        accepted: Number of looks before the first promotion that was judged on this set and replaced another version;
            ``None`` before it.
    """

    candidates: Annotated[tuple[str, ...], Field(min_length=1)]
    alphas: Annotated[tuple[float, ...], Field(min_length=1)]
    newest: Annotated[int, Field(ge=1)]
    accepted: Annotated[int, Field(ge=1)] | None = None


class LedgerState(LedgerPart):
    """State of the ledger after an entry.

    Attributes:
        champion: The version in production; ``None`` before the first promotion.
        versions: Number of versions so far; they are numbered from 1.
        decided: Number of the newest promotion or rollback entry, 0 for none.
        promoted: By version, the number of the entry that promoted it first.
        uses: By fingerprint of an evaluation set, the number of different predictions that were judged on it.
        rescored: By fingerprint, the number of the entry that added the champion's predictions on another set.
        reproduced: By version, the number of the newest entry with several retrainings, which give a spread.
        digests: By number, the SHA-256 of entries that the other attributes refer to, see
            :mod:`mlci.registry.entries`; ``None``, and not in the bytes, in entries of older versions.
        snapshot: Snapshot with the rest of ``promoted``, ``uses``, ``rescored`` and ``reproduced``, see
            :mod:`mlci.registry.entries`; ``None`` if this state is complete.
        waived: By commit, the numbers of the entries with its waivers, of the newest :data:`WAIVED_HEADS` commits;
            ``None``, and not in the bytes, in a ledger without waivers.
        probed: Looks of the newest day that has any; ``None``, and not in the bytes, in a ledger without looks.
        monitored: Number of the newest entry with a history of production; ``None``, and not in the bytes, without one.
        spent: By month, the recorded costs of the newest :data:`mlci.registry.spending.KEPT_MONTHS` months; ``None``,
            and not in the bytes, in a ledger without costs.
        erased: Number of the newest entry that erased files; ``None``, and not in the bytes, in a ledger without one.
        drilled: Number of the newest entry with a drill; ``None``, and not in the bytes, in a ledger without one.
        looked: By fingerprint, the counted looks at the newest :data:`LOOKED_SETS` evaluation sets; ``None``, and not
            in the bytes, in a ledger without one.
    """

    champion: int | None = None
    versions: Count = 0
    decided: Count = 0
    promoted: dict[str, int] = Field(default_factory=dict)
    uses: dict[str, int] = Field(default_factory=dict)
    rescored: dict[str, int] = Field(default_factory=dict)
    reproduced: dict[str, int] = Field(default_factory=dict)
    digests: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]*$")], Digest] | None = None
    snapshot: SnapshotRef | None = None
    waived: dict[str, tuple[int, ...]] | None = None
    probed: DayOfProbes | None = None
    monitored: int | None = None
    spent: dict[str, MonthOfCosts] | None = None
    erased: int | None = None
    drilled: int | None = None
    looked: dict[str, LooksOfSet] | None = None


class Entry(LedgerPart):
    """One entry."""

    schema_: Annotated[Literal["mlci/ledger/1"], Field(alias="schema")] = "mlci/ledger/1"
    number: Annotated[int, Field(ge=1)]
    previous: Digest | None = Field(description="SHA-256 of the entry before; null in the first.")
    at: Text = Field(
        description="Time of the writer's clock, RFC 3339, UTC; the order is the numbers', not the clock's."
    )
    nonce: Text = Field(description="Chosen by the writer, so that two entries never hold the same bytes by accident.")
    by: Actor
    body: Body
    state: LedgerState
    writer: Text | None = Field(default=None, description="Version of mlci that wrote it.")
    reader: Text | None = Field(default=None, description="Least version of mlci that reads it.")
    intent: Text | None = Field(default=None, description="Invocation of a decision, the same for all attempts.")

    model_config = BY_ALIAS


def dump_entry(entry: Entry) -> bytes:
    """Return an entry's canonical bytes."""
    document = entry.model_dump(mode="json", by_alias=True)
    for part, names in ((document, _LATER), (document["body"], _LATER_BODY), (document["state"], _LATER_STATE)):
        for name in names:
            if part.get(name, "") is None:
                del part[name]
    return canonical_json(document)


class Rerun(LedgerPart):
    """One training."""

    seed: int = Field(description="Value of MLCI_SEED.")
    model: Text | None = Field(description="Digest of the retrained model.")
    predictions: Text = Field(description="Fingerprint of its predictions.")
    metrics: dict[str, float] = Field(description="Whole-set values.")


class MetricSpread(LedgerPart):
    """All retrainings of one version."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/spread/1"], Field(alias="schema")] = "mlci/spread/1"
    version: int
    fingerprint: Text = Field(description="Fingerprint of the evaluation set that all were evaluated on.")
    original: dict[str, float] = Field(description="The version's own values on it.")
    reruns: Annotated[tuple[Rerun, ...], Field(min_length=1)]
    python: Text
    platform: Text


class ReproductionFound(LedgerPart):
    """Record of a job that may not write to the registry, for a job that may."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/reproduction/1"], Field(alias="schema")] = "mlci/reproduction/1"
    outcome: Literal["identical", "within", "different"]
    spread: MetricSpread


def state_after(state: LedgerState, body: Body, *, number: int) -> LedgerState:
    """Return the state after an entry.

    Raises:
        ValueError: if the entry can't follow that state.
    """
    changed: dict[str, object]
    match body:
        case Promotion(version=version, replaced=replaced, accepted_on=rows):
            if version != state.versions + 1 or replaced != state.champion:
                raise ValueError(f"version {version} was judged against {replaced}, the champion is {state.champion}")
            promoted = {**state.promoted, str(version): number}
            changed = {"champion": version, "versions": version, "decided": number}
            changed |= {"promoted": promoted, "rescored": {}}
            changed |= _accepted_after(state.looked or {}, rows, replaced)
        case Rollback(version=version, replaced=replaced):
            if str(version) not in state.promoted or replaced != state.champion:
                raise ValueError(f"roll-back from {replaced} to {version}: the champion is {state.champion}")
            if version == replaced:
                raise ValueError(f"roll-back from {replaced} to itself: that version is the champion already")
            changed = {"champion": version, "decided": number, "rescored": {}}
        case VerdictRecord(fingerprint=fingerprint, again=again):
            changed = {} if again else {"uses": {**state.uses, fingerprint: state.uses.get(fingerprint, 0) + 1}}
        case PredictionsAdded(version=version, fingerprint=fingerprint):
            _known(state, version)
            champion = version == state.champion
            changed = {"rescored": {**state.rescored, fingerprint: number}} if champion else {}
        case ReproductionRecorded(version=version, runs=runs):
            _known(state, version)
            changed = {"reproduced": {**state.reproduced, str(version): number}} if runs > 1 else {}
        case _:
            changed = _after_record(state, body, number)
    return state.model_copy(update=changed)


def _after_record(
    state: LedgerState,
    body: WaiverRecord | ProbeRecord | LookRecord | MonitorRecord | CostRecord | ErasureRecord | DrillRecord,
    number: int,
) -> dict[str, object]:
    """Return what a record changes that is about one commit, one run, production, erased files, or a backup."""
    if isinstance(body, DrillRecord):
        if body.entry >= number:
            raise ValueError(f"entry {number} can't be about a backup that ends at entry {body.entry}")
        return {"drilled": number}
    if isinstance(body, MonitorRecord):
        _known(state, body.version)
        return {"monitored": number}
    if isinstance(body, CostRecord):
        return {"spent": months_after(state.spent or {}, body)}
    if isinstance(body, ErasureRecord):
        if body.earlier != state.erased:
            raise ValueError(f"an erasure after that of entry {body.earlier}: the newest one is {state.erased}")
        return {"erased": number}
    if isinstance(body, WaiverRecord):
        return {"waived": _waived_after(state.waived or {}, body.head, number)}
    return (
        _after_look(state, body, number)
        if isinstance(body, LookRecord)
        else {"probed": _probed_after(state.probed, body)}
    )


def _waived_after(waived: Mapping[str, tuple[int, ...]], head: str, number: int) -> dict[str, tuple[int, ...]]:
    """Return the waivers by commit after another one; the commits without a recent waiver are left out."""
    own = (*waived.get(head, ()), number)
    if len(own) > WAIVERS:
        raise ValueError(f"commit {head} has {WAIVERS} waivers already")
    others = sorted(((one, at) for one, at in waived.items() if one != head), key=lambda item: item[1][-1])
    return dict([*others, (head, own)][-WAIVED_HEADS:])


def _probed_after(before: DayOfProbes | None, look: ProbeRecord) -> DayOfProbes:
    """Return the looks of the day after another one; a newer day starts without looks."""
    if before is not None and look.day < before.day:
        raise ValueError(f"a look on {look.day} can't follow one on {before.day}")
    pulls = before.pulls if before is not None and before.day == look.day else {}
    name, pull = f"{look.run}.{look.attempt}", str(look.pull)
    if sum(map(len, pulls.values())) >= PROBES or name in pulls.get(pull, ()):
        raise ValueError(f"{look.day} has {PROBES} looks already, or pull request {pull} has this one")
    return DayOfProbes(day=look.day, pulls={**pulls, pull: (*pulls.get(pull, ()), name)})


def _after_look(state: LedgerState, look: LookRecord, number: int) -> dict[str, object]:
    """Return what a look changes: the uses, and the looks of the newest evaluation sets."""
    looked = dict(state.looked or {})
    own = looked.pop(look.fingerprint, None)
    if own is not None and len(own.candidates) >= MOST_LOOKS:
        raise ValueError(f"the evaluation set {look.fingerprint} has {MOST_LOOKS} looks already")
    others = sorted(looked.items(), key=lambda item: item[1].newest)[-(LOOKED_SETS - 1) :]
    after = LooksOfSet(
        candidates=(*(own.candidates if own else ()), look.predictions[:LOOK_DIGITS]),
        alphas=(*(own.alphas if own else ()), look.alpha),
        newest=number,
        accepted=own.accepted if own else None,
    )
    uses = {**state.uses, look.fingerprint: state.uses.get(look.fingerprint, 0) + 1}
    return {"uses": uses, "looked": dict([*others, (look.fingerprint, after)])}


def _accepted_after(looked: Mapping[str, LooksOfSet], rows: str | None, replaced: int | None) -> dict[str, object]:
    """Return what a promotion changes for the evaluation set that it was judged on: the first one counts."""
    if replaced is None or rows is None or rows not in looked or looked[rows].accepted is not None:
        return {}
    after = looked[rows].model_copy(update={"accepted": len(looked[rows].candidates)})
    return {"looked": {**looked, rows: after}}


def _known(state: LedgerState, version: int) -> None:
    if str(version) not in state.promoted:
        raise ValueError(f"version {version} does not exist")


def linked_entries(state: LedgerState) -> set[int]:
    """Return the numbers of all entries that a state refers to."""
    found = {*state.promoted.values(), *state.rescored.values(), *state.reproduced.values()}
    found |= {number for numbers in (state.waived or {}).values() for number in numbers}
    return found | ({state.decided, state.monitored or 0, state.erased or 0, state.drilled or 0} - {0})


def entries_to_link(state: LedgerState, *, number: int) -> set[int]:
    """Return the numbers of the entries whose digests belong in the state of entry ``number``."""
    before = sorted(item for item in linked_entries(state) if item < number)
    decide = {state.decided, state.promoted.get(str(state.champion), 0)} - {0, number}
    return {*before[-LINKED:], *decide}


def linked_digest(state: LedgerState, digests: Mapping[int, str], *, number: int) -> LedgerState:
    """Return the state of entry ``number`` with the digests that belong in it."""
    kept = {str(item): digests[item] for item in entries_to_link(state, number=number)}
    return state.model_copy(update={"digests": kept})


def next_link(entry: Entry, target: int) -> tuple[int, str]:
    """Return number and digest of the entry to read next, on the way from a trusted entry back to ``target``.

    Raises:
        ValueError: if the target is not before the entry.
    """
    if entry.previous is None or target >= entry.number:
        raise ValueError(f"entry {target} is not before entry {entry.number}")
    known = {int(item): digest for item, digest in (entry.state.digests or {}).items()}
    known[entry.number - 1] = entry.previous
    nearest = min(item for item in known if item >= target)
    return nearest, known[nearest]


class StateSnapshot(LedgerPart):
    """The file: the state after an entry, without the fields that only entries have."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/state/1"], Field(alias="schema")] = "mlci/state/1"
    entry: Annotated[int, Field(ge=1)]
    champion: int | None
    versions: Count
    decided: Count
    promoted: dict[str, int]
    uses: dict[str, int]
    rescored: dict[str, int]
    reproduced: dict[str, int]


def dump_snapshot(state: LedgerState, *, entry: int) -> bytes:
    """Return the bytes of a snapshot of the state after an entry."""
    parts = state.model_dump(exclude=set(_LATER_STATE))
    return canonical_json(StateSnapshot(entry=entry, **parts).model_dump(mode="json", by_alias=True))


def restore_state(entry_state: LedgerState, whole: StateSnapshot) -> LedgerState:
    """Return the whole state of an entry from its own part and the snapshot that it names."""
    rescored = whole.rescored if whole.entry >= entry_state.decided else {}  # a decision removes the additions
    return entry_state.model_copy(
        update={
            "promoted": {**whole.promoted, **entry_state.promoted},
            "uses": {**whole.uses, **entry_state.uses},
            "rescored": {**rescored, **entry_state.rescored},
            "reproduced": {**whole.reproduced, **entry_state.reproduced},
            "snapshot": None,
        }
    )


def compact_state(
    entry_state: LedgerState, before: LedgerState, after: LedgerState, *, number: int
) -> tuple[LedgerState, bytes | None]:
    """Return an entry's part of the state after it, and the snapshot to store for that, if any.

    Args:
        entry_state: Part of the state in the entry before it.
        before: The whole state before it.
        after: The whole state after it, with its digests.
        number: Number of the entry.
    """
    own = {name: _changed(getattr(before, name), getattr(after, name)) for name in _MAPS}
    parts = {name: {**getattr(entry_state, name), **own[name]} for name in _MAPS}
    if after.decided != before.decided:
        parts["rescored"] = own["rescored"] = {}
    if sum(map(len, parts.values())) <= MOST_ITEMS:
        return after.model_copy(update={**parts, "snapshot": entry_state.snapshot}), None
    data = dump_snapshot(before, entry=number - 1)
    return after.model_copy(update={**own, "snapshot": SnapshotRef(entry=number - 1, digest=sha256_of(data))}), data


def _changed(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {key: value for key, value in after.items() if before.get(key) != value}


def rolled_back_versions(decisions: Iterable[Promotion | Rollback]) -> dict[int, str]:
    """Return the reason of each rolled-back version, by its number.

    A rollback to an older version rolls back the version that it replaces and all others that are newer than its
    target. If production returns to one of them, that rollback is undone: for this version and for the others of the
    same rollback. Versions of other rollbacks stay rolled back.

    Args:
        decisions: All promotions and rollbacks, in the order of the ledger.
    """
    rolled_back: list[tuple[int, Rollback]] = []
    newest = 0
    for step in decisions:
        if isinstance(step, Promotion):
            newest = step.version
            continue
        rolled_back = [(number, by) for number, by in rolled_back if step.version not in {number, by.replaced}]
        if step.version < step.replaced:
            rolled_back += [(number, step) for number in range(step.version + 1, newest + 1)]
    return {number: by.reason for number, by in reversed(rolled_back)}  # the first of several rollbacks counts
