"""Jackknives of functions of rows: values, errors against other ways, and rows that do not determine an error."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, fbeta_score, matthews_corrcoef

from benchmarks.characteristics.draws import context
from mlci.inference.measure import measure_metric
from mlci.metrics.resampling import (
    CellJackknife,
    GroupJackknife,
    MetricCall,
    Plan,
    assign_row_groups,
    count_row_groups,
    resample,
    weighs_rows,
)
from mlci.metrics.row_metrics import RowMetric, RowValues
from tests.engine.tables import job, observe, people, same, slices, write


def f2(labels, decisions, sample_weight=None):
    return fbeta_score(labels, decisions, beta=2, sample_weight=sample_weight)


def accuracy(labels, decisions, sample_weight=None):
    return float(np.average(labels == decisions, weights=sample_weight))


def recall(labels, decisions, sample_weight=None):
    return float(
        np.average(decisions[labels == 1], weights=None if sample_weight is None else sample_weight[labels == 1])
    )


def auc(labels, scores):
    """AUC of scores without ties."""
    positive = labels[np.argsort(scores)] == 1
    ranks = np.flatnonzero(positive) + 1
    m = len(ranks)
    return float((ranks.sum() - m * (m + 1) / 2) / (m * (len(labels) - m)))


@dataclasses.dataclass
class Here:
    """Evaluates one function in this process by one method."""

    function: object
    method: str

    def evaluate(self, metrics, sample, *, draws, seed, timeout):  # noqa: ARG002 (an evaluator's signature)
        on = "decision" if self.method == "cell jackknife" else "score"
        predictions = sample.decisions if on == "decision" else sample.scores
        call = MetricCall(self.function, sample.labels.astype(np.int64), predictions, self.method)
        values, reasons = resample(Plan([call], sample.scopes, len(sample.classes), draws, seed))
        return RowValues(values=values, methods=(self.method,), reasons=reasons, on=(on,))


def measure(tmp_path, frame, function, method, **more):
    path = write(frame, tmp_path, "t", "parquet")
    given = job(path, row_metrics=(RowMetric(name="own", function="m:own"),), **{"slices": (), **more})
    found = observe(given, row_metrics=Here(function, method)).statistics
    return [measure_metric("own", one, context(found[0])) for one in found], found


def jackknife_error(values):
    """The textbook formula, over values without each unit."""
    n = len(values)
    return np.sqrt((n - 1) / n * ((values - values.mean()) ** 2).sum())


@pytest.mark.parametrize("function", [f2, matthews_corrcoef, accuracy])
def test_cell_jackknife__leaves_out_every_row(tmp_path, function):
    frame = people(40, seed=3)
    [seen], _ = measure(tmp_path, frame, function, "cell jackknife")
    y, now, old = frame.label.to_numpy(), *((frame[name] >= 0.5).to_numpy().astype(int) for name in ("score", "old"))
    without = [np.delete(np.arange(40), row) for row in range(40)]
    candidate, baseline = (np.array([function(y[rows], one[rows]) for rows in without]) for one in (now, old))
    assert seen.candidate.value == pytest.approx(function(y, now), rel=1e-12)
    assert seen.candidate.error == pytest.approx(jackknife_error(candidate), rel=1e-9)
    assert seen.baseline.error == pytest.approx(jackknife_error(baseline), rel=1e-9)
    assert seen.change.error == pytest.approx(jackknife_error(candidate - baseline), rel=1e-9)
    assert (seen.change.method, seen.rows) == ("cell jackknife", 40)


def test_cell_jackknife__error_is_that_of_a_bootstrap():
    """One model's balanced accuracy of five classes, against draws of the same cells."""
    rng = np.random.default_rng(2)
    table = rng.integers(20, 80, (5, 5)) + np.diag(rng.integers(200, 400, 5))
    label, decided = (np.repeat(part.ravel(), table.ravel()) for part in np.indices((5, 5)))
    call = MetricCall(balanced_accuracy_score, label, (decided,), "cell jackknife")
    [[values]], _ = resample(Plan([call], [np.arange(len(label))], 5, 0, 7))
    effects = values[0, 1:] - np.average(values[0, 1:], weights=table.ravel())
    error = np.sqrt((len(label) - 1) / len(label) * (table.ravel() * effects**2).sum())
    drawn = rng.multinomial(len(label), table.ravel() / len(label), size=4_000).reshape(-1, 5, 5)
    recalls = np.einsum("ikk->ik", drawn) / drawn.sum(axis=2)
    assert error == pytest.approx(recalls.mean(axis=1).std(ddof=1), rel=0.06)
    assert values[0, 0] == pytest.approx((np.diag(table) / table.sum(axis=1)).mean())


