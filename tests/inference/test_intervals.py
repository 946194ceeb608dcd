"""Intervals against published examples, direct implementations and peers."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from benchmarks.characteristics.draws import multinomial_draws
from mlci.inference.estimators import ranks, ratios
from mlci.inference.estimators.score_metrics import expected_calibration_error
from mlci.inference.evidence import Tie
from mlci.inference.intervals import distributions
from mlci.inference.intervals.score_intervals import F1, Proportion, Tango
from mlci.inference.measure import agreement, exact_p
from mlci.inference.minimums import rows_needed
from mlci.metrics import confusion
from tests.support import tables


@pytest.mark.parametrize(("t", "df"), list(product([-40, -3.1, -0.2, 0, 0.7, 2.5, 9], [1, 4.5, 30, 499, 99_999])))
def test_student_cdf__scipy(t, df):
    assert distributions.student_cdf(t, df) == pytest.approx(stats.t.cdf(t, df), abs=1e-12 if df < 1000 else 1e-9)


@pytest.mark.parametrize("df", [1, 3, 29, 499, 1e6])
def test_student_two_sided__scipy(df):
    for confidence in (0.5, 0.8, 0.95, 0.999):
        expected = stats.t.ppf((1 + confidence) / 2, df)
        assert distributions.student_two_sided(confidence, df) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("x", "n"), [(0, 10), (1, 10), (81, 263), (15, 148), (29, 29), (500, 1000)])
def test_wilson__scipy(x, n):
    theirs = stats.binomtest(x, n).proportion_ci(0.95, method="wilson")
    assert Proportion(x, n).interval(0.95) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson__newcombes_published_limits():
    # Newcombe 1998, Stat. Med. 17:857, table I
    assert [round(end, 4) for end in Proportion(81, 263).interval(0.95)] == [0.2553, 0.3662]
    assert [round(end, 4) for end in Proportion(15, 148).interval(0.95)] == [0.0624, 0.1605]


def test_tango__closed_form_without_disagreement():
    z2 = stats.norm.ppf(0.975) ** 2
    assert Tango(0, 0, 50).interval(0.95) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)), abs=1e-9)


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(1, 4, 50), (12, 2, 50), (0, 9, 40), (43, 0, 43), (400, 350, 10_000)]
)
def test_tango__inverts_its_score_test(gained, lost, n):
    evidence = Tango(gained, lost, n)
    low, high = evidence.interval(0.95)
    assert low <= evidence.value <= high
    if low > -1:
        assert evidence.above(low) == pytest.approx(0.025, abs=1e-6)
    if high < 1:
        assert evidence.below(high) == pytest.approx(0.025, abs=1e-6)


def test_tango__direct_maximisation_of_the_likelihood():
    gained, lost, n, delta = 7, 19, 180, -0.02
    grid = np.linspace(1e-9, 0.5, 2_000_001)  # probability of "lost"; "gained" is that plus delta
    with np.errstate(invalid="ignore", divide="ignore"):
        likelihood = gained * np.log(grid + delta) + lost * np.log(grid)
        likelihood += (n - gained - lost) * np.log(1 - 2 * grid - delta)
    p_lost = grid[np.nanargmax(likelihood)]
    variance = n * (2 * p_lost + delta - delta**2)
    direct = (gained - lost - n * delta) / math.sqrt(variance)
    assert Tango(gained, lost, n).score(delta) == pytest.approx(direct, abs=1e-4)


def test_f1__wilson_of_the_jaccard_index():
    low, high = Proportion(30, 50).interval(0.9)
    assert F1(30, 50).value == pytest.approx(60 / 80)
    assert F1(30, 50).interval(0.9) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
    assert F1(30, 50).below(F1(30, 50).interval(0.9)[1]) == pytest.approx(0.05)


def with_pseudo_rows(label, first, second):
    """Variance of a change with two pseudo-rows in the scarcer class, from all pairs of rows."""
    placed = []
    for score in (first, second):
        mine, theirs = score[label == 1, None], score[None, label == 0]
        placed.append((mine > theirs) + 0.5 * (mine == theirs))
    gap = placed[1] - placed[0]
    scarce, other = sorted(
        ((gap.mean(axis=axis).var(ddof=1), gap.shape[1 - axis]) for axis in (1, 0)), key=lambda one: one[1]
    )
    m = scarce[1]
    return (scarce[0] + 2 * other[0] / (m + 1)) / m + other[0] / other[1]


def direct_delong(label, first, second):
    """DeLong, DeLong & Clarke-Pearson 1988, pair by pair."""
    pos = [np.asarray(s)[label == 1] for s in (first, second)]
    neg = [np.asarray(s)[label == 0] for s in (first, second)]
    psi = [(p[:, None] > n[None, :]) + 0.5 * (p[:, None] == n[None, :]) for p, n in zip(pos, neg, strict=True)]
    auc = np.array([item.mean() for item in psi])
    s10 = np.cov(np.stack([item.mean(axis=1) for item in psi]))
    s01 = np.cov(np.stack([item.mean(axis=0) for item in psi]))
    return auc, s10 / len(pos[0]) + s01 / len(neg[0])


@pytest.mark.parametrize("seed", range(12))
def test_delong__direct_implementation(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 250))
    label = (rng.random(n) < 0.35).astype(int)
    label[:4] = 0, 1, 0, 1
    first = np.round(rng.normal(label, 1.2), int(rng.integers(0, 3)))
    second = np.round(first + rng.normal(0, 0.5, n), 2)
    found = tables.scores(label, first, second)
    auc, covariance = direct_delong(label, first, second)
    one, two = ranks.roc_auc(found.baseline), ranks.roc_auc(found.candidate)
    single = ranks.rank_evidence(two, found.candidate, metric="roc_auc")
    change = ranks.paired_rank_change(one, two, found, metric="roc_auc", method="delong")
    assert (one.value, two.value) == pytest.approx(tuple(auc), abs=1e-12)
    assert single.variance == pytest.approx(covariance[1, 1], abs=1e-12)
    assert change.error**2 == pytest.approx(with_pseudo_rows(label, first, second), abs=1e-12)


def test_average_precision__influence_predicts_the_bootstrap():
    rng = np.random.default_rng(0)
    n = 2000
    label = (rng.random(n) < 0.2).astype(int)
    first = rng.normal(label, 1)
    second = first + rng.normal(0.2 * label, 0.4)
    found = tables.scores(label, first, second)
    one, two = ranks.average_precision(found.baseline), ranks.average_precision(found.candidate)
    error = ranks.paired_rank_change(one, two, found, metric="average_precision", method="influence").error
    drawn = []
    for _ in range(400):
        rows = rng.integers(0, n, n)
        again = tables.scores(label[rows], first[rows], second[rows])
        pair = (ranks.average_precision(again.candidate), ranks.average_precision(again.baseline))
        drawn.append(pair[0].value - pair[1].value)
    assert error == pytest.approx(np.std(drawn), rel=0.12)


def test_roc_auc__perfect_separation_has_an_interval():
    label = np.array([0] * 20 + [1] * 10)
    found = tables.scores(label, None, label + 0.0)
    evidence = ranks.rank_evidence(ranks.roc_auc(found.candidate), found.candidate, metric="roc_auc")
    assert evidence.value == 1
    assert evidence.interval(0.95) == pytest.approx((0.8265136, 1.0), abs=1e-7)


@pytest.mark.parametrize("function", [confusion.f1_of(1), confusion.precision_of(1), confusion.matthews_corrcoef])
def test_change__standard_error_of_the_row_bootstrap(function):
    label, baseline, candidate = tables.paired_rows(4000, seed=5, disagree=0.1)
    view = ratios.Cells.of(tables.decisions(label, baseline, candidate))
    evidence = ratios.change_by_label(view, function)
    counts = multinomial_draws(view.decisions, replicates=2000, seed=1)
    drawn = [
        function(ratios.margins(view.decisions, d, counts)) for d in (view.decisions.candidate, view.decisions.baseline)
    ]
    error = math.sqrt(evidence.scaled_variance() / evidence.rows)
    assert error == pytest.approx(np.std(drawn[0] - drawn[1]), rel=0.06)
    assert evidence.interval(0.95) == pytest.approx(
        (evidence.value - 1.96 * error, evidence.value + 1.96 * error), abs=error / 5
    )


def test_multinomial__same_as_resampling_rows():
    label, baseline, candidate = tables.paired_rows(400, seed=1)
    found = tables.decisions(label, baseline, candidate)
    rng = np.random.default_rng(0)
    drawn = multinomial_draws(found, replicates=3000, seed=3)
    rows = np.repeat(np.arange(len(found.count)), found.count)
    direct = np.stack([np.bincount(rng.choice(rows, len(rows)), minlength=len(found.count)) for _ in range(3000)])
    assert drawn.sum(axis=1).tolist() == [400] * 3000
    assert drawn.mean(axis=0) == pytest.approx(direct.mean(axis=0), abs=1.2)
    assert np.cov(drawn.T) == pytest.approx(np.cov(direct.T), abs=9)


def test_mcnemar__published_example():
    # mlxtend's table [[101, 121], [59, 33]]
    found = agreement(four_cells(101, 121, 59, 33))
    assert (found.both, found.baseline_only, found.candidate_only, found.neither) == (101, 121, 59, 33)
    assert found.chi2_corrected == pytest.approx(20.672222, abs=5e-7)
    assert found.chi2 == pytest.approx(21.355556, abs=5e-7)
    assert found.exact_p == pytest.approx(4.434449e-06, abs=5e-13)
    assert agreement(four_cells(9959, 11, 1, 29)).exact_p == pytest.approx(26 / 4096, abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [(0, 0), (5, 5), (0, 12), (300, 345), (40_000, 40_900)])
def test_mcnemar__exact_p_of_scipy(a, b):
    theirs = stats.binomtest(a, a + b).pvalue if a + b else 1.0
    assert exact_p(a, b) == pytest.approx(theirs, rel=1e-9)


def four_cells(both, baseline_only, candidate_only, neither):
    label = np.ones(both + baseline_only + candidate_only + neither, dtype=int)
    baseline = np.repeat([1, 1, 0, 0], [both, baseline_only, candidate_only, neither])
    candidate = np.repeat([1, 0, 1, 0], [both, baseline_only, candidate_only, neither])
    return tables.decisions(label, baseline, candidate)


@pytest.mark.parametrize(("share", "rows"), [(0.02, 310), (0.05, 773), (0.10, 1546), (0.20, 3092)])
def test_rows_needed__margin_of_two_points(share, rows):
    assert rows_needed(share, distance=0.02, confidence=0.90) == rows


def test_tie__exact():
    assert Tie().interval(0.95) == (0, 0)
    assert Tie().below(-0.01) == 1
    assert Tie().above(-0.01) == 0


@pytest.mark.parametrize(("n", "plain"), [(200, 0.088), (1000, 0.039), (10_000, 0.0125)])
def test_calibration_error__debiased(n, plain):
    rng = np.random.default_rng(0)
    values, raw = [], []
    for _ in range(100):
        score = rng.random(n)
        gap = score - (rng.random(n) < score)
        code = np.minimum((score * 15).astype(int), 14)
        rows, sums, squares = (np.bincount(code, w, 15) for w in (None, gap, gap**2))
        values.append(expected_calibration_error(rows, sums, squares).value)
        raw.append(np.abs(sums).sum() / n)
    assert np.mean(raw) == pytest.approx(plain, rel=0.15)
    assert np.mean(values) < 0.65 * np.mean(raw)


def test_ratios__no_errors_have_an_interval():
    label = np.array([0] * 40 + [1] * 12)
    view = ratios.Cells.of(tables.decisions(label, None, label))
    for function in (confusion.matthews_corrcoef, confusion.macro(confusion.f1s)):
        evidence = ratios.ratio_of_counts(function, view, view.decisions.candidate, view.candidate, low=0.0, high=1.0)
        assert evidence.value == 1
        assert evidence.interval(0.95) == Proportion(12, 12).interval(0.95)


def test_ratios__different_models_of_equal_ratio_have_an_interval():
    label = np.array([0] * 500 + [1] * 500)
    baseline, candidate = label.copy(), label.copy()
    baseline[500:510], candidate[505:515] = 0, 0  # each misses ten positives and never calls a negative positive
    view = ratios.Cells.of(tables.decisions(label, baseline, candidate))
    evidence = ratios.change_by_label(view, confusion.precision_of(1))
    assert evidence.value == 0
    low, high = evidence.interval(0.95)
    assert -0.02 < low < -0.004
    assert high == -low


def test_paired_auc__equal_ranks_of_unequal_scores_are_not_a_tie():
    rng = np.random.default_rng(0)
    label = (rng.random(300) < 0.4).astype(int)
    score = np.round(rng.random(300), 2)
    found = tables.scores(label, score, score / 2 + 0.1)
    one, two = ranks.roc_auc(found.baseline), ranks.roc_auc(found.candidate)
    evidence = ranks.paired_rank_change(one, two, found, metric="roc_auc", method="delong")
    assert (evidence.value, evidence.method, evidence.interval(0.95)) == (0.0, "too few", None)
    same = tables.scores(label, score, score)
    assert isinstance(ranks.paired_rank_change(one, two, same, metric="roc_auc", method="delong"), Tie)
