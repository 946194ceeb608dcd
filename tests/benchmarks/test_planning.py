"""The benchmark of plans finds a drop as often as stated, and notices one that is stated too small."""

from dataclasses import replace

from benchmarks.planning.__main__ import list_misses
from benchmarks.planning.simulate import CASES, measure


def test_measure__detectable_drop_is_found_in_four_of_five():
    found = measure(*CASES[1], runs=300)
    assert list_misses([found]) == []
    assert 0.72 < found.found < 0.88


def test_list_misses__planted():
    found = measure(*CASES[1], runs=20)
    wrong = replace(found, found=0.6, passed=0.5, blocked=0.9, runs=4_000)
    assert len(list_misses([wrong])) == 2