def test_cell_jackknife__rows_that_determine_no_error(tmp_path):
    y = np.array([1] * 20 + [0] * 20)
    perfect = pd.DataFrame({"label": y, "score": y * 0.8, "old": y * 0.8 + 0.1, "sex": "F", "id": range(40)})
    [same_value], _ = measure(tmp_path, perfect, accuracy, "cell jackknife")
    assert (same_value.candidate.value, same_value.candidate.interval(0.95)) == (1.0, None)
    assert same_value.candidate.reason == "too few rows: the value is the same whichever row is left out"
    assert same_value.change.interval(0.95) is None
    assert "no prediction that the metric gets differs" in same_value.change.reason
    few = perfect.assign(score=np.where(perfect.id.isin([0, 1, 25]), 1 - perfect.score, perfect.score))
    [seen], _ = measure(tmp_path / "few", few, accuracy, "cell jackknife")
    assert (seen.change.value, seen.change.interval(0.95)) == (pytest.approx(-3 / 40), None)
    assert seen.change.reason.startswith("a few rows carry the variance (as much as 3.")
    one = perfect.assign(label=(perfect.id == 0).astype(int))
    [seen], _ = measure(tmp_path / "one", one, recall, "cell jackknife")
    assert (seen.candidate.value, seen.candidate.method, seen.candidate.interval(0.95)) == (1.0, "too few", None)
    assert seen.candidate.reason == "too few rows: undefined if a certain row is left out"
    none = perfect.iloc[20:].assign(label=[0] * 20)
    [seen], _ = measure(tmp_path / "none", none, recall, "cell jackknife")
    assert (seen.candidate.value, seen.candidate.reason[:17]) == (None, "ZeroDivisionError")


def test_group_jackknife__leaves_out_every_group(tmp_path):
    frame = people(1_500, seed=5)
    [seen], [found] = measure(tmp_path, frame, auc, "group jackknife")
    values = found.replicates["own"]
    assert values.candidate_draws.shape == (count_row_groups(1_500),) == (266,)
    assert seen.candidate.error == pytest.approx(jackknife_error(values.candidate_draws), rel=1e-9)
    change = values.candidate_draws - values.baseline_draws
    assert seen.change.error == pytest.approx(jackknife_error(change), rel=1e-9)
    assert (seen.change.method, seen.change.reason) == ("group jackknife", None)
    given = job(write(frame, tmp_path, "u", "parquet"), scores=True, slices=())
    whole = observe(given).statistics[0]
    delong = measure_metric("roc_auc", whole, context(whole)).change
    assert seen.change.value == pytest.approx(delong.value, abs=1e-12)
    assert np.ptp(seen.change.interval(0.95)) == pytest.approx(np.ptp(delong.interval(0.95)), rel=0.15)


@pytest.mark.parametrize("method", ["group jackknife", "cell jackknife"])
def test_jackknife__order_of_rows(tmp_path, method):
    frame = people(300, seed=4, ties=20)
    found = []
    for number, order in enumerate((frame.index, frame.sample(frac=1, random_state=2).index)):
        function = accuracy if method == "cell jackknife" else lambda y, p: float(np.mean((y - p) ** 2))
        _, statistics = measure(
            tmp_path / str(number), frame.loc[order], function, method, key="id", slices=slices("sex")
        )
        found.append([one.replicates["own"] for one in statistics])
    for left, right in zip(*found, strict=True):
        assert same(left.candidate_draws, right.candidate_draws)
        assert same(left.baseline_draws, right.baseline_draws)


@pytest.mark.parametrize(("rows", "groups"), [(1, 1), (150, 150), (400, 400), (500, 500), (1_000, 400), (10**6, 200)])
def test_count_groups__between_200_and_1000(rows, groups):
    assert count_row_groups(rows) == groups


def test_assign_groups__equal_sizes_and_no_order():
    groups = assign_row_groups(10_050, seed=7, scope=0)
    assert set(np.bincount(groups)) == {50, 51}
    assert not np.array_equal(groups, assign_row_groups(10_050, seed=7, scope=1))
    assert abs(np.corrcoef(groups, np.arange(10_050))[0, 1]) < 0.05


def test_group_jackknife__undefined_without_a_group(tmp_path):
    frame = people(40, seed=1).assign(label=[1] + [0] * 39)
    [seen], _ = measure(tmp_path, frame, auc_or_fail, "group jackknife")
    assert (seen.candidate.method, seen.candidate.interval(0.95)) == ("too few", None)
    assert seen.candidate.reason == "too few rows: undefined if a certain group of rows is left out"


def auc_or_fail(labels, scores):
    if len(set(labels.tolist())) < 2:
        raise ValueError("one class")
    return auc(labels, scores)


def test_scores__in_ascending_order_with_their_labels():
    labels, scores = np.array([0, 1, 2, 3]), np.array([0.4, 0.1, 0.3, 0.2])
    call = MetricCall(lambda y, p: float(np.all(np.diff(p) > 0) and np.array_equal(scores[y], p)), labels, (scores,))
    assert GroupJackknife(call, np.arange(4), 0, 7, 4).value(2) == [1.0]


def test_weighs_rows__weights_that_are_not_repeated_rows():
    rng = np.random.default_rng(3)
    labels, decided = rng.integers(0, 2, (2, 300))
    rows = np.arange(300)
    ignores = MetricCall(lambda y, p, **_: float(np.mean(y == p)), labels, (decided,), "cell jackknife")
    assert not weighs_rows(ignores, rows, 2)
    assert weighs_rows(MetricCall(accuracy, labels, (decided,), "cell jackknife"), rows, 2)


def test_cell_jackknife__class_values_for_users_functions():
    call = MetricCall(
        lambda y, p, sample_weight: float(np.average((y == "dog") & (p == "dog"), weights=sample_weight)),
        np.array([0, 1, 1, 0]),
        (np.array([0, 1, 0, 1]),),
        "cell jackknife",
        np.array(["cat", "dog"]),
    )
    jackknife = CellJackknife(call, np.arange(4), 0, 7, 4)
    assert jackknife.sample() == [(0.25, None)]
    assert [jackknife.value(index)[0] for index in range(4)] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
