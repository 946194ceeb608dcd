"""Means over queries: the interval misses the truth as seldom as it says, where few queries differ too."""

import numpy as np
import pytest

from benchmarks.rankings.simulate import LEVEL, simulate
from mlci.inference.intervals.gaffke import bounded_mean


@pytest.mark.parametrize("share", [0.05, 1.0])
def test_simulate__changes_of_queries(share):
    """200 runs of 60 queries, of which a share differs: at most 2.5 % and four standard errors are beside the truth."""
    rng = np.random.default_rng(4)
    before = rng.beta(2, 1, 5_000)
    now = np.where(rng.random(5_000) < share, np.clip(before + rng.normal(-0.02, 0.3, 5_000), 0, 1), before)
    found = simulate((now, before), 60, 200, seed=1)
    allowed = 200 * (LEVEL + 4 * (LEVEL * (1 - LEVEL) / 200) ** 0.5)
    assert (
        max(found.beside[f"mlci {what}", end] for what in ("change", "value") for end in ("above", "below")) <= allowed
    )
    assert found.length > 1


def test_bounded_mean__order_of_values_changes_no_bit():
    values = np.random.default_rng(1).random(50)
    first, second = (bounded_mean(one, 0.0, 1.0).interval(0.95) for one in (values, values[::-1]))
    assert first == second
