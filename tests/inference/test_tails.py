"""Losses dominated by few rows: RMSE, MSE and R² under heavy tails, Brier score and log loss of rare classes."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.characteristics.draws import context
from mlci.inference.evidence import Tie
from mlci.inference.intervals import distributions
from mlci.inference.intervals.distributions import two_sided
from mlci.inference.intervals.error_intervals import Hall, percentile_ends
from mlci.inference.measure import measure_metric
from mlci.metrics.statistics import WHOLE, Statistics
from tests.support import tables

T975 = 0.975


def regression(y, before, now):
    """Return statistics of two models' errors."""
    shift = y - y.mean()
    squares = {"baseline": before**2, "candidate": now**2}
    found = {
        "squared": tables.moments(squares=True, **squares),
        "variance": tables.moments(squares=True, y=shift, y2=shift**2, **squares),
        "absolute": tables.moments(baseline=abs(before), candidate=abs(now)),
    }
    differing = int((before != now).sum())
    return Statistics(WHOLE, len(y), moments={k: dataclasses.replace(v, differing=differing) for k, v in found.items()})


def errors(n, *, seed, df=5):
    rng = np.random.default_rng(seed)
    before = rng.standard_t(df, n)
    return rng.normal(20, 5, n), before, 1.1 * before + 0.3 * rng.standard_normal(n)


def measure(name, statistics):
    return measure_metric(name, statistics, context(statistics))


def freedom(influence):
    """Degrees of freedom and effective rows, straight from the rows."""
    centred = influence - influence.mean()
    kurtosis = (centred**4).mean() / (centred**2).mean() ** 2
    return 2 * len(influence) / (kurtosis - 1), len(influence) / kurtosis


def halls(mean, values, df):
    """Hall's interval, straight from the rows."""
    n, t = len(values), stats.t.ppf(T975, df)
    a, error = stats.skew(values) / math.sqrt(n), values.std(ddof=1) / math.sqrt(n)
    return [mean - error * 3 / a * (np.cbrt(1 + a * (x - a / 6)) - 1) for x in (t, -t)]


def test_satterthwaite__welch_for_two_samples():
    rng = np.random.default_rng(0)
    one, two = rng.normal(0, 1, 9), rng.normal(0, 3, 30)
    parts = [(item.var(ddof=1) / len(item), len(item) - 1.0) for item in (one, two)]
    welch = stats.ttest_ind(one, two, equal_var=False).df
    assert distributions.df_of_sum(parts, most=100) == pytest.approx(welch, rel=1e-12)


def test_satterthwaite__normal_values():
    assert distributions.df_of_sample(400, 3.0) == 399
    assert distributions.df_of_sample(400, 9.0) == 100
    assert distributions.df_of_sample(400, 4000.0) == 1


def test_hall__student_without_skewness():
    low, high = Hall(2.0, 0.5, 0.0, 7.0, 8).interval(0.9)
    assert (low, high) == pytest.approx(stats.t.interval(0.9, 7, 2.0, 0.5), abs=1e-9)
    nearly = Hall(2.0, 0.5, 1e-7, 7.0, 8).interval(0.9)
    assert nearly == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize("skewness", [-0.4, -1e-9, 0.0, 0.2, 0.7])
def test_hall__p_values_agree_with_the_interval(skewness):
    evidence = Hall(0.1, 0.03, skewness, 5.5, 40, low=0.0, high=1.0)
    for confidence in (0.5, 0.9, 0.99):
        low, high = evidence.interval(confidence)
        for limit in np.linspace(-0.1, 1.1, 61):
            if min(abs(limit - low), abs(limit - high)) > 1e-9:
                assert (evidence.below(limit) < (1 - confidence) / 2) == (high < limit)
                assert (evidence.above(limit) < (1 - confidence) / 2) == (low > limit)


