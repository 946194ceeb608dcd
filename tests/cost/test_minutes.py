"""Billed minutes and the price of steps: rounding, and unknown prices that never become numbers."""

import math
import random

import pytest

from mlci.cost.minutes import StepSeconds, billed_minutes, billed_usd, price_steps
from mlci.cost.runner import KnownRate, UnknownRate

LINUX = KnownRate(runner="linux", usd_per_minute=0.006, source="table")
SEED = 20261130


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0.0, 0), (0.001, 1), (59.9, 1), (60.0, 1), (60.001, 2), (3600.0, 60), (3601.0, 61)]
)
def test_billed_minutes__by_hand(seconds, minutes):
    assert billed_minutes(seconds) == minutes


def test_billed_minutes__properties():
    draw = random.Random(SEED)
    for seconds in [draw.uniform(0, 10 ** draw.uniform(-3, 6)) for _ in range(2_000)]:
        minutes = billed_minutes(seconds)
        assert seconds <= 60 * minutes < seconds + 60
        assert billed_minutes(seconds + draw.uniform(0, 1_000)) >= minutes
        other = draw.uniform(0, 10_000)
        assert billed_minutes(seconds) + billed_minutes(other) - billed_minutes(seconds + other) in {0, 1}


def test_billed_usd__whole_micros():
    draw = random.Random(SEED)
    for seconds in [draw.uniform(0, 100_000) for _ in range(500)]:
        paid = billed_usd(seconds, LINUX) * 1_000_000
        assert math.isclose(paid, 6_000 * billed_minutes(seconds), rel_tol=1e-12)


def test_price_steps__of_both_steps_together():
    seconds = StepSeconds(train=61.0, predict=58.0, predict_per_1k_rows=6.0)
    assert price_steps(seconds, LINUX) == {"cost_usd": 0.012, "predict_cost_usd_per_1k_rows": pytest.approx(0.0006)}
    assert price_steps(StepSeconds(train=61.0), LINUX) == {"cost_usd": 0.012}
    assert price_steps(StepSeconds(), LINUX) == {}


def test_price_steps__free_is_zero_and_unknown_is_nothing():
    seconds = StepSeconds(train=100.0, predict=5.0, predict_per_1k_rows=1.0)
    free = KnownRate(runner="linux", usd_per_minute=0.0, source="public")
    assert set(price_steps(seconds, free).values()) == {0.0}
    assert price_steps(seconds, UnknownRate(runner="self-hosted", reason="no price")) == {}
