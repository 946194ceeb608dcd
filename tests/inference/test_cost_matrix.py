"""The mean cost of decisions against costs of single rows."""

import numpy as np
import pytest

from mlci.inference.evaluate import Question, evaluate
from mlci.inference.intervals.gaffke import BoundedMean
from mlci.metrics import catalogue
from tests.support.tables import statistics

NAME = "misclassification_cost(fn=100, fp=5, tn=-1)"
COSTS = np.array([[-1.0, 5.0], [100.0, 0.0]])


def comparison(label, baseline, candidate, name=NAME):
    question = Question(task="binary", metrics=(name,), baseline=True)
    return evaluate((statistics(label, baseline, candidate),), question, fingerprint="f", notes=()).comparisons[0]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(2)
    label = (rng.random(400) < 0.2).astype(int)
    return label, *(np.where(rng.random(400) < wrong, 1 - label, label) for wrong in (0.1, 0.15))


def test_cost__of_every_row(rows):
    label, baseline, candidate = rows
    found = comparison(*rows)
    now, before = COSTS[label, candidate], COSTS[label, baseline]
    assert found.candidate.value == pytest.approx(now.mean(), abs=1e-12)
    assert found.baseline.value == pytest.approx(before.mean(), abs=1e-12)
    assert found.change.value == pytest.approx((now - before).mean(), abs=1e-12)
    values, counts = np.unique(now - before, return_counts=True)
    assert found.change.interval(0.95) == BoundedMean(values, counts, -101.0, 101.0).interval(0.95)
    assert found.disagreements == int((candidate != baseline).sum())


def test_cost__equal_costs_are_the_error_rate(rows):
    found = comparison(*rows, name="misclassification_cost(fn=1, fp=1)")
    assert found.candidate.value == pytest.approx((rows[0] != rows[2]).mean(), abs=1e-12)


def test_cost__identical_decisions(rows):
    label, baseline, _ = rows
    assert comparison(label, baseline, baseline).change.interval(0.95) == (0.0, 0.0)


def test_costs_of__defaults():
    assert catalogue.costs_of("misclassification_cost") == {"fp": 1, "fn": 1, "tp": 0, "tn": 0}
    assert catalogue.find(NAME).low == -1
    assert catalogue.find(NAME).high == 100
