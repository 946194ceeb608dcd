"""Waivers: a finding that a person accepted warns, and everything else keeps its outcome."""

from dataclasses import replace

import pytest

from mlci.gates.judge import join_verdicts
from mlci.gates.limits import Limit, Rule
from mlci.gates.outcomes import AcceptedNumber, GateWaiver, JudgedGate, Outcome, Reason
from mlci.gates.waivers import WAIVABLE, accepted_number, apply_waivers, is_waivable
from mlci.metrics.statistics import WHOLE

HEAD, OTHER = "a" * 40, "b" * 40
LIMIT = Limit("max_drop", 0.01)
GATE = JudgedGate(
    rule=Rule(metric="recall", limits=(LIMIT,)),
    limit=LIMIT,
    scope=WHOLE,
    judge="interval",
    outcome=Outcome.FAILED,
    why=Reason.BEYOND_LIMIT,
    candidate=0.55,
    value=-0.03,
    blocks=True,
)
SEEN = AcceptedNumber(of="value", worst=-0.05)
WAIVER = GateWaiver(
    gate=GATE.id, head=HEAD, person="dana", reason="known label noise", until="2026-12-31", accepted=SEEN
)


def applied(gate=GATE, *waivers, head=HEAD, today="2026-12-01"):
    (found,) = apply_waivers([gate], waivers or [WAIVER], head=head, today=today)
    return found


def test_apply_waivers__finding():
    found = applied()
    assert (found.outcome, found.blocks, found.waiver) == ("waived", False, WAIVER)
    assert (found.why, found.value) == (GATE.why, GATE.value)
    assert join_verdicts([found]).word == "warn"
    passed = replace(GATE, outcome=Outcome.PASSED, why=None, blocks=False)
    assert join_verdicts([found, passed]).word == "warn"
    assert join_verdicts([found, GATE]).word == "block"


@pytest.mark.parametrize(
    ("changed", "about"),
    [
        ({}, {"head": OTHER}),
        ({}, {"head": None}),
        ({}, {"head": HEAD[:12]}),
        ({}, {"today": "2027-01-01"}),
        ({"gate": "recall.min"}, {}),
        ({"gate": "rec\u0430ll.max_drop"}, {}),
        ({"gate": ""}, {}),
        ({"gate": "*"}, {}),
    ],
)
def test_apply_waivers__of_something_else(changed, about):
    assert applied(GATE, replace(WAIVER, **changed), **about) == GATE


def test_apply_waivers__last_day_and_newest():
    assert applied(today="2026-12-31").outcome == "waived"
    newer = replace(WAIVER, until="2026-11-30", reason="shorter")
    assert applied(GATE, WAIVER, newer) == GATE
    assert applied(GATE, newer, WAIVER).waiver == WAIVER


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("why", [None, *Reason])
def test_is_waivable__only_measured_findings(outcome, why):
    gate = replace(GATE, outcome=outcome, why=why)
    assert is_waivable(gate) is (why in WAIVABLE.get(outcome, ()))
    assert applied(gate).outcome == ("waived" if is_waivable(gate) else outcome)


@pytest.mark.parametrize("why", [Reason.UNKNOWN_NAME, Reason.NOT_MEASURED, Reason.LABELS, Reason.UNDEFINED_FOR_BOTH,
                                 Reason.UNDEFINED_FOR_CANDIDATE, Reason.UNDEFINED_FOR_BASELINE, Reason.NO_BASELINE,
                                 Reason.NO_INTERVAL, Reason.DISAPPEARED, Reason.TEST_NOT_RUN])  # fmt: skip
def test_is_waivable__reason_without_a_number(why):
    assert not any(is_waivable(replace(GATE, outcome=outcome, why=why)) for outcome in Outcome)


def test_is_waivable__without_block_or_number():
    assert not is_waivable(replace(GATE, blocks=False))
    assert not is_waivable(replace(GATE, candidate=None, value=None))
    assert not is_waivable(replace(GATE, candidate=float("nan"), value=None))
    test = replace(GATE, rule=replace(GATE.rule, test=True), why=Reason.TEST_FAILED, candidate=None, value=None)
    assert is_waivable(test)


@pytest.mark.parametrize("value", [-0.05 - 1e-6, -0.4])
def test_apply_waivers__worse_than_accepted(value):
    """The same commit was trained again, and its number is worse than the worse end that the maintainer saw."""
    assert applied(replace(GATE, value=-0.05)).outcome == "waived"
    found = applied(replace(GATE, value=value))
    assert (found.outcome, found.blocks, found.waiver) == ("failed", True, None)
    assert "worse than the one that dana waived, whose worse end was -0.05" in found.not_covered
    assert join_verdicts([found]).word == "block"


def test_apply_waivers__other_number_than_accepted():
    seen = AcceptedNumber(of="candidate", worst=0.5)
    assert applied(GATE, replace(WAIVER, accepted=seen)).blocks
    assert applied(replace(GATE, value=None), replace(WAIVER, accepted=seen)).outcome == "waived"
    assert applied(replace(GATE, value=None)).blocks
    assert "does not say which number" in applied(GATE, replace(WAIVER, accepted=None)).not_covered


def test_accepted_number__worse_end():
    rise = Limit("max_rise", 0.01)
    assert accepted_number(LIMIT, value=-0.03, interval=(-0.05, -0.01), candidate=0.5) == SEEN
    assert accepted_number(rise, value=0.03, interval=(0.01, 0.05), candidate=0.5).worst == 0.05
    assert accepted_number(rise, value=0.03, interval=None, candidate=0.5).worst == 0.03
    assert accepted_number(LIMIT, value=None, interval=None, candidate=float("nan")) is None
