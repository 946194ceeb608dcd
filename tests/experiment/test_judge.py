"""Verdicts on moments: limits, guardrails, sample ratio, covariates, looks and the time that is left."""

import math

import numpy as np
import pytest

from mlci.experiment.compare import measure_change
from mlci.experiment.judge import check_sample_ratio, judge_experiment
from mlci.experiment.plan import ExperimentPlan, MetricPlan
from mlci.experiment.result import ExperimentVerdict
from mlci.gates.limits import Limit
from mlci.metrics.arm_moments import ArmMoments, ArmSums

MAY_DROP = Limit("max_drop", 0.01)
PRIMARY = MetricPlan(name="bought", is_rate=True, limit=MAY_DROP, confidence=0.95, primary=True)
SLOWER = MetricPlan(name="ms", is_rate=False, limit=Limit("max_rise", 0.05, relative=True), confidence=0.95)


def plan_of(*metrics, **more):
    settings = {"control": "a", "treatment": "b", "split": 0.5, "tuned_for": 10_000, **more}
    return ExperimentPlan(metrics=metrics or (PRIMARY,), **settings)


def moments(values, covariate=None):
    values = np.asarray(values, float)
    other = np.zeros_like(values) if covariate is None else np.asarray(covariate, float)
    return ArmMoments(
        units=len(values),
        mean=values.mean(),
        squares=((values - values.mean()) ** 2).sum(),
        covariate_mean=other.mean(),
        covariate_squares=((other - other.mean()) ** 2).sum(),
        products=((values - values.mean()) * (other - other.mean())).sum(),
    )


def rate(units, share):
    return ArmMoments(units=units, mean=share, squares=units * share * (1 - share))


def level(units, mean, variance=100.0):
    return ArmMoments(units=units, mean=mean, squares=variance * (units - 1))


def sums(metric, control, treatment, **where):
    return [ArmSums(arm=arm, metric=metric, moments=one, **where) for arm, one in (("a", control), ("b", treatment))]


@pytest.mark.parametrize(
    ("share", "verdict", "code"),
    [
        (0.12, ExperimentVerdict.PROMOTE, 0),
        (0.05, ExperimentVerdict.ROLL_BACK, 1),
        (0.0925, ExperimentVerdict.KEEP_GOING, 5),
    ],
)
def test_judge_experiment__rate(share, verdict, code):
    result = judge_experiment(sums("bought", rate(8000, 0.1), rate(8000, share)), plan_of())
    assert (result.verdict, result.verdict.exit_code) == (verdict, code)


def test_judge_experiment__guardrail_alone_rolls_back():
    found = [*sums("bought", rate(8000, 0.1), rate(8000, 0.13)), *sums("ms", level(8000, 100), level(8000, 112))]
    result = judge_experiment(found, plan_of(PRIMARY, SLOWER))
    assert [one.outcome for one in result.metrics] == ["passed", "failed"]
    assert result.verdict is ExperimentVerdict.ROLL_BACK
    assert result.reason == "ms is beyond the limit"


def test_judge_experiment__open_guardrail_keeps_going():
    found = [
        *sums("bought", rate(8000, 0.1), rate(8000, 0.13)),
        *sums("ms", level(800, 100, 9e4), level(800, 101, 9e4)),
    ]
    result = judge_experiment(found, plan_of(PRIMARY, SLOWER))
    assert result.verdict is ExperimentVerdict.KEEP_GOING
    assert result.units_needed == result.metrics[1].units_needed > 1000


def test_judge_experiment__most_units():
    found = sums("bought", rate(8000, 0.1), rate(8000, 0.0925))
    result = judge_experiment(found, plan_of(most_units=16_000))
    assert result.verdict is ExperimentVerdict.COULD_NOT_TELL
    assert result.reason == "bought is undecided after 16,000 units, the most that the experiment may have"
    assert judge_experiment(found, plan_of(most_units=16_001)).verdict is ExperimentVerdict.KEEP_GOING


def test_judge_experiment__sample_ratio_mismatch_comes_first():
    result = judge_experiment(sums("bought", rate(8000, 0.1), rate(7000, 0.2)), plan_of())
    assert result.verdict is ExperimentVerdict.COULD_NOT_TELL
    assert result.reason.startswith("sample-ratio mismatch: 46.67% of the units are in the treatment")
    assert result.verdict.exit_code == 6


def test_judge_experiment__counts_without_most_units_of_a_guardrail():
    found = [*sums("bought", rate(8000, 0.1), rate(8000, 0.13)), *sums("ms", level(8000, 100), level(400, 101))]
    result = judge_experiment(found, plan_of(PRIMARY, SLOWER))
    assert [one.outcome for one in result.metrics] == ["passed", "passed"]
    assert result.verdict is ExperimentVerdict.COULD_NOT_TELL
    assert result.reason.startswith("sample-ratio mismatch: 4.76% of the units with ms are in the treatment")
    assert result.sample_ratio.mismatch


