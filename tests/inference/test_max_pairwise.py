"""The largest distance between groups, against an enumeration of all pairs."""

import tracemalloc

import numpy as np
import pytest

from mlci.inference.disparity import simultaneous
from mlci.inference.disparity.simultaneous import FEW_GROUPS, envelope, largest_distances


@pytest.mark.parametrize("kind", ["difference", "ratio"])
@pytest.mark.parametrize(
    ("groups", "sizes", "rate"),
    [(2, (5, 15), 0.5), (FEW_GROUPS, (1, 9), 0.9), (FEW_GROUPS + 1, (1, 9), 0.9), (80, (20, 900), 0.04)],
)
def test_largest_distances__all_pairs(kind, groups, sizes, rate):
    generator = np.random.default_rng(3)
    base = generator.integers(*sizes, groups).astype(float)
    part = generator.binomial(base.astype(int), rate).astype(float)
    drawn = simultaneous.group_proportions(part, base, kind=kind, seed=1)
    ((redrawn, error),) = drawn.redraw()
    moved = redrawn - drawn.centre
    first, second = np.triu_indices(groups, k=1)
    every = np.abs(moved[:, first] - moved[:, second]) / np.hypot(error[:, first], error[:, second])
    assert largest_distances(moved, error).tolist() == every.max(axis=1).tolist()


@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_groups__redrawn_in_parts(kind, monkeypatch):
    """Replicates are the same numbers, drawn together or a few at a time."""
    base = np.array([7.0, 90.0, 4000.0])
    rates = simultaneous.group_proportions(base * 0.4, base, kind=kind, seed=2)
    means = simultaneous.group_estimates(base, np.sqrt(base), kind=kind, seed=2)
    whole = [next(iter(one.redraw())) for one in (rates, means)]
    monkeypatch.setattr(simultaneous, "MOST_DRAWN", 3 * 17)
    for one, (redrawn, error) in zip((rates, means), whole, strict=True):
        parts = list(one.redraw())
        assert len(parts) == 59
        assert np.array_equal(np.concatenate([values for values, _ in parts]), redrawn)
        assert np.array_equal(np.concatenate([errors for _, errors in parts]), error)


def test_largest_distances__all_zero():
    assert largest_distances(np.zeros((2, 5)), np.ones((2, 5))).tolist() == [0.0, 0.0]


def test_envelope__highest_line_at_any_limit():
    generator = np.random.default_rng(5)
    for _ in range(50):
        start = generator.integers(0, 9, 40) / 4
        slope = generator.integers(1, 9, 40) / 2
        kept = envelope(start, slope)
        for limit in np.linspace(0, 4, 33):
            assert (start - slope * limit).max() == (start[kept] - slope[kept] * limit).max()
        assert slope[kept[-1]] == slope.min()


def test_compare_groups__memory_of_a_thousand_groups():
    base = np.full(1000, 40.0)
    drawn = simultaneous.group_proportions(np.round(base * 0.4), base, kind="difference", seed=1)
    tracemalloc.start()
    found = simultaneous.compare_groups([drawn], value=0.0, reference=None, rows=40, confidence=0.95, kind="difference")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.compared, found.low) == (499_500, 0.0)
    assert len(found.pairs) < 10
    assert peak < 300e6
