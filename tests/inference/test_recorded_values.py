"""Values and intervals of a report, judged as evidence."""

import math

import pytest
from scipy.stats import norm

from mlci.inference.intervals.error_intervals import Recorded

VALUE, ENDS = 0.8, (0.7, 0.86)
EVIDENCE = Recorded(VALUE, ENDS, 0.95, "wilson")


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_recorded__tests_and_interval_agree(confidence):
    low, high = EVIDENCE.interval(confidence)
    factor = norm.ppf((1 + confidence) / 2) / norm.ppf(0.975)
    assert (low, high) == pytest.approx((VALUE - 0.1 * factor, VALUE + 0.06 * factor))
    assert EVIDENCE.below(high) == pytest.approx((1 - confidence) / 2)
    assert EVIDENCE.above(low) == pytest.approx((1 - confidence) / 2)


def test_recorded__at_its_own_level():
    assert EVIDENCE.interval(0.95) == ENDS
    assert EVIDENCE.below(VALUE) == EVIDENCE.above(VALUE) == 0.5
    assert EVIDENCE.below(0.7) == pytest.approx(0.975)
    assert EVIDENCE.above(0.86) == pytest.approx(0.975)


def test_recorded__without_a_width():
    exact = Recorded(0.5, (0.5, 0.5), 0.95, "identical")
    assert [exact.below(limit) for limit in (0.4, 0.5, 0.6)] == [1, 1, 0]
    assert [exact.above(limit) for limit in (0.4, 0.5, 0.6)] == [0, 1, 1]
    unknown = Recorded(0.5, None, 0.95, "too few", "too few rows")
    assert (unknown.interval(0.95), unknown.below(math.inf), unknown.above(-math.inf)) == (None, 1, 1)
