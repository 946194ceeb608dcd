"""Gaffke's interval against closed forms, Clopper & Pearson's, and draws of its definition."""

import numpy as np
import pytest
from scipy import stats

from mlci.inference.intervals.gaffke import BoundedMean


def bounded(histogram, low=-1.0, high=1.0):
    values = sorted(histogram)
    return BoundedMean(np.array(values, float), np.array([histogram[value] for value in values]), low, high)


@pytest.mark.parametrize(
    ("histogram", "end"),
    [({0: 30}, 0.1157), ({0: 164}, 0.0222), ({0: 2}, 0.842), ({0: 1}, 0.975), ({-1: 1, 1: 1}, 0.976)],
)
def test_bounded_mean__published_edge_cases(histogram, end):
    assert bounded(histogram).interval(0.95) == pytest.approx((-end, end), abs=3e-3 if len(histogram) > 1 else 6e-4)


def test_bounded_mean__at_its_bound():
    low, high = bounded({-1: 12}).interval(0.95)
    assert low == -1
    assert high == pytest.approx(-1 + 2 * (1 - 0.025 ** (1 / 12)), abs=1e-9)


@pytest.mark.parametrize(("hits", "rows"), [(1, 30), (15, 30), (29, 30), (3, 164), (450, 500)])
def test_bounded_mean__clopper_pearson(hits, rows):
    theirs = stats.binomtest(hits, rows).proportion_ci(0.95, method="exact")
    ours = bounded({0: rows - hits, 1: hits}, low=0.0).interval(0.95)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=2e-3 * 30 / rows + 1e-4)


WORLDS = [
    {-1: 1, 0: 48, 1: 1},
    {-1: 6, 0: 94},
    {-0.6: 3, -0.1: 11, 0: 20, 0.25: 5, 1: 1},
    {round(-0.3 + i / 50, 2): 3 for i in range(30)},
]


@pytest.mark.parametrize("histogram", WORLDS)
def test_bounded_mean__draws_of_the_definition(histogram):
    rng = np.random.default_rng(3)
    one = bounded(histogram)
    rows = np.repeat(one.values, one.counts)
    for ends, side in ((one.interval(0.95)[0], -1.0), (one.interval(0.95)[1], 1.0)):
        weights = rng.standard_exponential((100_000, len(rows) + 1), dtype=np.float32)
        means = (weights[:, :-1] @ rows.astype(np.float32) + weights[:, -1] * side) / weights.sum(axis=1)
        beyond = float((means <= ends).mean() if side < 0 else (means >= ends).mean())
        assert 0.0225 <= beyond <= 0.0265


@pytest.mark.parametrize("histogram", WORLDS)
def test_bounded_mean__interval_inverts_its_tests(histogram):
    one = bounded(histogram)
    low, high = one.interval(0.95)
    assert low < one.value < high
    assert one.above(low) == pytest.approx(0.025, abs=1e-9)
    assert one.below(high) == pytest.approx(0.025, abs=1e-9)
    assert one.above(-1.0) == one.below(1.0) == 0.0
    assert one.above(1.0) == one.below(-1.0) == 1.0


def test_bounded_mean__many_rows_are_normal():
    rng = np.random.default_rng(5)
    values, counts = np.unique(np.round(rng.uniform(0.2, 0.8, 200_000), 3), return_counts=True)
    one = BoundedMean(values, counts, 0.0, 1.0)
    reach = 1.959964 * np.sqrt(one.scaled_variance() / one.rows)
    assert one.interval(0.95) == pytest.approx((one.value - reach, one.value + reach), abs=0.01 * reach)


def test_bounded_mean__scale_and_reflection():
    plain, scaled = bounded({-1: 2, 0: 30, 1: 5}), bounded({1: 2, 3: 30, 5: 5}, low=1.0, high=5.0)
    assert scaled.interval(0.9) == pytest.approx([3 + 2 * end for end in plain.interval(0.9)])
    mirrored = bounded({1: 2, 0: 30, -1: 5}).interval(0.9)
    assert mirrored == pytest.approx([-end for end in reversed(plain.interval(0.9))])


@pytest.mark.parametrize("values", [[0.5, 1.2], [-1.5], [], [float("nan")]])
def test_bounded_mean__value_beyond_the_range(values):
    with pytest.raises(ValueError, match="between"):
        BoundedMean(np.array(values), np.ones(len(values), int), -1.0, 1.0)
