"""Waivers: a person accepts the finding of one gate on one commit, until a day. Pure.

A waiver accepts a number that was measured, or a shortage of rows beside one. Everything else keeps its outcome:
errors, values that are missing, and gates without a baseline have no number that a person could have accepted.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite

from mlci.gates.limits import Limit
from mlci.gates.outcomes import AcceptedNumber, GateWaiver, JudgedGate, Outcome, Reason

WAIVABLE: dict[Outcome, frozenset[Reason]] = {
    Outcome.FAILED: frozenset({Reason.BEYOND_LIMIT, Reason.TEST_FAILED}),
    Outcome.INCONCLUSIVE: frozenset(
        {Reason.ACROSS_LIMIT, Reason.HOLM, Reason.TOO_FEW, Reason.TOO_FEW_CARRIERS, Reason.GROUP_TOO_SMALL}
    ),
}
"""Outcomes that can be waived, with their reasons. An outcome or a reason that is missing here can't be."""

_NOISE = 1e-9  # relative error of the same number computed again


def is_waivable(gate: JudgedGate) -> bool:
    """Check if a gate blocks with a finding that a person can accept."""
    measured = gate.rule.test or any(one is not None and isfinite(one) for one in (gate.candidate, gate.value))
    return gate.blocks and measured and gate.why in WAIVABLE.get(gate.outcome, frozenset())


def accepted_number(
    limit: Limit, *, value: float | None, interval: tuple[float, float] | None, candidate: float | None
) -> AcceptedNumber | None:
    """Return the number that a person accepts with a gate's finding; ``None`` if it has none."""
    if value is None or not isfinite(value):
        return (
            AcceptedNumber(of="candidate", worst=candidate) if candidate is not None and isfinite(candidate) else None
        )
    ends = (value, *(end for end in interval or () if isfinite(end)))
    return AcceptedNumber(of="value", worst=min(ends) if limit.is_floor else max(ends))


def covers(accepted: AcceptedNumber | None, limit: Limit, *, value: float | None, candidate: float | None) -> bool:
    """Check if a gate's number is not worse than the one that was accepted."""
    now = accepted_number(limit, value=value, interval=None, candidate=candidate)
    if accepted is None or now is None or now.of != accepted.of:
        return False
    return limit.distance(now.worst, accepted.worst) >= -_NOISE * max(1.0, abs(accepted.worst))


def apply_waivers(
    gates: Sequence[JudgedGate], waivers: Sequence[GateWaiver], *, head: str | None, today: str
) -> tuple[JudgedGate, ...]:
    """Return the gates, each with a blocking finding that was waived as waived.

    A commit can be trained again, so a waiver holds only while the number is not worse than the one that was accepted.

    Args:
        gates: The judged gates.
        waivers: All known waivers, oldest first; of two for one gate the newer one counts.
        head: Commit that the candidate was made from; without one no waiver counts.
        today: The day in UTC, ``YYYY-MM-DD``.
    """
    newest = {one.gate: one for one in waivers if one.head == head}
    counted = {name: one for name, one in newest.items() if today <= one.until}
    return tuple(_waived(gate, counted.get(gate.id)) if is_waivable(gate) else gate for gate in gates)


def _waived(gate: JudgedGate, waiver: GateWaiver | None) -> JudgedGate:
    if waiver is None:
        return gate
    if gate.rule.test or covers(waiver.accepted, gate.limit, value=gate.value, candidate=gate.candidate):
        return replace(gate, outcome=Outcome.WAIVED, blocks=False, waiver=waiver)
    return replace(gate, not_covered=_worse(waiver))


def _worse(waiver: GateWaiver) -> str:
    if waiver.accepted is None:
        return f"the waiver of {waiver.person} does not say which number was accepted: waive it again"
    return (
        f"the value is worse than the one that {waiver.person} waived, whose worse end was {waiver.accepted.worst:.4g}"
    )
