"""Waivers of the ledger: read those of a commit, apply them to judged gates, record another one."""

from collections.abc import Iterable, Sequence

from mlci.errors import InputError, OutsideError
from mlci.gates.outcomes import AcceptedNumber, GateWaiver, JudgedGate
from mlci.gates.waivers import apply_waivers, covers, is_waivable
from mlci.git.refs import CommitHead
from mlci.operations.context import RunContext
from mlci.registry import ledger
from mlci.registry.entries import WAIVERS, Entry, LedgerState
from mlci.registry.entry_kinds import WaiverRecord
from mlci.registry.registry import Registry, RegistryView
from mlci.report.document import GateRow, Report, Waiver

_TRIES = 20  # tries if other waivers of the same commit come in between


class _ChangedError(Exception):
    """Another waiver of the same commit came in between."""


def judged_commit(context: RunContext, checkout: CommitHead | None) -> str | None:
    """Return the commit whose waivers count for a run; ``None`` for a checkout with uncommitted changes."""
    if context.facts.candidate.commit is not None:
        return context.facts.candidate.commit
    return checkout.commit if checkout is not None and not checkout.dirty else None


def read_waivers(view: RegistryView | None, head: str | None) -> tuple[WaiverRecord, ...]:
    """Return the waivers of a commit, oldest first, each verified from the ledger head.

    Raises:
        CorruptError: if an entry is not the one that was appended.
        OutsideError: if the registry can't be reached.
    """
    numbers = (view.state.waived or {}).get(head or "", ()) if view is not None else ()
    if view is None or not numbers:
        return ()
    found = {entry.number: entry.body for entry in ledger.iter_verified(view.store, view.head, numbers)}
    return tuple(body for number in numbers if isinstance(body := found[number], WaiverRecord) and body.head == head)


def apply_recorded_waivers(
    gates: Sequence[JudgedGate], view: RegistryView | None, *, head: str | None, today: str
) -> tuple[JudgedGate, ...]:
    """Return the gates after the waivers that the ledger has for a commit; it is read only if a gate can be waived."""
    if not any(is_waivable(gate) for gate in gates):
        return tuple(gates)
    waivers = [as_gate_waiver(one) for one in read_waivers(view, head)]
    return apply_waivers(gates, waivers, head=head, today=today)


def as_gate_waiver(record: WaiverRecord) -> GateWaiver:
    """Return the part of a record that judging needs."""
    return GateWaiver(
        gate=record.gate,
        head=record.head,
        person=record.person,
        reason=record.reason,
        until=record.until,
        accepted=_accepted(record),
    )


def _accepted(record: WaiverRecord) -> AcceptedNumber | None:
    if record.accepted is None or record.worst is None:
        return None
    return AcceptedNumber(of=record.accepted, worst=record.worst)


def stale_waivers(report: Report, view: RegistryView, *, today: str) -> str | None:
    """Return why a report has to be judged again because of waivers; ``None`` if it has those of the ledger."""
    rows = {row.id: row for row in report.gates}
    newest = {one.gate: one for one in read_waivers(view, report.candidate.commit)}
    newest = {name: one for name, one in newest.items() if name in rows and _holds(one, rows[name])}
    in_force = {name: Waiver(by=one.person, until=one.until, reason=one.reason) for name, one in newest.items()
                if today <= one.until}  # fmt: skip
    for row in report.gates:
        if row.waived is not None and in_force.get(row.id) != row.waived:
            return f"the waiver of `{row.id}` ended, does not cover its value, or is not in the ledger"
        if row.waivable and row.id in in_force:
            return f"`{row.id}` was waived"
    return None


def _holds(record: WaiverRecord, row: GateRow) -> bool:
    return row.test or covers(_accepted(record), row.limit, value=row.value, candidate=row.candidate)


def record_waiver(registry: Registry, waiver: WaiverRecord) -> Entry | None:
    """Append a waiver, once for each comment; return its entry, or ``None`` if the ledger has it already.

    Raises:
        InputError: if the commit has too many waivers.
        OutsideError: if the registry can't be written to.
    """
    for _ in range(_TRIES):
        view = registry.view()
        known = read_waivers(view, waiver.head)
        if _is_recorded(known, waiver):
            return None
        if len(known) >= WAIVERS:
            raise InputError(
                f"commit {waiver.head} has {WAIVERS} waivers already; push a new commit, or recover a gate"
            )
        seen = (view.state.waived or {}).get(waiver.head, ())

        def decide(state: LedgerState, seen: tuple[int, ...] = seen) -> WaiverRecord:
            if (state.waived or {}).get(waiver.head, ()) != seen:
                raise _ChangedError
            return waiver

        try:
            return registry.append(decide)
        except _ChangedError:
            continue
    raise OutsideError(f"{registry.shown}: other waivers came first {_TRIES} times in a row; try again later")


def _is_recorded(known: Iterable[WaiverRecord], waiver: WaiverRecord) -> bool:
    """Check if a waiver was recorded: by the id of its comment, or else if the newest of its gate is the same."""
    if waiver.comment is not None:
        return any(one.comment == waiver.comment for one in known)
    newest = {one.gate: one for one in known}
    return newest.get(waiver.gate) == waiver