@pytest.mark.parametrize(("metric", "power"), [("root_mean_squared_error", 1), ("mean_squared_error", 2)])
def test_rmse__hall_on_the_log_scale(metric, power):
    y, before, now = errors(300, seed=1, df=30)
    evidence = measure(metric, regression(y, before, now)).candidate
    influence = (now**2 / (now**2).mean() - 1) / 2
    ends = halls(math.log((now**2).mean()) / 2, influence, freedom(influence)[0])
    assert evidence.interval(0.95) == pytest.approx([math.exp(power * end) for end in ends], rel=1e-9)
    assert evidence.value == pytest.approx((now**2).mean() ** (power / 2), rel=1e-12)


def test_paired_losses__degrees_of_freedom_of_their_influence():
    y, before, now = errors(300, seed=2)
    found = regression(y, before, now)
    roots, spread = [math.sqrt((one**2).mean()) for one in (before, now)], y.var()
    gap = now**2 - before**2
    expected = {
        "root_mean_squared_error": now**2 / (2 * roots[1]) - before**2 / (2 * roots[0]),
        "mean_squared_error": gap,
        "r2": -gap / spread + gap.mean() / spread**2 * (y - y.mean()) ** 2,
    }
    for metric, influence in expected.items():
        evidence = measure(metric, found).change
        reach = stats.t.ppf(T975, freedom(influence)[0]) * influence.std(ddof=1) / math.sqrt(300)
        assert evidence.interval(0.95) == pytest.approx((evidence.value - reach, evidence.value + reach), abs=1e-8)
    assert measure("mean_absolute_error", found).change.df == 299


def test_r2__student_on_the_scale_of_unexplained_variance():
    y, before, now = errors(300, seed=3, df=30)
    evidence = measure("r2", regression(y, before, now)).candidate
    influence = now**2 / (now**2).mean() - (y - y.mean()) ** 2 / y.var()
    reach = stats.t.ppf(T975, freedom(influence)[0]) * influence.std(ddof=1) / math.sqrt(300)
    ratio = math.log((now**2).mean() / y.var())
    assert evidence.interval(0.95) == pytest.approx(
        (1 - math.exp(ratio + reach), 1 - math.exp(ratio - reach)), abs=1e-8
    )
    low, high = evidence.interval(0.9)
    assert (evidence.below(high), evidence.above(low)) == pytest.approx((0.05, 0.05), abs=1e-9)
    assert (evidence.below(1.5), evidence.above(1.5)) == (0, 1)


@pytest.mark.parametrize("metric", ["root_mean_squared_error", "mean_squared_error", "r2"])
def test_squares__dominated_by_a_few_rows_have_no_interval(metric):
    y, before, now = errors(200, seed=4, df=30)
    now[[3, 90]] = 60.0, -80.0
    found = measure(metric, regression(y, before, now))
    for evidence in (found.candidate, found.change):
        assert (evidence.method, evidence.interval(0.95)) == ("too few", None)
        assert "a few rows carry the variance" in evidence.reason
    assert found.baseline.interval(0.95) is not None


def test_rmse__warning_for_some_large_errors():
    y, before, now = errors(200, seed=5, df=30)
    now[:9] = 12.0
    evidence = measure("root_mean_squared_error", regression(y, before, now)).candidate
    assert evidence.interval(0.95) is not None
    assert "a few rows carry the variance" in evidence.reason


@pytest.mark.parametrize("metric", ["root_mean_squared_error", "mean_squared_error", "mean_absolute_error"])
def test_losses__one_row_and_equal_losses_are_not_certainty(metric):
    y, sign = np.arange(40.0), np.where(np.arange(40) % 2, 1.0, -1.0)
    equal = measure(metric, regression(y, sign, -sign))
    assert (equal.candidate.value, equal.candidate.interval(0.95)) == (1.0, None)
    assert (equal.change.value, equal.change.interval(0.95)) == (0.0, None)
    assert isinstance(measure(metric, regression(y, sign, sign)).change, Tie)
    single = measure(metric, regression(y[:1], sign[:1], -2 * sign[:1]))
    assert (single.candidate.method, single.change.method) == ("single row", "single row")
    assert single.candidate.interval(0.95) is None


def binary(positives, n, *, seed):
    rng = np.random.default_rng(seed)
    label = (np.arange(n) < positives).astype(int)
    before = np.clip(rng.beta(1.5, 9, n) + 0.3 * label, 0.01, 0.99)
    return label, before, np.clip(before + rng.normal(0, 0.04, n), 0.01, 0.99)


