"""Repeated looks in miniature: the budget keeps its level, a rule on the estimate does not, and scores are mlci's."""

import numpy as np
import pytest

from benchmarks.reuse import page
from benchmarks.reuse.simulate import ALPHA, LIMIT, RULES, develop, exact_misses, tango_score
from mlci.inference.intervals.score_intervals import Tango


def test_develop__worse_model_gets_through_the_estimate_and_not_the_budget():
    shares = [develop(np.random.default_rng(1), 60, rule, 0.03) for rule in RULES[:4]]
    assert shares[0] > 0.9
    assert max(shares[2:]) <= ALPHA


def test_develop__budget_that_is_not_shared_is_exceeded():
    assert develop(np.random.default_rng(1), 60, RULES[1], LIMIT) > 10 * ALPHA


def test_tango_score__that_of_the_gate():
    counts = np.array([(0, 0), (1, 7), (30, 50), (12, 12), (80, 3)])
    many = tango_score(*counts.T, 1_000, -LIMIT)
    assert many == pytest.approx([Tango(gained, lost, 1_000).score(-LIMIT) for gained, lost in counts.tolist()])


@pytest.mark.parametrize("alpha", page.LEVELS.values())
def test_exact_misses__within_the_level(alpha):
    assert exact_misses(1_000, alpha) <= alpha


@pytest.mark.parametrize(("named", "rows"), page.ROWS_ASKED.items(), ids=lambda value: str(value)[:60])
def test_rows__published_by_ease_ml_ci(named, rows):
    assert abs(rows - named[1]) <= 1
