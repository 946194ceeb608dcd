"""The benchmark of rows with clusters: correlation and groups of what it draws, coverage, and its section."""

import numpy as np
import pytest

from benchmarks.clustered_rows import page
from benchmarks.clustered_rows.simulate import SIZE, Cell, Covered, draw_clusters, simulate


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
def test_draw_clusters__correlation_of_rows(correlation):
    table, clusters = draw_clusters(np.random.default_rng(1), Cell(clusters=4_000, correlation=correlation))
    right = ((table.scores[1] >= 0.5) == table.label) - 0.8863
    sums = np.bincount(clusters, weights=right)
    between = ((sums**2).sum() - (right**2).sum()) / (len(right) * (SIZE - 1)) / right.var()
    assert between == pytest.approx(correlation, abs=0.03)


def test_draw_clusters__nested_groups():
    table, clusters = draw_clusters(np.random.default_rng(1), Cell(clusters=50, correlation=0.3, nested=True))
    groups = table.group.reshape(50, SIZE)
    assert (groups == groups[:, :1]).all()
    assert len(clusters) == 500


def test_simulate__clusters_cover_and_rows_do_not():
    """200 clusters of 10 with a correlation of 0.6: 95 % by cluster, about 55 % without (54.9 % in 4,000 runs)."""
    truth = {("accuracy", "value"): 0.8863, ("accuracy", "change"): 0.024}
    covered = simulate(Cell(clusters=200, correlation=0.6), ("accuracy",), 60, truth)
    assert covered.inside["accuracy", "value", True] >= 50  # 60 × 0.95 less four errors of the simulation
    assert covered.inside["accuracy", "value", False] <= 46


def test_list_misses__coverage_below_the_bound():
    cell = Cell(clusters=200, correlation=0.3)
    good = Covered(100)
    good.inside.update({("accuracy", "value", True): 95, ("accuracy", "value", False): 60})
    bad = Covered(1000)
    bad.inside.update({("f1", "change", True): 900})
    found = page.Found(accuracy={cell: good}, metrics={cell: bad}, others={})
    assert page.list_misses(found) == ["missed: f1, change, 200 clusters, 0.3: 90.0 %"]
