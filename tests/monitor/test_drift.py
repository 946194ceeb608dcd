"""Effect sizes of drift against SciPy's functions on the rows themselves, and their intervals."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from mlci.monitor.column_findings import ColumnLimits, judge_drift
from mlci.monitor.drift import ks_distance, measure_drift, psi, wasserstein
from mlci.monitor.samples import CategoryPair, CellCounts, ColumnSample, NumberPair

THRESHOLDS = {"psi": 0.25, "jensen_shannon": 0.25, "wasserstein": 0.5, "ks": 0.25, "total_variation": 0.25}


def counted(rows):
    values, counts = np.unique(rows, return_counts=True)
    return values.astype(float), counts.astype(float)


def pair(reference, window):
    return NumberPair.of(counted(reference), counted(window))


@pytest.fixture
def rows():
    draws = np.random.default_rng(4)
    return np.round(draws.normal(0, 2, 3_000), 2), np.round(draws.normal(0.7, 3, 900), 2)


def test_ks_and_wasserstein__as_scipy(rows):
    both = pair(*rows)
    assert ks_distance(both) == pytest.approx(stats.ks_2samp(*rows).statistic, abs=1e-12)
    assert wasserstein(both) == pytest.approx(stats.wasserstein_distance(*rows) / rows[0].std(), rel=1e-12)


def test_jensen_shannon_and_psi__of_ten_bins(rows):
    edges = np.quantile(rows[0], np.arange(1, 10) / 10, method="inverted_cdf")
    p, q = (np.bincount(np.searchsorted(edges, one), minlength=10) for one in rows)
    found = {effect.measure: effect for effect in measure_drift(pair(*rows))}
    assert found["jensen_shannon"].value == pytest.approx(jensenshannon(p, q), rel=1e-9)
    p, q = ((one + 0.5) / (one + 0.5).sum() for one in (p, q))
    assert found["psi"].value == pytest.approx(((q - p) * np.log(q / p)).sum(), rel=1e-9)
    assert all(effect.low < effect.value < effect.high for effect in found.values())


def test_total_variation__of_categories():
    both = CategoryPair.of({"a": 60, "b": 40}, {"a": 20, "c": 80})
    found = {effect.measure: effect for effect in measure_drift(both)}
    assert found["total_variation"].value == pytest.approx(0.8)
    assert np.isfinite(psi(both.reference, both.window))


def test_intervals__few_rows_alone_are_not_drift():
    draws = np.random.default_rng(5)
    proven = 0
    for _ in range(25):
        sample = ColumnSample(
            column="x",
            role="feature",
            pair=pair(draws.normal(size=500), draws.normal(size=100)),
            reference=CellCounts(rows=500),
            window=CellCounts(rows=100),
        )
        row = judge_drift(sample, ColumnLimits(thresholds=THRESHOLDS, min_rows=100))
        proven += row.finding == "bad"
    assert proven == 0


def test_intervals__cover_the_distance_of_the_distributions():
    draws = np.random.default_rng(6)
    truth = {"wasserstein": 0.8, "ks": float(2 * stats.norm.cdf(0.4) - 1)}
    hits = dict.fromkeys(truth, 0)
    for _ in range(30):
        both = pair(draws.normal(0, 1, 600), draws.normal(0.8, 1, 300))
        for effect in measure_drift(both, measures=tuple(truth)):
            hits[effect.measure] += effect.low <= truth[effect.measure] <= effect.high
    assert hits["ks"] >= 29  # by an inequality
    assert hits["wasserstein"] >= 25  # 95 % nominal


def test_bins__many_values_fall_into_bins_of_equal_shares(rows):
    ten = pair(*rows).binned(10)
    assert len(ten.values) == 10
    assert ten.rows == (3_000, 900)
    assert abs(ten.reference - 300).max() < 20


@pytest.mark.filterwarnings("error")
def test_wasserstein__huge_numbers(rows):
    found, usual = (
        {one.measure: one for one in measure_drift(pair(*(scale * one for one in rows)))} for scale in (1e300, 1)
    )
    assert found["wasserstein"].value == pytest.approx(usual["wasserstein"].value)
    sample = ColumnSample(
        column="x",
        role="feature",
        pair=pair(rows[0] * 1e-300, rows[1] * 1e300),
        reference=CellCounts(rows=3_000),
        window=CellCounts(rows=900),
    )
    row = judge_drift(sample, ColumnLimits(thresholds=THRESHOLDS, min_rows=100))
    reasons = {one.measure: one.reason for one in row.effects if one.reason}
    assert (row.finding, reasons) == ("bad", {"wasserstein": "unknown (the numbers are too large)"})
