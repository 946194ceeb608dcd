"""Builders of statistics from rows, computed the slow and obvious way."""

import numpy as np

from benchmarks.characteristics.draws import sum_columns
from mlci.metrics.statistics import WHOLE, Decisions, ModelBins, Moments, Scope, Scores, Statistics


def decisions(label, baseline, candidate, classes=("0", "1")):
    """Count (label, baseline, candidate) of integer-coded rows."""
    columns = [label, candidate] if baseline is None else [label, baseline, candidate]
    cells, count = np.unique(np.stack([np.asarray(c) for c in columns], axis=1), axis=0, return_counts=True)
    base = None if baseline is None else cells[:, 1]
    return Decisions(tuple(classes), cells[:, 0], base, cells[:, -1], count)


def bins(label, score):
    """One bin for each distinct score."""
    label = np.asarray(label)
    values, code = np.unique(score, return_inverse=True)
    size = len(values)
    positives = np.bincount(code, weights=label, minlength=size).astype(np.int64)
    return ModelBins(positives, np.bincount(code, minlength=size) - positives, np.arange(size)), code


def scores(label, baseline, candidate):
    """Ranks of both models' scores with the joint histogram, exactly."""
    label = np.asarray(label)
    mine, right = bins(label, candidate)
    if baseline is None:
        return Scores(mine, None, None, 0, exact=True)
    base, left = bins(label, baseline)
    joint = np.stack([left, right, label, 1 - label], axis=1)
    differing = int((np.asarray(baseline) != np.asarray(candidate)).sum())
    return Scores(mine, base, joint, differing, exact=True)


def moments(*, label=None, squares=False, **columns):
    """Sums and products of named columns; powers too of ``squares``, and by class with a ``label``."""
    if {"baseline", "candidate"} <= set(columns):
        return sum_columns({k: np.asarray(v, dtype=float) for k, v in columns.items()}, label=label, squares=squares)
    data = np.stack([np.asarray(column, dtype=float) for column in columns.values()], axis=1)
    return Moments(tuple(columns), len(data), data.sum(axis=0), data.T @ data)


def statistics(label, baseline, candidate, *, scope=WHOLE, classes=("0", "1"), **more):
    """Statistics of decided rows."""
    return Statistics(scope, len(label), decisions(label, baseline, candidate, classes), **more)


def by_group(label, baseline, candidate, group, *, name="g", classes=("0", "1")):
    """The whole set's statistics, then each group's."""
    label, candidate, group = np.asarray(label), np.asarray(candidate), np.asarray(group)
    baseline = None if baseline is None else np.asarray(baseline)
    found = [statistics(label, baseline, candidate, classes=classes)]
    for value in sorted(set(group.tolist())):
        rows = group == value
        base = None if baseline is None else baseline[rows]
        found.append(statistics(label[rows], base, candidate[rows], scope=Scope(name, str(value)), classes=classes))
    return found


def paired_rows(n, *, seed, accuracy=0.85, disagree=0.06, drop=0.0, prevalence=0.4):
    """Label and decisions of two models with given accuracy, disagreement and true drop."""
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < prevalence).astype(int)
    lost, gained = (disagree + drop) / 2, (disagree - drop) / 2
    u = rng.random(n)
    right_before = u < accuracy
    right_now = (u >= lost) & (u < accuracy) | (u >= accuracy) & (u < accuracy + gained)
    return label, np.where(right_before, label, 1 - label), np.where(right_now, label, 1 - label)
