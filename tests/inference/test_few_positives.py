"""ROC AUC and average precision with a small class, and p-values that agree with intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.characteristics.draws import context, rank_scores
from mlci.inference.estimators import ranks
from mlci.inference.evidence import Tie
from mlci.inference.intervals.error_intervals import Logit, Normal
from mlci.inference.intervals.score_intervals import (
    AucScore,
    MixingScore,
    Proportion,
    Tango,
    mixing_quantile,
    mixing_score,
)
from mlci.inference.measure import measure_metric
from tests.support import tables


def draw_scores(positives, negatives, *, seed, far=1.2):
    """Return a label and two models' scores, correlated as two models on the same rows are."""
    rng = np.random.default_rng(seed)
    label = np.repeat([1, 0], [positives, negatives])
    base = far * label + rng.standard_normal(len(label))
    return label, base, base + 0.5 * rng.standard_normal(len(label))


def test_auc_score__published_standard_error():
    # Hanley & McNeil 1982, Radiology 143:29: 51 abnormal and 58 normal CT images, W = 0.893, SE(W) = 0.032
    assert math.sqrt(AucScore(0.893, 0.0, 51, 58).variance_at(0.893)) == pytest.approx(0.032, abs=0.0006)


def test_auc_score__perfect_ranks_of_three_positives_leave_doubt():
    label, score = np.repeat([1, 0], [3, 100]), np.arange(103)[::-1]
    found = rank_scores(label, score, score)
    low, high = measure_metric("roc_auc", found, context(found)).candidate.interval(0.95)
    assert (round(low, 2), high) == (0.66, 1.0)


@pytest.mark.parametrize(("positives", "negatives"), [(2, 40), (5, 100), (60, 8), (30, 30)])
def test_auc_score__ends_are_at_z(positives, negatives):
    label, _, score = draw_scores(positives, negatives, seed=positives)
    found = tables.scores(label, None, score)
    evidence = ranks.rank_evidence(ranks.roc_auc(found.candidate), found.candidate, metric="roc_auc")
    for end in evidence.interval(0.95):
        if 0 < end < 1:
            z = abs(end - evidence.value) / math.sqrt(evidence.variance_at(end))
            assert z == pytest.approx(stats.norm.ppf(0.975), abs=1e-9)


def test_auc__swapped_classes_and_signs():
    label, base, score = draw_scores(4, 60, seed=8)
    there, back = rank_scores(label, base, score), rank_scores(1 - label, -base, -score)
    one, two = measure_metric("roc_auc", there, context(there)), measure_metric("roc_auc", back, context(back))
    assert one.candidate.interval(0.95) == pytest.approx(two.candidate.interval(0.95), abs=1e-12)
    assert one.change.interval(0.95) == pytest.approx(two.change.interval(0.95), abs=1e-12)


@pytest.mark.parametrize(("positives", "negatives"), [(3, 50), (8, 200), (120, 5)])
def test_paired_auc__student_with_one_more_degree_than_scarce_rows(positives, negatives):
    label, base, score = draw_scores(positives, negatives, seed=negatives)
    found = rank_scores(label, base, score)
    evidence = measure_metric("roc_auc", found, context(found)).change
    m = min(positives, negatives)
    low, high = evidence.interval(0.9)
    assert high - low == pytest.approx(2 * stats.t.ppf(0.95, m + 1) * evidence.error, abs=1e-9)


@pytest.mark.parametrize(
    ("metric", "positives", "has"),
    [
        ("roc_auc", 1, (False, False)),
        ("roc_auc", 2, (True, False)),
        ("roc_auc", 3, (True, True)),
        ("average_precision", 4, (False, False)),
        ("average_precision", 5, (True, True)),
    ],
)
def test_ranks__too_few_positives_have_no_interval(metric, positives, has):
    label, base, score = draw_scores(positives, 100, seed=1)
    found = rank_scores(label, base, score)
    seen = measure_metric(metric, found, context(found))
    for evidence, expected in zip((seen.candidate, seen.change), has, strict=True):
        assert evidence.value is not None
        assert (evidence.interval(0.95) is not None) is expected
        if not expected:
            assert (evidence.method, evidence.below(-1), evidence.above(-1)) == ("too few", 1.0, 1.0)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
@pytest.mark.parametrize("one_class", [0, 1])
def test_ranks__one_class_has_no_value(metric, one_class):
    score = np.linspace(0, 1, 30)
    found = rank_scores(np.full(30, one_class), score, score**2)
    seen = measure_metric(metric, found, context(found))
    assert [item.value for item in (seen.candidate, seen.baseline, seen.change)] == [None] * 3


def test_auc__of_a_constant_score_is_a_half_with_an_interval():
    label, base, _ = draw_scores(20, 60, seed=3)
    found = rank_scores(label, base, np.zeros(80))
    seen = measure_metric("roc_auc", found, context(found))
    assert seen.candidate.value == 0.5
    low, high = seen.candidate.interval(0.95)
    assert 0.3 < low < 0.4
    assert 0.6 < high < 0.7
    assert seen.change.value == pytest.approx(0.5 - seen.baseline.value)


