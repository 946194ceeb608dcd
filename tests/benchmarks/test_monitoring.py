"""The simulation of monitoring, in small: no alarm without a change, many after a fall, and its page."""

from benchmarks.monitoring import page, simulate
from benchmarks.monitoring.simulate import Rates, Scenario


def test_simulation__no_change_and_a_fall():
    quiet = simulate.play(Scenario(rows=500, margin=0.0), models=4, weeks=10)
    assert (quiet.weeks, quiet.alarmed) == (40, 0)
    fallen = simulate.play(Scenario(rows=1_000, margin=0.02, fall=0.1), models=2, weeks=5)
    assert fallen.alarmed == 10


def test_simulation__columns_without_drift():
    rates = simulate.play(Scenario(rows=200, margin=0.02, drift=True), models=1, weeks=4)
    assert (rates.drifted, rates.warned) == (0, 0)


def test_page__too_many_alarms():
    rates = Rates(scenario=Scenario(rows=200, margin=0.02), weeks=1_000, alarmed=11, warned=4, drifted=0)
    assert page.list_misses([rates]) == ["missed: 200 rows, margin 0.02: 11 of 1,000 weeks"]
    assert "| none | 200 | 0.02 | 1.1 % | 0.4 % | – |" in page.section([rates])
