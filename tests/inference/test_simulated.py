"""Coverage of intervals that failed in a simulation: small, seeded versions of the benchmark."""

import math

import numpy as np
import pytest

from benchmarks.characteristics import families, group_gaps
from benchmarks.characteristics.draws import context
from mlci.inference.disparity.disparity import measure_disparity
from mlci.inference.disparity.groups import GroupedValues
from mlci.inference.estimators import means
from mlci.inference.intervals.error_intervals import Logit
from mlci.inference.measure import measure_metric
from mlci.metrics.statistics import WHOLE, Statistics
from tests.support import tables


@pytest.mark.parametrize("name", group_gaps.CHANGES)
def test_disparity_change__coverage_if_one_model_is_equal(name):
    # a bootstrap of the change covered the truth in 45 to 75 % of these draws
    rng, case = np.random.default_rng(11), "unequal groups, the candidate equal"
    before, now = group_gaps.CASES[case]
    truth = group_gaps.true_spread(name, now) - group_gaps.true_spread(name, before)
    covered = 0
    for _ in range(40):
        whole, *groups = group_gaps.draw(rng, 2_000, case)
        across = GroupedValues(slice="group", groups=tuple(groups), reference=None, min_group_size=30)
        low, high = measure_disparity(name, across, context(whole)).change.interval(0.95)
        covered += low <= truth <= high
    assert covered >= 36


def test_matthews_corrcoef__coverage_with_few_positives():
    # the symmetric delta interval covered the truth in 90.5 % of these draws
    rng, family = np.random.default_rng(5), families.FAMILIES["few"]
    truth, _ = family.truth("matthews_corrcoef", 500)
    covered = 0
    for _ in range(300):
        sample = family.sample(rng, 500)
        low, high = measure_metric("matthews_corrcoef", sample, context(sample, baseline=False)).candidate.interval(
            0.95
        )
        covered += low <= truth <= high
    assert covered >= 0.93 * 300


def test_correlation__fisher_interval():
    evidence = Logit(0.6, 0.05, 400, "delta", low=-1.0, high=1.0)
    reach = 1.959963985 * 0.05 / (1 - 0.6**2)
    assert evidence.interval(0.95) == pytest.approx(
        (math.tanh(math.atanh(0.6) - reach), math.tanh(math.atanh(0.6) + reach))
    )
    assert evidence.below(evidence.interval(0.95)[1]) == pytest.approx(0.025)
    assert evidence.above(-1.0) == 0
    assert evidence.above(1.0) == 1


def test_mean_error__two_finite_ends_for_the_baseline():
    error = np.random.default_rng(0).standard_normal((2, 50))
    found = tables.moments(baseline=error[0], candidate=error[1])
    whole = Statistics(WHOLE, 50, moments={"signed": found})
    low, high = measure_metric("mean_error", whole, context(whole)).baseline.interval(0.95)
    assert low < means.loss_mean(found, "baseline", low=-math.inf, high=math.inf).value < high < math.inf
