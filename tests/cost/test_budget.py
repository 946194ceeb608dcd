"""Sums of a month and its budget: exact sums, a year's end, the warning and the gate at their borders."""

import random

import pytest

from mlci.cost.budget import is_near_budget, month_total
from mlci.gates.budget import judge_month
from mlci.gates.outcomes import Outcome
from mlci.gates.waivers import is_waivable
from mlci.registry.entries import LedgerState, state_after
from mlci.registry.entry_kinds import CostRecord
from mlci.registry.spending import KEPT_MONTHS, MonthOfCosts

DIGEST = "0" * 64


def record(month, micro_usd, minutes=1):
    return CostRecord(month=month, minutes=minutes, micro_usd=micro_usd, runner="linux", report=DIGEST)


def spent(*records):
    state = LedgerState()
    for number, one in enumerate(records, start=1):
        state = state_after(state, one, number=number)
    return state.spent


def test_state_after__months_and_years():
    found = spent(
        record("2026-11", 6_000),
        record("2026-12", 12_000, minutes=2),
        record("2026-12", None, minutes=7),
        record("2027-01", 18_000),
        record("2026-12", 1),  # recorded by a machine whose clock is behind
    )
    assert found == {
        "2026-11": MonthOfCosts(runs=1, minutes=1, micro_usd=6_000),
        "2026-12": MonthOfCosts(runs=3, minutes=10, micro_usd=12_001, unpriced=1),
        "2027-01": MonthOfCosts(runs=1, minutes=1, micro_usd=18_000),
    }


def test_state_after__keeps_the_newest_months():
    months = [f"{year}-{month:02}" for year in (2026, 2027, 2028) for month in range(1, 13)]
    found = spent(*(record(month, 1) for month in months))
    assert list(found) == months[-KEPT_MONTHS:]
    assert spent(*(record(month, 1) for month in [*months, "2020-01"])) == found


def test_state_after__other_kinds_keep_the_costs():
    state = state_after(LedgerState(), record("2026-11", 5), number=1)
    assert state_after(state, record("2026-12", 5), number=2).promoted == {}
    assert state.spent is not None
    assert LedgerState().spent is None


def test_month_total__sums_are_exact():
    draw = random.Random(20261130)
    parts = [round(draw.uniform(0, 3), 6) for _ in range(2_000)]
    recorded = sum(round(part * 1_000_000) for part in parts[:-1])
    assert round(month_total(recorded, parts[-1]) * 1_000_000) == recorded + round(parts[-1] * 1_000_000)
    assert month_total(100_000, 0.2) == 0.3
    assert month_total(5, None) is None


@pytest.mark.parametrize(("total", "near"), [(39.999999, False), (40.0, True), (51.0, True), (None, False)])
def test_is_near_budget__from_80_per_cent(total, near):
    assert is_near_budget(1.0, total, 50.0) is near
    assert is_near_budget(45.0, None, 50.0)  # the recorded runs alone reach it
    assert not is_near_budget(45.0, 60.0, None)


@pytest.mark.parametrize(
    ("spent", "outcome"), [(49.999999, Outcome.PASSED), (50.0, Outcome.PASSED), (50.000001, Outcome.FAILED)]
)
def test_judge_month__at_the_limit(spent, outcome):
    gate = judge_month(spent, budget=50.0, line=7, reason=None)
    assert (gate.outcome, gate.blocks) == (outcome, outcome is Outcome.FAILED)
    assert (gate.id, gate.rule.line) == ("cost_usd_per_month.max", 7)
    assert is_waivable(gate) is gate.blocks


def test_judge_month__unknown_is_an_error():
    gate = judge_month(None, budget=50.0, line=7, reason="the price of a minute is unknown")
    assert (gate.outcome, gate.blocks, gate.value) == (Outcome.ERROR, True, None)
    assert gate.reason == "the price of a minute is unknown"
    assert not is_waivable(gate)
