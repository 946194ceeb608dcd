"""Intervals that include training noise, and values compared with reruns."""

import math
import random
from statistics import stdev

import pytest

from mlci.inference.evidence import Point, Tie, Undefined
from mlci.inference.intervals.distributions import student_two_sided
from mlci.inference.intervals.score_intervals import Tango
from mlci.inference.training_noise import TrainingNoise, WidenedChange, check_reproduction, widen_by_noise

CHANGE = Tango(30, 50, 1000)
NOISE = TrainingNoise(version=3, runs=5, spread={"accuracy": 0.01})


def test_widened_change__no_noise():
    one = WidenedChange(evidence=CHANGE, sd=0.0, runs=5)
    assert one.interval(0.95) == pytest.approx(CHANGE.interval(0.95))
    for limit in (-0.05, -0.03, -0.02, 0.0, 0.01):
        assert one.below(limit) == pytest.approx(CHANGE.below(limit), abs=1e-6)
        assert one.above(limit) == pytest.approx(CHANGE.above(limit), abs=1e-6)


def test_widened_change__student_interval_for_unlimited_rows():
    """SciPy 1.17: stats.t.ppf(0.975, 4) = 2.776445105."""
    endless = Tango(30_000_000, 50_000_000, 1_000_000_000)
    low, high = WidenedChange(evidence=endless, sd=0.01, runs=5).interval(0.95)
    noise = 2.776445105 * math.sqrt(2) * 0.01
    assert (low, high) == pytest.approx((-0.02 - noise, -0.02 + noise), abs=2e-5)


def test_widened_change__adds_squares():
    one, rows = WidenedChange(evidence=CHANGE, sd=0.004, runs=6), CHANGE.interval(0.9)
    noise = student_two_sided(0.9, 5) * math.sqrt(2) * 0.004
    expected = (-0.02 - math.hypot(-0.02 - rows[0], noise), -0.02 + math.hypot(rows[1] + 0.02, noise))
    assert one.interval(0.9) == pytest.approx(expected)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_widened_change__p_value_agrees_with_the_interval(confidence):
    one = WidenedChange(evidence=CHANGE, sd=0.008, runs=4)
    low, high = one.interval(confidence)
    assert one.below(high) == pytest.approx((1 - confidence) / 2, abs=1e-9)
    assert one.above(low) == pytest.approx((1 - confidence) / 2, abs=1e-9)
    assert one.below(low) == pytest.approx((1 + confidence) / 2, abs=1e-9)
    assert one.above(-10.0) < 0.01


def test_widened_change__needs_no_more_rows():
    assert WidenedChange(evidence=CHANGE, sd=0.01, runs=5).scaled_variance() is None


def test_widened_change__no_interval():
    one = WidenedChange(evidence=Point(0.5), sd=0.01, runs=5)
    assert (one.interval(0.95), one.below(1.0)) == (None, 1.0)


def test_widen_by_noise__no_change():
    assert widen_by_noise(None, "accuracy", NOISE) is None
    tie, undefined = Tie(), Undefined("0/0")
    assert widen_by_noise(tie, "accuracy", NOISE) is tie
    assert widen_by_noise(undefined, "accuracy", NOISE) is undefined
    assert widen_by_noise(CHANGE, "accuracy", NOISE) == WidenedChange(evidence=CHANGE, sd=0.01, runs=5)
    assert widen_by_noise(CHANGE, "recall", NOISE).reason.startswith("the reruns of version 3 have no recall")
    assert widen_by_noise(CHANGE, "accuracy", TrainingNoise(reason="why")).reason == "why"


@pytest.mark.parametrize(("rows_sd", "noise"), [(0.0, 1.0), (1.0, 1.0), (1.0, 0.3), (0.2, 1.0)])
@pytest.mark.parametrize("runs", [3, 5, 10])
def test_widened_change__coverage(rows_sd, noise, runs):
    """The true change is 0; each model is trained once, with an error, and the noise comes from a few reruns."""
    drawn, covered, draws = random.Random(11), 0, 1500
    for _ in range(draws):
        change = drawn.gauss(0, noise) - drawn.gauss(0, noise) + drawn.gauss(0, rows_sd)
        sd = stdev(drawn.gauss(0, noise) for _ in range(runs))
        low, high = WidenedChange(evidence=Gauss(change, rows_sd), sd=sd, runs=runs).interval(0.95)
        covered += low <= 0 <= high
    assert covered / draws >= 0.93


class Gauss:
    """A value with a normal error."""

    method, reason = "gauss", None

    def __init__(self, value, sd):
        self.value, self.sd = value, sd

    def interval(self, _):
        return self.value - 1.959964 * self.sd, self.value + 1.959964 * self.sd


class TestReproduction:
    """A version's value as one more training."""

    def test_check_reproduction__student_prediction_interval(self):
        reruns = [0.70, 0.72, 0.74]
        half = student_two_sided(0.95, 2) * 0.02 * math.sqrt(1 + 1 / 3)
        for value, inside in ((0.72 + half - 1e-6, True), (0.72 + half + 1e-6, False), (0.72 - half + 1e-6, True)):
            found = check_reproduction(value, reruns, confidence=0.95)
            assert (found.mean, found.sd, found.inside) == (pytest.approx(0.72), pytest.approx(0.02), inside)

    @pytest.mark.parametrize(
        ("original", "reruns", "inside"),
        [(0.7, [0.7], True), (0.7, [0.71], False), (0.7, [0.7, 0.7], True), (0.7, [0.71, 0.71], False)],
    )
    def test_check_reproduction__no_spread(self, original, reruns, inside):
        assert check_reproduction(original, reruns, confidence=0.95).inside is inside

    def test_check_reproduction__false_alarms(self):
        drawn, outside, draws = random.Random(3), 0, 3000
        for _ in range(draws):
            outside += not check_reproduction(
                drawn.gauss(0, 1), [drawn.gauss(0, 1) for _ in range(4)], confidence=0.9
            ).inside
        assert 0.08 <= outside / draws <= 0.12


@pytest.mark.parametrize(
    ("sd", "step", "used"), [(0.0, 0.0, 0.0), (0.0, 0.01, 0.01), (0.004, 0.01, 0.01), (0.02, 0.01, 0.02)]
)
def test_widened_change__metric_that_changes_in_steps(sd, step, used):
    noise = TrainingNoise(version=3, runs=5, spread={"accuracy": sd})
    assert widen_by_noise(CHANGE, "accuracy", noise, step=step) == WidenedChange(evidence=CHANGE, sd=used, runs=5)