@pytest.mark.parametrize(("units", "split", "mismatch"), [((9000, 1000), 0.1, False), ((8600, 1400), 0.1, True)])
def test_check_sample_ratio__uneven_split(units, split, mismatch):
    assert check_sample_ratio(units, plan_of(split=split)).mismatch is mismatch


def test_check_sample_ratio__thirty_looks_at_a_fair_split():
    rng = np.random.default_rng(5)
    arms = np.cumsum(rng.binomial(200, 0.5, size=(400, 30)), axis=1)
    wrong = sum(
        any(check_sample_ratio((600 * n - b, b), plan_of()).mismatch for n, b in enumerate(series, 1))
        for series in arms[:, 2::3].tolist()
    )
    biased = check_sample_ratio((5300, 4700), plan_of())
    assert wrong <= 2
    assert biased.mismatch


def test_judge_experiment__units_needed_until_the_interval_clears_the_limit():
    now = judge_experiment(sums("bought", rate(3000, 0.1), rate(3000, 0.105)), plan_of())
    units = (6000 + now.units_needed) // 2
    later = judge_experiment(sums("bought", rate(units + 1, 0.1), rate(units + 1, 0.105)), plan_of())
    before = judge_experiment(sums("bought", rate(units - 50, 0.1), rate(units - 50, 0.105)), plan_of())
    assert (before.verdict, later.verdict) == (ExperimentVerdict.KEEP_GOING, ExperimentVerdict.PROMOTE)


def test_judge_experiment__superiority_needs_a_gain():
    gain = MetricPlan(name="bought", is_rate=True, limit=Limit("max_drop", 0.0), confidence=0.95, primary=True)
    found = sums("bought", rate(8000, 0.1), rate(8000, 0.107))
    assert judge_experiment(found, plan_of()).verdict is ExperimentVerdict.PROMOTE
    assert judge_experiment(found, plan_of(gain)).verdict is ExperimentVerdict.KEEP_GOING


def test_measure_change__covariate_narrows_the_interval():
    rng = np.random.default_rng(2)
    before = rng.gamma(2, 10, size=(2, 4000))
    after = before + rng.normal(0, 5, size=(2, 4000)) + np.array([[0.0], [0.4]])
    arms = [moments(values, covariate) for values, covariate in zip(after, before, strict=True)]
    base = {"name": "spent", "is_rate": False, "limit": Limit("max_drop", 0.0), "confidence": 0.95, "primary": True}
    plain = measure_change(*arms, MetricPlan(**base), 8000)
    adjusted = measure_change(*arms, MetricPlan(**base, covariate="before"), 8000)
    explained = np.corrcoef(after.ravel(), before.ravel())[0, 1] ** 2
    assert adjusted.variance_reduction == pytest.approx(explained, abs=0.01)
    assert width(adjusted) / width(plain) == pytest.approx(math.sqrt(1 - explained), abs=0.02)
    assert adjusted.interval[0] < 0.4 < adjusted.interval[1]


def width(change):
    return change.interval[1] - change.interval[0]


def test_measure_change__relative_limit_scales_the_control():
    """Under a limit of 5 %, the interval is at the bound when that of treatment - 1.05 × control is at 0."""
    control, treatment = level(5000, 100.0), level(5000, 102.0)
    change = measure_change(control, treatment, SLOWER, 10_000)
    absolute = MetricPlan(name="ms", is_rate=False, limit=Limit("max_rise", 5.0), confidence=0.95)
    simple = measure_change(control, treatment, absolute, 10_000)
    assert change.change == simple.change == pytest.approx(2.0)
    assert width(change) / width(simple) == pytest.approx(math.sqrt((1 + 1.05**2) / 2))


def test_arm_moments__merge_equals_all_at_once():
    rng = np.random.default_rng(1)
    values, covariate = rng.normal(5, 2, 90), rng.normal(1, 3, 90)
    parts = [moments(values[part], covariate[part]) for part in (slice(0, 20), slice(20, 21), slice(21, 90))]
    merged = parts[0].merge(parts[1]).merge(parts[2])
    expected = moments(values, covariate)
    for name in ("units", "mean", "squares", "covariate_mean", "covariate_squares", "products"):
        assert getattr(merged, name) == pytest.approx(getattr(expected, name))


def test_judge_experiment__looks_and_groups():
    days = [f"2026-11-0{day}" for day in (2, 1, 3)]
    found = [one for day in days for one in sums("bought", rate(400, 0.1), rate(400, 0.11), period=day)]
    found += sums("bought", rate(600, 0.1), rate(590, 0.2), slice="country", group="de")
    result = judge_experiment(found, plan_of())
    assert [(look.period, look.units) for look in result.looks] == [
        ("2026-11-01", 800),
        ("2026-11-02", 1600),
        ("2026-11-03", 2400),
    ]
    assert result.looks[-1].interval == result.metrics[0].change.interval
    assert width(result.looks[0]) > width(result.looks[-1])
    assert [(one.slice, one.group, one.change.units) for one in result.groups] == [("country", "de", (600, 590))]