def test_average_precision__jackknife_by_positive():
    label, _, score = draw_scores(9, 40, seed=4, far=0.8)
    score = np.round(score, 1)

    def value(kept):
        weight = np.where(label == 1, 9 / 8, 1.0)[kept]
        mine, known = score[kept], label[kept] == 1
        return np.mean([(weight * known)[mine >= s].sum() / weight[mine >= s].sum() for s in mine[known]])

    values = [value(np.arange(49) != k) for k in range(9)]
    assert ranks.jackknife(tables.scores(label, None, score).candidate) == pytest.approx(
        64 / 9 * np.var(values, ddof=1), abs=1e-12
    )


def test_average_precision__warning_for_few_positives():
    label, base, score = draw_scores(19, 400, seed=5)
    found = rank_scores(label, base, score)
    assert "19 labelled positives" in measure_metric("average_precision", found, context(found)).change.reason
    label, base, score = draw_scores(20, 400, seed=5)
    found = rank_scores(label, base, score)
    assert measure_metric("average_precision", found, context(found)).change.reason is None


@pytest.mark.parametrize(("successes", "rows"), [(0, 12), (7, 30), (30, 30), (2, 400)])
def test_mixing_score__wilson_for_a_proportion(successes, rows):
    share, z = successes / rows, stats.norm.ppf(0.975)
    low, high = Proportion(successes, rows).interval(0.95)
    variance = share * (1 - share) / rows
    assert share - mixing_score(variance, rows, z, share) == pytest.approx(low, abs=1e-12)
    assert share + mixing_score(variance, rows, z, 1 - share) == pytest.approx(high, abs=1e-12)


def test_mixing_quantile__inverts_the_mixing_score():
    rng = np.random.default_rng(0)
    for _ in range(50):
        variance, rows, quantile, room = rng.uniform([0, 1, 0.1, 0.01], [0.05, 80, 4, 1])
        distance = mixing_score(variance, rows, quantile, room)
        assert mixing_quantile(variance, rows, distance, room) == pytest.approx(quantile, rel=1e-6)


def evidence_of_all_kinds():
    rng = np.random.default_rng(2)
    for seed in range(6):
        positives, negatives = int(rng.integers(5, 40)), int(rng.integers(5, 200))
        label, base, score = draw_scores(positives, negatives, seed=seed, far=float(rng.uniform(0, 3)))
        found = rank_scores(label, np.round(base, 1), np.round(score, 1))
        for metric in ("roc_auc", "average_precision"):
            seen = measure_metric(metric, found, context(found))
            yield from (seen.candidate, seen.change)
    yield AucScore(1.0, 0.0, 3, 50)
    yield MixingScore(1.0, 0.0, 5, 4.0, 60, "mixing score")
    yield MixingScore(0.02, 0.01, 5, 4.0, 60, "mixing score")
    yield from (Proportion(0, 9), Proportion(9, 9), Tango(0, 0, 40), Tango(3, 0, 7))
    yield from (
        Normal(0.95, 0.1, 20, "t", 0.0, 1.0, 3.0),
        Normal(0.2, 0.3, 20, "t", -1.0, 1.0),
        Logit(0.9, 0.2, 9, "x"),
    )


def test_p_values__agree_with_the_intervals():
    for evidence in evidence_of_all_kinds():
        for confidence in (0.5, 0.8, 0.95, 0.999):
            low, high = evidence.interval(confidence)
            alpha = (1 - confidence) / 2
            for limit in np.linspace(-1.05, 1.05, 43):
                if min(abs(limit - low), abs(limit - high)) > 1e-9:
                    assert (evidence.below(limit) < alpha) == (high < limit), (evidence, confidence, limit)
                    assert (evidence.above(limit) < alpha) == (low > limit), (evidence, confidence, limit)


def test_ranks__identical_scores_are_a_tie():
    label, _, score = draw_scores(1, 30, seed=1)
    found = rank_scores(label, score, score)
    assert isinstance(measure_metric("roc_auc", found, context(found)).change, Tie)


@pytest.mark.parametrize(("metric", "positives"), [("roc_auc", 3), ("average_precision", 6)])
def test_ranks__coverage_with_few_positives(metric, positives):
    # DeLong's normal interval covered 52 % (one model) and 71 % (change) with three positives
    rng, covered = np.random.default_rng(6), np.zeros(2)
    truth = {"roc_auc": stats.norm.cdf(1.2 / math.sqrt(2)), "average_precision": None}[metric]
    label = np.repeat([1, 0], [positives, 100])
    truth = np.mean([_value(metric, label, rng) for _ in range(600)]) if truth is None else truth
    for _ in range(200):
        shared, mine, theirs = rng.standard_normal((3, len(label)))
        found = rank_scores(label, 1.2 * label + 0.8 * shared + 0.6 * theirs, 1.2 * label + 0.8 * shared + 0.6 * mine)
        seen = measure_metric(metric, found, context(found))
        for k, (evidence, value) in enumerate(((seen.candidate, truth), (seen.change, 0.0))):
            low, high = evidence.interval(0.95)
            covered[k] += low <= value <= high
    assert (covered >= 0.92 * 200).all(), covered


def _value(metric, label, rng):
    found = tables.bins(label, 1.2 * label + rng.standard_normal(len(label)))[0]
    return ranks.FUNCTIONS[metric](found).value