def losses(label, before, now):
    found = {
        "squared": tables.moments(label=label, baseline=(before - label) ** 2, candidate=(now - label) ** 2),
        "log": tables.moments(
            label=label,
            baseline=-np.log(np.where(label, before, 1 - before)),
            candidate=-np.log(np.where(label, now, 1 - now)),
        ),
    }
    return Statistics(WHOLE, len(label), moments=found)


def by_class(values, label):
    """Variance of the mean and its degrees of freedom, straight from the rows."""
    n, m = len(label), int(label.sum())
    one, zero = values[label == 1], values[label == 0]
    share = m / n
    parts = [
        (share**2 * one.var(ddof=1) / m, m - 1),
        ((1 - share) ** 2 * zero.var(ddof=1) / (n - m), n - m - 1),
        (share * (1 - share) * (one.mean() - zero.mean()) ** 2 / n, m - 1),
    ]
    variance = sum(part for part, _ in parts)
    return variance, variance**2 / sum(part**2 / df for part, df in parts)


@pytest.mark.parametrize("positives", [2, 6, 40])
def test_binary_losses__hall_and_student_by_class(positives):
    label, before, now = binary(positives, 200, seed=positives)
    found = measure("brier_score_loss", losses(label, before, now))
    loss, gap = (now - label) ** 2, (now - label) ** 2 - (before - label) ** 2
    low, high = halls(loss.mean(), loss, by_class(loss, label)[1])
    assert found.candidate.interval(0.95) == pytest.approx((max(low, 0), min(high, 1)), abs=1e-9)
    variance, df = by_class(gap, label)
    reach = stats.t.ppf(T975, df) * math.sqrt(variance)
    assert found.change.interval(0.95) == pytest.approx((gap.mean() - reach, gap.mean() + reach), abs=1e-9)


@pytest.mark.parametrize("metric", ["brier_score_loss", "log_loss"])
@pytest.mark.parametrize("flip", [False, True])
def test_binary_losses__one_row_of_a_class_is_too_few(metric, flip):
    label, before, now = binary(1, 50, seed=1)
    given = (1 - label, 1 - before, 1 - now) if flip else (label, before, now)
    found = measure(metric, losses(*given))
    for evidence in (found.candidate, found.change):
        assert evidence.value is not None
        assert evidence.interval(0.95) is None
        assert f"1 labelled {'negative' if flip else 'positive'}" in evidence.reason


def test_binary_losses__coverage_with_two_percent_positives():
    # Student's interval over all rows covered 80 % (Brier score of one model at 100 rows)
    rng, covered, drawn = np.random.default_rng(3), np.zeros(2), 0
    rate, chance = 0.05, 0.12
    truth = rate * (1 - chance) ** 2 + (1 - rate) * chance**2
    while drawn < 250:
        label = (rng.random(100) < rate).astype(int)
        if label.sum() >= 2:
            score = np.full(100, chance) + 1e-3 * rng.standard_normal((2, 100))
            found = measure("brier_score_loss", losses(label, *score))
            for k, (evidence, value) in enumerate(((found.candidate, truth), (found.change, 0.0))):
                low, high = evidence.interval(0.95)
                covered[k] += low - 1e-5 <= value <= high + 1e-5
            drawn += 1
    assert (covered >= 0.92 * drawn).all(), covered


@pytest.mark.parametrize(("confidence", "normal"), [(0.95, False), (1 - 0.05 / 32, True), (1 - 2e-6, True)])
def test_percentile_ends__beyond_the_draws_as_far_as_the_normal_interval(confidence, normal):
    draws = np.random.default_rng(3).normal(0.1, 0.02, 1_000)
    low, high = percentile_ends(draws, 0.1, confidence=confidence)
    reach = two_sided(confidence) * draws.std(ddof=1)
    inside = (draws >= low) & (draws <= high)
    assert inside.mean() >= confidence - 0.002
    assert (low <= 0.1 - reach and high >= 0.1 + reach) or not normal
