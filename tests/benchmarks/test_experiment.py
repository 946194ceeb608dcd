"""The benchmark of experiments in miniature, and what it says of a judge that errs too often."""

import pytest

from benchmarks.experiment import page
from benchmarks.experiment.simulate import Scenario, Tally, count_mismatches, simulate
from mlci.experiment import compare

AT_THE_LIMIT = Scenario(title="at the limit", change=-0.1, limit=0.1)


def test_simulate__false_promotions():
    tally = simulate(AT_THE_LIMIT, 120)
    assert tally.promoted <= 7
    assert tally.peeking > 15


def test_simulate__narrow_intervals_promote_too_often(monkeypatch):
    honest = compare.sequential_difference

    def narrow(control, treatment, **settings):
        low, high = honest(control, treatment, **settings)
        middle, reach = (low + high) / 2, (high - low) / 8
        return middle - reach, middle + reach

    monkeypatch.setattr(compare, "sequential_difference", narrow)
    tally = simulate(AT_THE_LIMIT, 120)
    found = {scenario.title: tally for scenario in page.SCENARIOS}
    assert "at most 5 %" in page.list_misses(found, {0.5: 0, 0.52: 0, 0.55: 120}, 120)[0]


def test_count_mismatches__fair_and_unfair():
    assert count_mismatches(0.5, 250) <= 1
    assert count_mismatches(0.56, 40) == 40


@pytest.mark.parametrize(("mismatches", "missed"), [((0, 400), 0), ((9, 400), 1), ((0, 300), 1)])
def test_misses__bounds_of_the_split(mismatches, missed):
    found = {scenario.title: Tally(experiments=400) for scenario in page.SCENARIOS}
    fair, unfair = mismatches
    assert len(page.list_misses(found, {0.5: fair, 0.52: 0, 0.55: unfair}, 400)) == missed


def test_section__median_and_shares():
    tally = Tally(experiments=4, promoted=2, rolled_back=1, units=[500, 1_500, 2_000], peeking=3)
    text = page.section({one.title: tally for one in page.SCENARIOS}, dict.fromkeys(page.SHARES, 1), 4)
    assert "| skewed mean, no change | 50.00 % | 25.00 % | 75.00 % | 2,000 | 4,203 |" in text
    assert "| 50 % of the users in the treatment | 25.00 % |" in text
