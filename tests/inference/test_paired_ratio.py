"""Ratio of paired costs: its interval by hand, under heavy tails, and on a machine that slows down."""

import random

import pytest

from mlci.inference.intervals.paired_ratio import least_pairs, paired_ratio


@pytest.mark.parametrize(("pairs", "low", "high"), [(6, 1, 6), (8, 1, 8), (9, 2, 8), (20, 6, 15)])
def test_paired_ratio__order_statistics(pairs, low, high):
    """Ends from the tables of the sign test at 95 %, such as Conover's, of 1/1 to n/1."""
    found = paired_ratio(range(1, pairs + 1), [1] * pairs, confidence=0.95)
    assert (found.value, found.low, found.high) == ((pairs + 1) / 2, low, high)


@pytest.mark.parametrize(("confidence", "pairs"), [(0.5, 2), (0.75, 3), (0.95, 6), (0.99, 8)])
def test_paired_ratio__too_few_pairs(confidence, pairs):
    assert least_pairs(confidence) == pairs
    assert paired_ratio([2] * pairs, [1] * pairs, confidence=confidence).low == 2
    with pytest.raises(ValueError, match=f"{pairs} are needed"):
        paired_ratio([2] * (pairs - 1), [1] * (pairs - 1), confidence=confidence)


def test_paired_ratio__covers_with_heavy_tails_and_a_drift():
    draw, covered, repeats = random.Random(5), 0, 600
    for _ in range(repeats):
        machine = [1.02**index for index in range(20)]
        now, before = ([speed * draw.paretovariate(1.5) for speed in machine] for _ in range(2))
        found = paired_ratio([1.3 * time for time in now], before, confidence=0.95)
        covered += found.low <= 1.3 <= found.high
    assert 0.94 <= covered / repeats <= 0.98  # 95.9 % by the binomial distribution
