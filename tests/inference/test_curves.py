"""Curves and confusion matrices against scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import auc, confusion_matrix, precision_recall_curve, roc_curve

from mlci.inference.plots import MOST_CLASSES, POINTS, LabelMoves, confusion, curves
from mlci.metrics.statistics import WHOLE, Calibration, Decisions, ModelBins, Scores, Statistics


def binned(labels, scores):
    _, codes = np.unique(scores, return_inverse=True)
    counts = np.bincount(codes * 2 + labels, minlength=2 * (codes.max() + 1)).reshape(-1, 2)
    return ModelBins(counts[:, 1].copy(), counts[:, 0].copy(), np.arange(len(counts)))


def ranked(labels, scores, calibration=None):
    found = Scores(binned(labels, scores), None, None, 0, exact=True)
    return Statistics(WHOLE, len(labels), scores=found, calibration=calibration)


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(5)
    labels = (draw.random(4_000) < 0.3).astype(np.int64)
    return labels, np.clip(draw.normal(0.35 + 0.2 * labels, 0.2), 0, 1).round(3)


def test_curves__points_lie_on_scikit_learns_roc_curve(rows):
    labels, scores = rows
    found = np.array(curves(ranked(labels, scores)).candidate.roc)
    rate, recall, _ = roc_curve(labels, scores, drop_intermediate=False)
    points = {(round(x, 6), round(y, 6)) for x, y in zip(rate, recall, strict=True)}
    assert {tuple(point) for point in found} <= points
    assert tuple(found[0]) == (0, 0)
    assert tuple(found[-1]) == (1, 1)
    assert len(found) <= POINTS
    assert auc(found[:, 0], found[:, 1]) == pytest.approx(auc(rate, recall), abs=0.002)


def test_curves__points_lie_on_scikit_learns_precision_recall_curve(rows):
    labels, scores = rows
    found = curves(ranked(labels, scores)).candidate.precision_recall
    precision, recall, _ = precision_recall_curve(labels, scores)
    points = {(round(x, 6), round(y, 6)) for x, y in zip(recall, precision, strict=True)}
    assert set(found) <= points
    assert found[-1] == (1.0, round(float(labels.mean()), 6))


def test_curves__calibration_bins_have_mean_score_and_share_of_positives(rows):
    labels, scores = rows
    bins = np.minimum((scores * 10).astype(int), 9)
    sums = [np.bincount(bins, weights, minlength=10) for weights in (None, scores - labels, labels)]
    gaps = Calibration(sums[0], sums[1], sums[1] ** 2, sums[2].astype(np.int64))
    found = curves(ranked(labels, scores, gaps)).candidate.calibration
    for row, number in zip(found, np.unique(bins), strict=True):
        inside = bins == number
        assert (row.score, row.observed) == pytest.approx((scores[inside].mean(), labels[inside].mean()), abs=1e-6)
        assert row.rows == inside.sum()


@pytest.mark.parametrize("labels", [np.zeros(5, np.int64), np.ones(5, np.int64)])
def test_curves__none_with_one_class_only(labels):
    assert curves(ranked(labels, np.arange(5.0))) is None


def test_curves__ties_of_all_scores_give_the_diagonal():
    labels = np.array([0, 1, 1, 0])
    assert curves(ranked(labels, np.full(4, 0.5))).candidate.roc == ((0.0, 0.0), (1.0, 1.0))


def counted(labels, before, after, classes):
    cells, counts = np.unique(np.stack([labels, before, after]), axis=1, return_counts=True)
    return Decisions(classes, cells[0], cells[1], cells[2], counts)


def test_confusion__matrices_are_scikit_learns():
    draw = np.random.default_rng(6)
    labels, before, after = draw.integers(0, 3, (3, 500))
    found = confusion(counted(labels, before, after, ("a", "b", "c")))
    assert np.array_equal(found.candidate, confusion_matrix(labels, after))
    assert np.array_equal(found.baseline, confusion_matrix(labels, before))
    assert sum(row.both + row.baseline_only + row.candidate_only + row.neither for row in found.moves) == 500


def test_confusion__moves_between_right_and_wrong():
    labels, before, after = np.array([[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 1], [0, 1, 0, 0, 1, 0, 1]])
    found = confusion(counted(labels, before, after, ("no", "yes")))
    assert found.moves == (LabelMoves("no", 1, 1, 1, 0), LabelMoves("yes", 1, 1, 1, 1))


def test_confusion__none_for_many_classes():
    labels = np.arange(MOST_CLASSES + 1)
    names = tuple(map(str, labels))
    assert confusion(counted(labels, labels, labels, names)) is None
