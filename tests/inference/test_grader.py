"""Judges against people: PPI++ as in the authors' package and its coverage, kappa, agreement by item."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from benchmarks.scored_items.corrected import LEAST, cover
from mlci.inference.grader import FEWEST_LABELLED, agreement_by_item, cohen_kappa, corrected_mean
from mlci.inference.intervals.distributions import two_sided

REFERENCE = json.loads((Path(__file__).parent / "ppi/reference.json").read_text("utf-8"))


def arrays(case):
    return [np.array(case[name]) for name in ("people", "judged", "unlabelled")]


@pytest.mark.parametrize("case", REFERENCE, ids=range(len(REFERENCE)))
def test_corrected_mean__as_ppi_py(case):
    found = corrected_mean(*arrays(case), confidence=0.95)
    reach = two_sided(0.95) * found.error
    theirs = (case["value"], case["low"], case["high"])
    assert (found.value, found.value - reach, found.value + reach) == pytest.approx(theirs, abs=1e-12)
    assert found.low < case["low"] < case["high"] < found.high


@pytest.mark.parametrize("noise", [0.1, 0.6])
def test_corrected_mean__covers_what_people_say_and_the_judge_alone_does_not(noise):
    kept, alone = cover(FEWEST_LABELLED, noise, 400)
    assert kept > LEAST - 0.03
    assert alone < 0.5


def test_corrected_mean__planted_judge_alone_misses():
    rng = np.random.default_rng(8)
    truth = rng.choice([-1.0, 0.0, 1.0], 2_000, p=[0.25, 0.6, 0.15])
    judged = np.where(rng.random(truth.size) < 0.3, 1.0, truth)
    found = corrected_mean(truth[:200], judged[:200], judged[200:], confidence=0.95)
    assert judged.mean() > 0.1
    assert found.low <= -0.1 <= found.high


def test_corrected_mean__constant_judge_has_no_weight():
    people = np.array([1.0, 0.0, -1.0, 1.0])
    found = corrected_mean(people, np.zeros(4), np.zeros(9), confidence=0.95)
    assert (found.weight, found.value) == (0.0, people.mean())


def test_cohen_kappa__as_scikit_learn():
    rng = np.random.default_rng(2)
    one = rng.choice([0.0, 0.5, 1.0], 200)
    two = np.where(rng.random(200) < 0.4, rng.choice([0.0, 0.5, 1.0], 200), one)
    assert cohen_kappa(one, two) == pytest.approx(cohen_kappa_score((2 * one).astype(int), (2 * two).astype(int)))
    assert cohen_kappa([1.0, 1.0], [1.0, 1.0]) is None


def test_agreement_by_item__one_vote_for_each_item():
    found = agreement_by_item(np.array([1.0, 0.5, 0.0, 1.0]), None)
    assert found.value == pytest.approx(0.625)
    low, high = found.interval(0.95)
    assert 0 < low < 0.625 < high < 1
    assert agreement_by_item(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1])).value == 0.5
