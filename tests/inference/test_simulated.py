"""Intervals that a simulation has shown to misbehave once: small, seeded versions of what the benchmark measures."""

import math

import numpy as np
import pytest

from benchmarks.characteristics import families, group_gaps
from benchmarks.characteristics.draws import context
from mlci.inference.disparity.disparity import measure_disparity
from mlci.inference.disparity.groups import GroupedValues
from mlci.inference.estimators import means
from mlci.inference.intervals.transformed import Logit
from mlci.inference.measure import measure_metric
from mlci.metrics.statistics import WHOLE, Statistics
from tests import tables


@pytest.mark.parametrize("name", group_gaps.CHANGES)
def test_the_change_of_a_disparity_is_covered_where_only_one_model_is_equal(name):
    # a bootstrap of the change held the truth in 45 to 75 % of these draws
    rng, case = np.random.default_rng(11), "unequal groups, the candidate equal"
    before, now = group_gaps.CASES[case]
    truth = group_gaps.true_spread(name, now) - group_gaps.true_spread(name, before)
    held = 0
    for _ in range(40):
        whole, *groups = group_gaps.draw(rng, 2_000, case)
        across = GroupedValues(slice="group", groups=tuple(groups), reference=None, min_group_size=30)
        low, high = measure_disparity(name, across, context(whole)).change.interval(0.95)
        held += low <= truth <= high
    assert held >= 36


def test_matthews_correlation_of_few_positives_is_covered():
    # the symmetric delta interval held the truth in 90.5 % of these draws
    rng, family = np.random.default_rng(5), families.FAMILIES["few"]
    truth, _ = family.truth("matthews_corrcoef", 500)
    held = 0
    for _ in range(300):
        sample = family.sample(rng, 500)
        low, high = measure_metric("matthews_corrcoef", sample, context(sample, baseline=False)).candidate.interval(
            0.95
        )
        held += low <= truth <= high
    assert held >= 0.93 * 300


def test_a_correlations_interval_is_fishers():
    evidence = Logit(0.6, 0.05, 400, "delta", low=-1.0, high=1.0)
    reach = 1.959963985 * 0.05 / (1 - 0.6**2)
    assert evidence.interval(0.95) == pytest.approx(
        (math.tanh(math.atanh(0.6) - reach), math.tanh(math.atanh(0.6) + reach))
    )
    assert evidence.below(evidence.interval(0.95)[1]) == pytest.approx(0.025)
    assert evidence.above(-1.0) == 0
    assert evidence.above(1.0) == 1


def test_the_baselines_mean_error_has_two_finite_ends():
    error = np.random.default_rng(0).standard_normal((2, 50))
    found = tables.moments(baseline=error[0], candidate=error[1])
    whole = Statistics(WHOLE, 50, moments={"signed": found})
    low, high = measure_metric("mean_error", whole, context(whole)).baseline.interval(0.95)
    assert low < means.loss_mean(found, "baseline", low=-math.inf, high=math.inf).value < high < math.inf
