"""Intervals combined from the labels' own: published limits, a direct maximisation, and few rows that decide."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from benchmarks.characteristics import families
from benchmarks.characteristics.draws import binary, context
from mlci.inference.estimators import ratios
from mlci.inference.intervals.label_sums import Label, Mover, PairedScore
from mlci.inference.intervals.score_intervals import Proportion, Tango
from mlci.inference.measure import measure_metric
from mlci.metrics import confusion
from tests.support import tables

Z = stats.norm.ppf(0.975)


@pytest.mark.parametrize(
    ("first", "second", "published"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ],
)
def test_balanced_accuracy__newcombes_published_limits(first, second, published):
    # Newcombe 1998, Stat. Med. 17:873, table II, method 10: p1 - p2 is recall + specificity - 1 where 1 - p2 are right
    label = np.repeat([1, 0], [first[1], second[1]])
    decided = np.concatenate([np.arange(first[1]) < first[0], np.arange(second[1]) < second[0]]).astype(int)
    sample = tables.statistics(label, None, decided)
    evidence = measure_metric("balanced_accuracy", sample, context(sample, baseline=False)).candidate
    assert [round(2 * end - 1, 4) for end in evidence.interval(0.95)] == list(published)


def test_mover__p_value_agrees_with_the_interval():
    evidence = Mover(0.8, (Proportion(9, 12), Proportion(430, 480)), (0.5, 0.5), 0.01, 492)
    low, high = evidence.interval(0.9)
    assert evidence.below(high) == pytest.approx(0.05, abs=1e-9)
    assert evidence.above(low) == pytest.approx(0.05, abs=1e-9)
    assert evidence.below(low) == pytest.approx(0.95, abs=1e-9)
    assert [evidence.below(1.0), evidence.above(0.0), evidence.below(0.0), evidence.above(1.0)] == [0, 0, 1, 1]
    perfect, same = Mover(1.0, (Proportion(12, 12),), (1.0,), 0.0, 12), Proportion(12, 12)
    assert perfect.interval(0.95) == same.interval(0.95)
    assert (perfect.below(1.0), perfect.above(1.0)) == (same.below(1.0), same.above(1.0)) == (1, 1)


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(0, 0, 50), (1, 4, 50), (12, 2, 50), (0, 9, 40), (43, 0, 43), (400, 350, 10_000)]
)
def test_paired_score__one_label_is_tango(gained, lost, n):
    tango = Tango(gained, lost, n)
    evidence = PairedScore(tango.value, (Label(n, gained, lost, 1.0, 1.0, 1.0),), 0.0, n)
    assert evidence.interval(0.95) == pytest.approx(tango.interval(0.95), abs=1e-11)
    for limit in (-0.3, -0.02, 0.0, 0.11):
        assert evidence.below(limit) == pytest.approx(tango.below(limit), abs=1e-11)
        assert evidence.above(limit) == pytest.approx(tango.above(limit), abs=1e-11)
    assert evidence.scaled_variance() == pytest.approx(tango.scaled_variance() - tango.value**2)


LABELS = (Label(14, 2, 0, 0.9, 0.9, 0.9), Label(300, 3, 8, 0.05, 0.06, 0.1))


@pytest.mark.parametrize("change", [-0.006, -0.002, 0.015, 0.03])
def test_paired_score__direct_maximisation_of_the_likelihood(change):
    rows, rest = 314, 0.002
    value = sum(label.moments()[0] for label in LABELS) / rows
    worth = np.array([0.9, -0.9, 0, 0.05, -0.06, 0, -0.1 if change < value else 0.1])  # last: as far as a row can go
    counts, first = np.array([2, 0, 12, 3, 8, 289, 0]), np.arange(7) < 3
    seen, sizes = counts > 0, np.where(first, 14, 300)
    constraints = [
        {"type": "eq", "fun": lambda m: m[first].sum() / 14 - 1},
        {"type": "eq", "fun": lambda m: m[~first].sum() / 300 - 1},
        {"type": "eq", "fun": lambda m: (worth * m).sum() / rows / change - 1},
    ]
    found = optimize.minimize(
        lambda m: -float((counts[seen] * np.log(m[seen] / counts[seen])).sum()),
        counts + 0.2,
        jac=lambda m: -counts / m,
        bounds=[(1e-9, 300)] * 7,
        constraints=constraints,
        method="SLSQP",
        options={"maxiter": 5000, "ftol": 1e-12},
    )
    assert max(abs(one["fun"](found.x)) for one in constraints) < 1e-6
    shares = found.x / sizes
    mean, square = ((worth**k * shares) @ np.stack([first, ~first], axis=1) for k in (1, 2))
    error = math.sqrt((np.array([14, 300]) * (square - mean**2)).sum() / rows**2 + rest**2)
    evidence = PairedScore(value, LABELS, rest, rows)
    assert evidence.score(change) == pytest.approx((value - change) / error, rel=2e-3)


def test_paired_score__p_value_agrees_with_the_interval():
    value = sum(label.moments()[0] for label in LABELS) / 314
    for labels, rest in ((LABELS, 0.0), (LABELS, 0.01), (LABELS[1:] + LABELS[:1], 0.001)):
        evidence = PairedScore(value, labels, rest, 314)
        low, high = evidence.interval(0.9)
        assert low < value < high
        assert evidence.below(high) == pytest.approx(0.05, abs=1e-9)
        assert evidence.above(low) == pytest.approx(0.05, abs=1e-9)
    assert [evidence.below(-1.0), evidence.above(-1.0), evidence.below(1.0), evidence.above(1.0)] == [1, 0, 0, 1]


def test_balanced_accuracy__only_positives_change():
    label = np.repeat([1, 0], [12, 488])
    baseline, candidate = label.copy(), label.copy()
    baseline[:3], candidate[2:4] = 0, 0
    sample = tables.statistics(label, baseline, candidate)
    balanced, recall = (
        measure_metric(name, sample, context(sample)).change for name in ("balanced_accuracy", "recall")
    )
    assert balanced.value == pytest.approx(recall.value / 2)
    assert balanced.interval(0.95) == pytest.approx([end / 2 for end in recall.interval(0.95)], abs=0.001)


def test_change__swapped_models():
    label, baseline, candidate = tables.paired_rows(600, seed=2, disagree=0.05)
    for name in ("balanced_accuracy", "precision", "f1", "matthews_corrcoef"):
        there, back = tables.statistics(label, baseline, candidate), tables.statistics(label, candidate, baseline)
        low, high = measure_metric(name, there, context(there)).change.interval(0.95)
        assert measure_metric(name, back, context(back)).change.interval(0.95) == pytest.approx((-high, -low), abs=1e-9)


def test_balanced_accuracy__many_small_classes():
    rng = np.random.default_rng(8)
    label = np.repeat(np.arange(20), 25)
    decided = np.where(rng.random(500) < 0.96, label, (label + 1) % 20)
    view = ratios.Cells.of(tables.decisions(label, None, decided, classes=[str(k) for k in range(20)]))
    evidence = ratios.mean_rate(
        confusion.balanced_accuracy, view, view.decisions.candidate, view.candidate, base=view.candidate.labels
    )
    assert evidence.parts == (Proportion(int((label == decided).sum()), 500),)
    assert evidence.interval(0.95) == pytest.approx(evidence.parts[0].interval(0.95))


def test_balanced_accuracy__coverage_with_few_positives():
    # the delta method on the logit scale covered the truth in 91 % of such draws
    rng, family = np.random.default_rng(5), families.FAMILIES["few"]
    truth, _ = family.truth("balanced_accuracy", 500)
    covered = 0
    for _ in range(600):
        sample = family.sample(rng, 500)
        low, high = measure_metric("balanced_accuracy", sample, context(sample, baseline=False)).candidate.interval(
            0.95
        )
        covered += low <= truth <= high
    assert covered >= 0.93 * 600


@pytest.mark.parametrize("name", ["balanced_accuracy", "negative_predictive_value", "f1", "precision"])
def test_change__coverage_if_no_row_differs_yet(name):
    # if the models agree on all positives or all negatives, the bootstrap covered the truth in 35 to 79 %
    population = binary(prevalence=0.024, positives=(0.88, 0.02, 0.03), negatives=(0.993, 0.0015, 0.001))
    truth = measure_metric(name, population.truth(), context(population.truth())).change.value
    rng, covered, asked = np.random.default_rng(6), 0, 0
    while asked < 200:
        sample = population.draw(rng, 500)
        change = measure_metric(name, sample, context(sample)).change
        if change.method != "identical":
            asked += 1
            covered += change.interval(0.95)[0] <= truth <= change.interval(0.95)[1]
    assert covered >= 0.93 * asked


def test_macro_f1__combines_wilson_limits_of_jaccard_indices():
    # three classes of unlike sizes, hits and rows of either side: 2 of 5, 30 of 41, 150 of 165
    label = np.repeat([0, 0, 1, 1, 2, 2], [2, 1, 30, 6, 150, 7])
    decided = np.repeat([0, 1, 1, 2, 2, 0], [2, 1, 30, 6, 150, 2 + 5])
    decided[-5:] = 1
    sample = tables.statistics(label, None, decided, classes="abc")
    evidence = measure_metric("f1_macro", sample, context(sample, baseline=False)).candidate
    squares, mean = np.zeros(2), 0.0
    for k in range(3):
        hits = int(((label == k) & (decided == k)).sum())
        either = int(((label == k) | (decided == k)).sum())
        ends = np.array(stats.binomtest(hits, either).proportion_ci(0.95, method="wilson"))
        value = 2 * hits / (either + hits)
        squares += ((2 * ends / (1 + ends) - value) / 3) ** 2
        mean += value / 3
    expected = mean + np.array([-1, 1]) * np.sqrt(squares + (evidence.rest * Z) ** 2)
    assert evidence.method == "wilson by class"
    assert evidence.interval(0.95) == pytest.approx(tuple(expected), abs=1e-12)


def test_macro_f1__coverage_of_a_class_of_two_percent():
    # the delta method covered 56 to 68 % of these draws
    rng, covered, drawn = np.random.default_rng(4), 0, 0
    population = families.SMALL_CLASS
    truth = measure_metric("f1_macro", population.truth(), context(population.truth())).candidate.value
    while drawn < 200:
        sample = population.draw(rng, 100)
        if len(np.unique(sample.decisions.label)) == 3:
            low, high = measure_metric("f1_macro", sample, context(sample, baseline=False)).candidate.interval(0.95)
            covered, drawn = covered + (low <= truth <= high), drawn + 1
    assert covered >= 0.92 * drawn
