"""Confirmation of slices, against scipy."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mlci.inference.intervals.score_intervals import Tango
from mlci.inference.slice_search import COUNTED, change_interval, confirm_slices, p_value
from mlci.metrics.worst_slices import ChosenSlice, LossSums, SearchedSlices


def sums(change):
    return LossSums(
        rows=len(change),
        baseline=0.0,
        candidate=float(change.sum()),
        change=float(change.sum()),
        squared_change=float((change**2).sum()),
    )


def chosen(inside, outside):
    return ChosenSlice(
        conditions={"region": "north"},
        rows=len(inside) * 2,
        inside=sums(inside),
        outside=sums(outside),
        worse=int((inside > 0).sum()),
        better=int((inside < 0).sum()),
    )


def test_p_value__losses_by_student_and_welch():
    draw = np.random.default_rng(2)
    inside, outside = draw.normal(0.3, 1, 80), draw.normal(0.1, 2, 500)
    against_baseline = stats.ttest_1samp(inside, 0, alternative="greater").pvalue
    against_rest = stats.ttest_ind(inside, outside, equal_var=False, alternative="greater").pvalue
    assert against_rest > against_baseline
    assert p_value(chosen(inside, outside), "squared error") == pytest.approx(against_rest, rel=1e-9)
    assert p_value(chosen(inside, outside - 5), "squared error") == pytest.approx(against_baseline, rel=1e-9)


def test_p_value__decisions_are_exact():
    inside, outside = np.repeat([1.0, -1.0, 0.0], [14, 4, 60]), np.tile([1.0, -1.0, 0.0], 400)
    exact = stats.binomtest(14, 18, alternative="greater").pvalue
    assert p_value(chosen(inside, outside), COUNTED) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("loss", [COUNTED, "squared error"])
def test_p_value__better_or_equal_is_never_worse(loss):
    rest = np.tile([1.0, -1.0], 40)
    assert p_value(chosen(np.repeat([-1.0, 0.0], 30), rest - 3), loss) == 1
    assert p_value(chosen(np.zeros(50), rest), loss) == 1


def test_p_value__worse_everywhere_is_no_slice():
    rest = np.tile([1.0, 0.0], 400)
    assert p_value(chosen(rest[:100], rest), COUNTED) > 0.4


def test_confirm_slices__holm():
    one = chosen(np.repeat([1.0, -1.0, 0.0], [14, 4, 60]), np.tile([1.0, -1.0, 0.0], 400))
    searched = SearchedSlices(loss=COUNTED, searched=99, columns=("region",), left_out=(), chosen=(one,))
    alone = confirm_slices(searched, 0.95)
    assert [found.p for found in alone.slices] == [pytest.approx(0.0154, abs=1e-4)]
    equal = replace(one, worse=4, better=14)
    many = confirm_slices(replace(searched, chosen=(one, *[equal] * 9)), 0.95)
    assert (many.slices, many.checked) == ((), 10)


def test_change_interval__student():
    change = np.random.default_rng(4).normal(0.2, 1, 40)
    expected = stats.t.interval(0.95, 39, change.mean(), stats.sem(change))
    assert change_interval(chosen(change, change), "log loss", 0.95) == pytest.approx(expected, rel=1e-9)


def test_change_interval__decisions():
    change = np.repeat([1.0, -1.0, 0.0], [14, 4, 60])
    low, high = change_interval(chosen(change, change), COUNTED, 0.95)
    assert low < change.mean() < high
    assert (low, high) == Tango(14, 4, 78).interval(0.95)
