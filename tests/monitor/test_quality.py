"""Gates on production: which metrics alarm, by which interval, and how often they do so without a fall."""

import numpy as np
import pytest

from mlci.gates.limits import Limit, Rule
from mlci.inference.evaluate import Question, evaluate
from mlci.metrics.statistics import WHOLE, Decisions, Statistics
from mlci.monitor.quality import QualityLimits, ScopedResult, judge_quality

SETTINGS = QualityLimits(confidence=0.99, min_rows=100)


def scoped(right, rows):
    """Return a binary model's result: half of the labels positive, so many decisions right."""
    wrong, half = rows - right, rows // 2
    counts = np.array([half - wrong // 2, wrong // 2, wrong - wrong // 2, rows - half - (wrong - wrong // 2)])
    decisions = Decisions(
        classes=("0", "1"),
        label=np.array([0, 0, 1, 1]),
        baseline=None,
        candidate=np.array([0, 1, 0, 1]),
        count=counts,
    )
    statistics = (Statistics(scope=WHOLE, rows=rows, decisions=decisions),)
    question = Question(task="binary", metrics=("accuracy", "f1"), baseline=False)
    return ScopedResult.of(statistics, evaluate(statistics, question, fingerprint="sha256:0", notes=()))


def judged(rule, before, now):
    [row] = judge_quality([rule], now, before, SETTINGS)
    return row


def rule(metric="accuracy", kind="max_drop", value=0.02, **more):
    return Rule(metric=metric, limits=(Limit(kind, value, **more),))


def test_quality__rates_alarm_and_ratios_inform():
    before, fallen = scoped(1_800, 2_000), scoped(300, 400)
    found = {name: judged(rule(name), before, fallen) for name in ("accuracy", "f1")}
    assert {name: (row.finding, row.alarms) for name, row in found.items()} == {
        "accuracy": ("bad", True), "f1": ("bad", False)
    }  # fmt: skip
    assert found["accuracy"].number == pytest.approx(-0.15)
    assert found["accuracy"].low < -0.15 < found["accuracy"].high < -0.02


@pytest.mark.parametrize(
    ("kind", "value", "more", "finding"),
    [
        ("min", 0.9, {}, "unclear"),
        ("min", 0.92, {}, "suspect"),
        ("min", 0.95, {}, "bad"),
        ("min", 0.8, {}, "ok"),
        ("max_drop", 0.05, {"relative": True}, "ok"),
        ("max_drop", 0.01, {"relative": True}, "unclear"),
    ],
)
def test_quality__limits(kind, value, more, finding):
    assert judged(rule("accuracy", kind, value, **more), scoped(1_800, 2_000), scoped(352, 400)).finding == finding


def test_quality__too_few_rows_are_not_known():
    row = judged(rule(), scoped(1_800, 2_000), scoped(30, 60))
    assert (row.finding, row.reason) == ("unknown", "60 rows with labels; 100 are needed")


def test_quality__looking_at_every_label_keeps_the_level():
    """A window whose true value is at the limit itself is read after every 250 labels; the level is 2.5 % a side."""
    draws, alarms, windows = np.random.default_rng(8), 0, 60
    settings = QualityLimits(confidence=0.95, min_rows=50)
    for _ in range(windows):
        right = np.cumsum(draws.random(1_500) < 0.9)
        reads = ((int(right[rows - 1]), rows) for rows in range(250, 1_501, 250))
        limit = rule("accuracy", "min", 0.9)
        alarms += any(
            judge_quality([limit], scoped(*read), scoped(1_800, 2_000), settings)[0].finding == "bad" for read in reads
        )
    assert alarms <= 4  # 1.5 expected at most
