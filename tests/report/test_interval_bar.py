"""Bars of gates: rounding never moves an interval to the other side of the limit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.report.terminal import _BETTER, _WORSE, interval_bar
from tests.support.reports import failed, gate, inconclusive, passed

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("result", "drawn"),
    [
        (
            failed("recall", was=0.891, now=0.733, low=-0.200, high=-0.123, max_drop=0.05),
            "·━━━━■━━━·····│",
        ),
        (
            inconclusive("roc_auc", was=0.7632, now=0.7562, low=-0.0112, high=-0.0029, max_drop=0.01),
            "···········━━━┿━━━━━━━◆━━━━━━━━━━",
        ),
        (
            passed("roc_auc", now=0.9, low=0.85, high=0.95, min=0.85, judge="interval"),
            "··············┿━━━━━━━━●━━━━━━━━━",
        ),
        (failed("roc_auc", now=0.85, low=0.80, high=0.90, min=0.86, judge="estimate"), "·■············│"),
        (
            passed("recall_shift", across="sex", value=0.0, low=0.0, high=0.0, max=0.05),
            "··············│                 ●",
        ),
    ],
)
def test_bar__worse_is_left_and_better_right(result, drawn):
    assert interval_bar(result) == drawn


@pytest.mark.parametrize(
    "result",
    [
        gate("error", "recall", max_drop=0.1, reason="0/0"),
        gate("error", "recall", was=0.5, now=0.6, max_drop=0.1, reason="it has no interval", why="no_interval"),
        gate("inconclusive", "recall", was=0.5, now=0.4, max_drop=0.1, relative=True).model_copy(
            update={"bound": None}
        ),
        gate("failed", "pkg.mod:fn", was=-1.7e308, now=1.7e308, value=1.7e308, max=-1.7e308),
    ],
)
def test_bar__no_interval(result):
    assert interval_bar(result) is None


@given(st.lists(FINITE, min_size=3, max_size=3), FINITE, st.sampled_from(["min", "max"]))
@settings(max_examples=300, deadline=None)
def test_bar__never_contradicts_the_interval(numbers, bound, kind):
    low, value, high = sorted(numbers)
    bar = interval_bar(gate("inconclusive", "x", now=value, low=low, high=high, judge="interval", **{kind: bound}))
    if bar is None:
        return
    cells = [index for index, cell in enumerate(bar) if cell in "━┿◆"]
    near = 1e-12 * max(map(abs, (*numbers, bound)))
    ends = [bound - end if kind == "max" else end - bound for end in (low, high)]
    worst, best = sorted(0 if abs(end) <= near else end for end in ends)
    assert (min(cells) < _WORSE, min(cells) > _WORSE) == (worst < 0, worst > 0)
    assert (max(cells) < _WORSE, max(cells) > _WORSE) == (best < 0, best > 0)
    assert cells == list(range(min(cells), max(cells) + 1))
    assert len(bar) <= _WORSE + 1 + _BETTER
