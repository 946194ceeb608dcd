"""Intervals by cluster: equal clusters against Student's t, unequal ones against the matrices of their definition."""

import numpy as np
import pytest
from scipy import linalg, stats

from mlci.inference.evidence import Point
from mlci.inference.intervals.clusters import ClusterSums, clustered_mean
from mlci.inference.intervals.error_intervals import Normal


def clustered(sizes, seed=1, spread=0.5, binary=False):
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    values = rng.normal(0, spread, len(sizes))[clusters] + rng.normal(0, 1, len(clusters))
    return (values > 0.6).astype(float) if binary else values, clusters


def test_clustered_mean__equal_sizes_are_student_over_means():
    values, clusters = clustered([7] * 9)
    means = values.reshape(9, 7).mean(axis=1)
    theirs = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert clustered_mean(ClusterSums.of(values, clusters)).interval(0.95) == pytest.approx((theirs.low, theirs.high))


def test_clustered_mean__one_row_a_cluster_is_student():
    values, _ = clustered([40])
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    sums = ClusterSums.of(values, np.arange(40))
    assert sums.df == pytest.approx(39)
    assert clustered_mean(sums).interval(0.9) == pytest.approx((theirs.low, theirs.high))


def reference(values, clusters, correlation):
    """CR2 variance and its degrees of freedom by the full matrices: a regression on a constant."""
    n, groups = len(values), np.unique(clusters)
    x = np.ones((n, 1))
    hat = np.eye(n) - x @ x.T / n
    residual = hat @ values
    rows = [np.flatnonzero(clusters == group) for group in groups]
    root = [np.real(linalg.fractional_matrix_power(np.eye(len(r)) - np.ones((len(r), len(r))) / n, -0.5)) for r in rows]
    variance = sum((root[i].sum(axis=0) @ residual[r]) ** 2 for i, r in enumerate(rows)) / n**2
    omega = sum(correlation * np.outer(clusters == g, clusters == g) for g in groups) + (1 - correlation) * np.eye(n)
    vectors = np.column_stack([hat[:, r] @ root[i].sum(axis=1) / n for i, r in enumerate(rows)])
    eigenvalues = np.linalg.eigvalsh(vectors.T @ omega @ vectors)
    return variance, eigenvalues.sum() ** 2 / (eigenvalues**2).sum()


@pytest.mark.parametrize("sizes", [[3, 9, 1, 4], [20, 2, 2, 2, 5, 1, 1], [30, 1, 1, 1]])
def test_cluster_sums__matrices(sizes):
    values, clusters = clustered(sizes, spread=1.0)
    sums = ClusterSums.of(values, clusters)
    variance, df = reference(values, clusters, sums.correlation)
    assert sums.variance == pytest.approx(variance)
    assert sums.df == pytest.approx(df)


def test_cluster_sums__reference_values():
    values, clusters = clustered([3, 8, 2, 12, 5, 6, 1, 9], seed=4, binary=True)
    sums = ClusterSums.of(values, clusters)
    low, high = clustered_mean(sums, low=0.0, high=1.0).interval(0.95)
    assert 0 <= low < sums.value < high <= 1
    assert clustered_mean(sums, low=0.0, high=1.0).above(low) == pytest.approx(0.025, abs=1e-9)


def test_cluster_sums__weights_of_two_are_doubled_rows():
    values, clusters = clustered([3, 5, 4, 6, 2], seed=2)
    twice = ClusterSums.of(np.repeat(values, 2), np.repeat(clusters, 2))
    weighted = ClusterSums.of(values, clusters, np.full(len(values), 2.0))
    assert weighted.value == pytest.approx(twice.value)
    assert weighted.variance == pytest.approx(twice.variance)


def test_clustered_mean__no_event_is_not_certain():
    sums = ClusterSums.of(np.zeros(200), np.repeat(np.arange(10), 20))
    low, high = clustered_mean(sums, low=-1.0, high=1.0).interval(0.95)
    assert low == -high
    assert high > 0.2


@pytest.mark.parametrize("clusters", [1, 5])
def test_clustered_mean__few_clusters(clusters):
    values, codes = clustered([6] * clusters)
    evidence = clustered_mean(ClusterSums.of(values, codes))
    assert isinstance(evidence, Point if clusters == 1 else Normal)
    assert ("one cluster" if clusters == 1 else "only 5 clusters") in evidence.reason


def test_clustered_mean__coverage_of_correlated_accuracy():
    rng = np.random.default_rng(11)
    covered = naive = 0
    for _ in range(300):
        truth = np.clip(rng.beta(1.2, 0.4, 60), 0, 1)  # correlation 1 / (1.2 + 0.4 + 1) = 0.38 within a cluster
        values, codes = (rng.random((60, 10)) < truth[:, None]).astype(float).ravel(), np.repeat(np.arange(60), 10)
        low, high = clustered_mean(ClusterSums.of(values, codes), low=0.0, high=1.0).interval(0.95)
        covered += low <= 0.75 <= high
        wilson = stats.binomtest(int(values.sum()), 600).proportion_ci(0.95, method="wilson")
        naive += wilson.low <= 0.75 <= wilson.high
    assert covered >= 278
    assert naive < 240


@pytest.mark.parametrize("heavy", [1e5, 1e12, 1e60])
def test_clustered_mean__one_row_with_all_the_weight(heavy):
    values, weights = np.arange(50.0), np.ones(50)
    weights[3] = heavy
    sums = ClusterSums.of(values, np.arange(50), weights / weights.mean())
    evidence = clustered_mean(sums)
    assert evidence.interval(0.95) is None
    assert "one row has" in evidence.reason


def test_clustered_mean__one_row_with_most_of_the_weight():
    weights = np.ones(50)
    weights[3] = 400
    assert clustered_mean(ClusterSums.of(np.arange(50.0), np.arange(50), weights / weights.mean())).interval(0.95)
