import math

import numpy as np
import pytest

from mlci.inference.intervals.confidence_sequence import (
    SampleMean,
    SampleRate,
    difference_variance,
    mixture_precision,
    rows_to_exclude,
    sequential_difference,
    sequential_interval,
    sequential_quantile,
)

LOOKS = [100 * look for look in range(1, 31)]


def misses(draw, seed):
    """Shares of 1,000 series without a difference of which any of 30 looks finds one: by a z-test, by the sequence."""
    rng = np.random.default_rng(seed)
    series = draw(rng, (2, 1000, LOOKS[-1]))
    rows, ends = np.asarray(LOOKS), np.asarray(LOOKS) - 1
    sums, squares = (np.cumsum(series**power, axis=2)[:, :, ends] for power in (1, 2))
    variance = (squares - sums**2 / rows) / (rows - 1)
    z = np.abs((sums[0] - sums[1]) / rows) / np.sqrt(variance.sum(axis=0) / rows)
    quantiles = np.array([sequential_quantile(2 * look, tuned_for=LOOKS[-1]) for look in LOOKS])
    return (z > 1.96).any(axis=1).mean(), (z > quantiles).any(axis=1).mean()


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, shape: rng.standard_normal(shape, dtype=np.float32).astype(float),
        lambda rng, shape: rng.standard_exponential(shape, dtype=np.float32).astype(float),
    ],
    ids=["normal", "skewed"],
)
def test_sequential_quantile__thirty_looks(draw):
    z_test, sequence = misses(draw, seed=7)
    assert z_test > 0.22
    assert sequence < 0.03


def ever_missed(rate, rows, interval):
    """Exact probability that the interval of a rate misses it after any of the first rows, by recursion over counts."""
    alive, missed = np.array([1.0]), 0.0
    for n in range(1, rows + 1):
        alive = np.append(alive * (1 - rate), 0) + np.append(0, alive * rate)
        for events in np.flatnonzero(alive > 1e-12):
            low, high = interval(SampleRate(n, int(events)))
            if not low <= rate <= high:
                missed += alive[events]
                alive[events] = 0
    return missed


@pytest.mark.parametrize("rate", [0.02, 0.4])
def test_sequential_interval__exact_for_every_count(rate):
    missed = ever_missed(rate, 60, lambda sample: sequential_interval(sample, confidence=0.8, tuned_for=30))
    assert 0.005 < missed < 0.2


def test_sequential_difference__few_events():
    """Without a difference, few of 200 series ever exclude 0; a z-test does in more than one of four."""
    rng, looks = np.random.default_rng(3), range(1, 11)
    counts = np.cumsum(rng.binomial(250, 0.012, size=(200, 2, 10)), axis=2)
    alarms, missed = 0, 0
    for series in counts:
        arms = [tuple(SampleRate(250 * n, int(events[n - 1])) for events in series) for n in looks]
        alarms += any(abs(z_of(*pair)) > 1.64 for pair in arms)
        near = [pair for pair in arms if abs(z_of(*pair)) > 2.3]  # the sequence's quantile is above 2.6
        missed += any(low > 0 or high < 0 for low, high in map(at_ninety, near))
    assert alarms > 50
    assert missed <= 8


def z_of(control, treatment):
    return (treatment.mean - control.mean) / math.sqrt((control.variance + treatment.variance) / control.rows or 1)


def at_ninety(arms):
    return sequential_difference(*arms, confidence=0.9, tuned_for=2000)


def test_sequential_difference__large_and_small_counts_agree():
    few = sequential_difference(SampleRate(20_000, 99), SampleRate(20_000, 150))
    many = sequential_difference(SampleRate(20_000, 100), SampleRate(20_000, 150))
    assert few == pytest.approx(many, abs=0.0008)


def test_sequential_difference__finds_a_real_one():
    low, high = sequential_difference(SampleMean(5000, 1.0, 1.0), SampleMean(5000, 1.2, 1.0))
    assert 0.12 < low < 0.2 < high < 0.28
    low, high = sequential_difference(SampleRate(1000, 5), SampleRate(1000, 60))
    assert 0 < low < 0.055 < high


@pytest.mark.parametrize("sample", [SampleMean(29, 1.0, 1.0), SampleMean(500, 0.0, 0.0)])
def test_sequential_interval__untrusted_variance(sample):
    assert sequential_interval(sample) == (-math.inf, math.inf)
    assert sequential_difference(sample, SampleMean(500, 1.0, 1.0)) == (-math.inf, math.inf)


def test_sequential_interval__no_rows():
    assert sequential_interval(SampleRate(0, 0)) == (0.0, 1.0)
    assert sequential_difference(SampleRate(0, 0), SampleRate(10, 3)) == (-1.0, 1.0)


def test_sequential_interval__no_events():
    low, high = sequential_interval(SampleRate(1000, 0))
    assert low == 0
    assert 0 < high < 0.02


def test_mixture_precision__narrowest_at_the_chosen_rows():
    def reach(rows, tuned_for):
        return sequential_quantile(rows, tuned_for=tuned_for) / math.sqrt(rows)

    best = reach(5000, 5000)
    assert all(best < reach(5000, 5000 * factor) for factor in (0.5, 0.9, 1.1, 2))
    x = mixture_precision(0.05, 5000) * 5000
    assert x - math.log1p(x) == pytest.approx(-2 * math.log(0.05))


def test_rows_to_exclude__interval_reaches_the_limit():
    control, treatment = SampleMean(400, 1.0, 2.0), SampleMean(400, 1.1, 2.0)
    rows = rows_to_exclude(0.1, difference_variance(control, treatment))
    arms = [SampleMean(round(rows / 2), arm.mean, arm.variance) for arm in (control, treatment)]
    assert sequential_difference(*arms)[0] == pytest.approx(0, abs=1e-4)
    assert rows_to_exclude(0.0, 1.0) == math.inf
