"""Waivers: a person accepts the finding of one gate on one commit, until a day. Pure.

A waiver accepts a number that was measured, or a shortage of rows beside one. Everything else keeps its outcome:
errors, values that are missing, and gates without a baseline have no number that a person could have accepted.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite

from mlci.gates.outcomes import GateWaiver, JudgedGate, Outcome, Reason

WAIVABLE: dict[Outcome, frozenset[Reason]] = {
    Outcome.FAILED: frozenset({Reason.BEYOND_LIMIT, Reason.TEST_FAILED}),
    Outcome.INCONCLUSIVE: frozenset(
        {Reason.ACROSS_LIMIT, Reason.HOLM, Reason.TOO_FEW, Reason.TOO_FEW_CARRIERS, Reason.GROUP_TOO_SMALL}
    ),
}
"""Outcomes that can be waived, with their reasons. An outcome or a reason that is missing here can't be."""


def is_waivable(gate: JudgedGate) -> bool:
    """Check if a gate blocks with a finding that a person can accept."""
    measured = gate.rule.test or any(one is not None and isfinite(one) for one in (gate.candidate, gate.value))
    return gate.blocks and measured and gate.why in WAIVABLE.get(gate.outcome, frozenset())


def apply_waivers(
    gates: Sequence[JudgedGate], waivers: Sequence[GateWaiver], *, head: str | None, today: str
) -> tuple[JudgedGate, ...]:
    """Return the gates, each with a blocking finding that was waived as waived.

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
    return gate if waiver is None else replace(gate, outcome=Outcome.WAIVED, blocks=False, waiver=waiver)
