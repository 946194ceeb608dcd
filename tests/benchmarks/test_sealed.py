"""The benchmark of sealed mode: its table, and a mode that asks GitHub too often."""

from benchmarks.sealed import page
from benchmarks.sealed.measure import ModeCosts


def found(requests=29):
    one = ModeCosts(jobs=1, commands={"open": [1.0, 3.0, 2.0], "run": [4.0, 4.0, 7.0]}, requests=[21, 21, 20])
    commands = {"open": [1.0] * 3, "predict": [2.0, 3.0, 4.0], "gate": [5.0] * 3}
    return {"one job": one, "sealed": ModeCosts(jobs=3, commands=commands, requests=[requests] * 3)}


def test_section__medians_of_sums_and_differences():
    text = page.section(found(), 3)
    assert "| one job | 1 | 7.00 | 4.00 | 21 |" in text
    assert "| sealed | 3 | 9.00 | 3.00 | 29 |" in text
    assert "| sealed mode adds | 2 | +2.00 | -1.00 | +8 |" in text


def test_misses__a_mode_above_its_bound():
    assert page.list_misses(found()) == []
    assert page.list_misses(found(requests=50)) == ["missed: sealed: 50 requests, at most 32"]
