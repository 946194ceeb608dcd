"""Metrics of rows with clusters and weights: values against scikit-learn, errors against independent rows, coverage."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from mlci.engine.interface import Source
from mlci.engine.shards.rounds import refuse_whole_rows
from mlci.engine.spark.refusals import refuse_job
from mlci.errors import InputError
from mlci.execution.metric_stage import MetricProcess
from mlci.inference.disparity.shared_clusters import estimate_groups, smallest_covariance
from mlci.inference.estimators.by_cluster import cluster_sums
from mlci.inference.evaluate import Question, evaluate
from mlci.inference.evidence import MeasureContext
from mlci.inference.measure import measure_metric
from mlci.inference.minimums import missing_rows
from mlci.metrics.resampling import MetricCall, Plan, resample
from mlci.metrics.row_metrics import RowMetric
from tests.engine.tables import everything, job, observe, refusal, slices
from tests.support.recording import runner

BINARY = {
    "accuracy": metrics.accuracy_score,
    "precision": metrics.precision_score,
    "recall": metrics.recall_score,
    "f1": metrics.f1_score,
    "jaccard": metrics.jaccard_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "matthews_corrcoef": metrics.matthews_corrcoef,
    "cohen_kappa_score": metrics.cohen_kappa_score,
}
SCORES = {
    "roc_auc": metrics.roc_auc_score,
    "average_precision": metrics.average_precision_score,
    "brier_score_loss": metrics.brier_score_loss,
    "log_loss": metrics.log_loss,
}
REGRESSION = {
    "mean_absolute_error": metrics.mean_absolute_error,
    "mean_squared_error": metrics.mean_squared_error,
    "root_mean_squared_error": metrics.root_mean_squared_error,
    "r2": metrics.r2_score,
    "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error,
}


def visits(clusters=60, seed=3):
    """Visits of patients: labels and scores of a patient are alike, clusters have one to nine rows."""
    draw = np.random.default_rng(seed)
    patient = np.repeat(np.arange(clusters), draw.integers(1, 10, clusters))
    rows, effect = len(patient), draw.normal(0, 1, clusters)[patient]
    label = (effect + draw.normal(0, 1, rows) > 0.3).astype(int)
    score, old = (np.round(1 / (1 + np.exp(-(label - 0.5 + draw.normal(0, 1, rows)))), 2) for _ in range(2))
    weight, sex = np.round(draw.gamma(2, 1, rows) + 0.1, 3), np.where(patient % 2, "F", "M")
    columns = {"patient": patient, "weight": weight, "sex": sex, "label": label, "score": score, "old": old}
    return pd.DataFrame({"id": np.arange(rows), **columns})


def evaluated(asked, *names, disparities=()):
    found = observe(asked)
    question = Question(
        task=asked.task, metrics=names, baseline=asked.baseline is not None, disparities=disparities, min_group_size=1
    )
    result = evaluate(found.statistics, question, fingerprint="", notes=found.notes)
    return result, {(item.metric, item.scope.group): item for item in result.comparisons}


@pytest.fixture
def table(tmp_path):
    frame, path = visits(), str(tmp_path / "visits.parquet")
    frame.to_parquet(path)
    return frame, path


def clustered(path, **more):
    given = {"slices": slices("sex"), "cluster": "patient", "weight": "weight", **everything()}
    return job(path, **(given | more))


def test_by_cluster__values_are_those_of_sample_weight(table):
    frame, path = table
    _, found = evaluated(clustered(path), *BINARY, *SCORES)
    for group, rows in ((None, frame), ("F", frame[frame.sex == "F"])):
        for name, theirs in (BINARY | SCORES).items():
            item = found[name, group]
            for evidence, column in ((item.candidate, rows.score), (item.baseline, rows.old)):
                given = column if name in SCORES else column >= 0.5
                expected = theirs(rows.label, given, sample_weight=rows.weight)
                assert evidence.value == pytest.approx(expected, abs=1e-12), (name, group)
            assert item.change.value == pytest.approx(item.candidate.value - item.baseline.value, abs=1e-12)
            low, high = item.change.interval(0.95)
            assert low < item.change.value < high
            assert "by cluster" in item.candidate.method


def test_by_cluster__regression(table, tmp_path):
    frame, _ = table
    frame["label"] = frame.score + 0.3
    frame["score"] = frame.label + np.random.default_rng(1).normal(0, 0.3, len(frame))
    path = str(tmp_path / "numbers.parquet")
    frame.to_parquet(path)
    losses = ("squared", "absolute", "percentage", "variance")
    asked = clustered(path, task="regression", losses=losses, scores=False, calibration=False, probabilities=False)
    _, found = evaluated(asked, *REGRESSION)
    for name, theirs in REGRESSION.items():
        item = found[name, None]
        for evidence, column in ((item.candidate, frame.score), (item.baseline, frame.old)):
            expected = theirs(frame.label, column, sample_weight=frame.weight)
            assert evidence.value == pytest.approx(expected, abs=1e-12), name
            low, high = evidence.interval(0.95)
            assert low < evidence.value < high


def test_by_cluster__classes(table, tmp_path):
    frame, _ = table
    draw, names = np.random.default_rng(2), ["cat", "dog", "emu"]
    labels = draw.integers(0, 3, len(frame))
    each = [draw.dirichlet([1, 1, 1], len(frame)) * 0.5 + 0.5 * np.eye(3)[labels] for _ in range(2)]
    each[0] = np.round(each[0], 2) / np.round(each[0], 2).sum(axis=1, keepdims=True)
    frame["label"] = np.array(names)[labels]
    for prefix, one in zip("pq", each, strict=True):
        frame[[f"{prefix}_{name}" for name in names]] = one
    path = str(tmp_path / "animals.parquet")
    frame.to_parquet(path)
    sources = [Source(path=path, probabilities=tuple((n, f"{prefix}_{n}") for n in names)) for prefix in "pq"]
    more = {"losses": ("log", "squared", "top_2"), "class_ranks": ("ovr", "ovo"), "scores": False}
    asked = clustered(path, task="multiclass", candidate=sources[0], baseline=sources[1], **more)
    wanted = ("roc_auc_ovr", "log_loss", "top_k_accuracy", "f1_macro", "recall[cat]", "f1[dog]")
    _, found = evaluated(asked, *wanted, "roc_auc_ovo")
    decided, weights = each[0].argmax(axis=1), frame.weight
    assert {name: found[name, None].candidate.value for name in wanted} == pytest.approx({
        "roc_auc_ovr": metrics.roc_auc_score(labels, each[0], multi_class="ovr", sample_weight=weights),
        "log_loss": metrics.log_loss(labels, each[0], sample_weight=weights),
        "top_k_accuracy": metrics.top_k_accuracy_score(labels, each[0], k=2, sample_weight=weights),
        "f1_macro": metrics.f1_score(labels, decided, average="macro", sample_weight=weights),
        "recall[cat]": metrics.recall_score(labels, decided, average=None, sample_weight=weights)[0],
        "f1[dog]": metrics.f1_score(labels, decided, average=None, sample_weight=weights)[1],
    }, abs=1e-12)  # fmt: skip
    unweighted = clustered(path, task="multiclass", candidate=sources[0], baseline=sources[1], weight=None, **more)
    _, equal = evaluated(unweighted, "roc_auc_ovo")
    expected = metrics.roc_auc_score(labels, each[0], multi_class="ovo")
    assert equal["roc_auc_ovo", None].candidate.value == pytest.approx(expected, abs=1e-12)


def test_by_cluster__one_row_a_cluster_is_as_independent_rows(table):
    """The error of each change is that without clusters, within a tenth: only the variance's estimate differs."""
    _, path = table
    names = ("accuracy", "f1", "matthews_corrcoef", "roc_auc", "average_precision", "brier_score_loss", "log_loss")
    _, plain = evaluated(clustered(path, cluster=None, weight=None), *names)
    _, found = evaluated(clustered(path, cluster="id", weight=None), *names)
    for name in names:
        ours, theirs = found[name, None], plain[name, None]
        assert ours.candidate.value == pytest.approx(theirs.candidate.value, abs=1e-12)
        for one, other in ((ours.candidate, theirs.candidate), (ours.change, theirs.change)):
            lengths = [np.diff(evidence.interval(0.95))[0] for evidence in (one, other)]
            assert lengths[0] == pytest.approx(lengths[1], rel=0.15), name


def test_by_cluster__twice_the_rows_of_a_cluster_prove_no_more(table, tmp_path):
    frame, path = table
    twice = str(tmp_path / "twice.parquet")
    pd.concat([frame, frame]).to_parquet(twice)
    names = ("accuracy", "roc_auc", "brier_score_loss", "f1")
    (_, once), (_, again) = (evaluated(clustered(each, weight=None), *names) for each in (path, twice))
    for name in names:
        lengths = [np.diff(found[name, None].change.interval(0.95))[0] for found in (once, again)]
        assert lengths[1] == pytest.approx(lengths[0], rel=0.02), name


def test_by_cluster__weights_alone(table):
    frame, path = table
    result, found = evaluated(clustered(path, cluster=None), "accuracy")
    evidence = found["accuracy", None].candidate
    right = (frame.score >= 0.5) == frame.label
    share = frame.weight / frame.weight.sum()
    variance = (share**2 * (right - evidence.value) ** 2 / (1 - share)).sum()
    assert evidence.variance == pytest.approx(variance, rel=1e-9)
    assert evidence.method == "mixing score by weight"
    assert any("`weight`" in note for note in result.notes)


def test_by_cluster__few_clusters_are_fragile(table, tmp_path):
    frame, _ = table
    path = str(tmp_path / "few.parquet")
    frame[frame.patient < 6].to_parquet(path)
    result, found = evaluated(clustered(path), "accuracy", "roc_auc")
    assert "only 6 clusters: the interval is fragile" in found["accuracy", None].candidate.reason
    assert "only 6 clusters of `patient`: intervals are fragile below 8" in result.notes
    assert (result.cluster, result.clusters, result.weight) == ("patient", 6, "weight")


def test_disparity__clusters_of_one_row_are_independent_groups(table):
    """Between two groups: lengths as without clusters, within a fifth."""
    _, path = table
    pairs = tuple((name, "sex") for name in ("accuracy_difference", "recall_ratio", "brier_score_loss_difference"))
    more = {"slices": slices("sex"), "weight": None}
    plain, _ = evaluated(clustered(path, cluster=None, **more), disparities=pairs)
    found, _ = evaluated(clustered(path, cluster="id", **more), disparities=pairs)
    for ours, theirs in zip(found.disparities, plain.disparities, strict=True):
        assert ours.candidate.value == pytest.approx(theirs.candidate.value)
        lengths = [np.diff(one.candidate.interval(0.95))[0] for one in (ours, theirs)]
        assert lengths[0] == pytest.approx(lengths[1], rel=0.2), ours.metric
        assert ours.change.interval(0.95)[0] < ours.change.value


def test_disparity__groups_that_share_clusters(table, tmp_path):
    """The error of the difference of two groups is that of both groups' influences, summed by cluster."""
    frame, _ = table
    frame["sex"] = np.where(frame.id % 2, "F", "M")
    path = str(tmp_path / "shared.parquet")
    frame.to_parquet(path)
    asked = clustered(path, weight=None)
    statistics = observe(asked).statistics
    context = MeasureContext(whole=statistics[0], confidence=0.95, seed=7, baseline=True)
    sums = [cluster_sums("brier_score_loss", one, context, "candidate") for one in statistics[1:]]
    each = [one.residuals / np.sqrt(1 - one.shares) / one.weights.sum() for one in sums]
    both = np.zeros((2, 60))
    for row, one, part in zip(both, sums, each, strict=True):
        row[one.ids] = part
    assert smallest_covariance(sums) == pytest.approx(float(both[0] @ both[1]), rel=1e-12)
    measured = [measure_metric("brier_score_loss", one, context) for one in statistics[1:]]
    _, variance = estimate_groups("brier_score_loss", statistics[1:], measured, context, "candidate")
    exact = float(((both[0] - both[1]) ** 2).sum())
    assert 1 < variance.sum() / exact < 1.3  # the intervals are Hall's, of some 55 clusters


def test_minimums__count_clusters(table, tmp_path):
    """Two patients with all labelled positives are too few for recall, however many visits they have."""
    frame, _ = table
    frame["label"] = (frame.patient % 30 == 4).astype(int)
    path = str(tmp_path / "few_positives.parquet")
    frame.to_parquet(path)
    _, found = evaluated(clustered(path), "recall", "roc_auc")
    assert found["recall", None].carriers["clusters with labelled positives"] == 2
    assert str(missing_rows("recall", found["recall", None].carriers)) == (
        "2 clusters with labelled positives; 3 are needed"
    )
    assert found["roc_auc", None].change.interval(0.95) is None


@pytest.mark.parametrize("setting", ["cluster", "weight"])
def test_clusters__refused_on_spark_and_in_shards(setting):
    asked = job("rows.parquet", key="id", **{setting: "patient"})
    with pytest.raises(InputError, match=f"remove `{setting}`"):
        refuse_job(asked)
    with pytest.raises(InputError, match=f"`evaluation.{setting}`"):
        refuse_whole_rows(asked)


def _bad(frame, path, **cells):
    for name, value in cells.items():
        frame[name] = frame[name].astype(object)
        frame.loc[4, name] = value
    frame.to_csv(path, index=False)
    return clustered(str(path))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"patient": None}, "cluster 'patient' is null in row 5"),
        ({"weight": 0}, "weight 'weight' is 0 in row 5"),
        ({"weight": -1.5}, "weight 'weight' is -1.5 in row 5"),
        ({"weight": "nan"}, "'weight' is"),
        ({"weight": "many"}, "'weight' is not a number: 'many' in row 5"),
    ],
)
def test_read_clustering__bad_cells(table, tmp_path, cells, words):
    assert words in "\n".join(refusal(_bad(table[0], tmp_path / "bad.csv", **cells)))


def test_read_clustering__one_cluster(table, tmp_path):
    path = tmp_path / "one.csv"
    table[0].assign(patient=7).to_csv(path, index=False)
    assert "all rows have the same 'patient'" in refusal(clustered(str(path)))[0]


def test_read_clustering__column_is_missing(table):
    assert "has no column 'patients'; did you mean 'patient'" in refusal(clustered(table[1], cluster="patients"))[0]


def test_by_cluster__order_of_rows_and_size_of_blocks(table, tmp_path):
    frame, path = table
    other = str(tmp_path / "shuffled.parquet")
    frame.sample(frac=1, random_state=1).to_parquet(other)
    (_, one), (_, two) = (evaluated(clustered(each), "accuracy", "roc_auc") for each in (path, other))
    for key, item in one.items():
        assert item.change.interval(0.95) == pytest.approx(two[key].change.interval(0.95), abs=1e-12)
    large = observe(clustered(path), exact_rows=10)
    assert large.statistics[0].clustered is not None


def test_resamples__whole_clusters():
    """A bootstrap draws whole clusters, and a jackknife leaves whole clusters out."""
    clusters = np.repeat(np.arange(12), np.arange(1, 13))
    seen = []

    def note(labels, _):
        seen.append(np.bincount(labels.astype(int), minlength=12))
        return float(labels.mean())

    calls = [MetricCall(note, clusters, (clusters,), method) for method in ("cluster bootstrap", "cluster jackknife")]
    plan = Plan(calls, [np.arange(len(clusters))], 0, 50, 7, clusters, [12])
    values, reasons = resample(plan)
    assert not reasons
    assert [len(tables[0][0]) for tables in values] == [51, 13]
    sizes = np.arange(1, 13)
    assert all((counts % sizes == 0).all() for counts in seen)
    assert all((counts / sizes).sum() == 12 for counts in seen[1:51])
    assert sorted(int(np.flatnonzero(counts == 0)[0]) for counts in seen[52:]) == list(range(12))


FUNCTIONS = """
def overlap(y_true, y_pred, sample_weight=None):
    both = (sample_weight * y_true * y_pred).sum()
    return 2 * both / (sample_weight * (y_true + y_pred)).sum()

def gap(y_true, y_score):
    return float(abs(y_true - y_score).mean())
"""


def test_resampled_metrics__weights_and_clusters(table, tmp_path):
    """The jackknife over clusters of a metric that has a closed form gives its error, and scikit-learn's value."""
    frame, path = table
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    asked = clustered(path, row_metrics=(RowMetric(name="mine:overlap", function="mine:overlap"),), slices=())
    evaluator = MetricProcess(runner(None), folder=tmp_path, scratch=tmp_path / "scratch")
    found = observe(asked, row_metrics=evaluator)
    question = Question(task="binary", metrics=("mine:overlap", "f1"), baseline=True)
    ours, closed = evaluate(found.statistics, question, fingerprint="", notes=()).comparisons
    expected = metrics.f1_score(frame.label, frame.score >= 0.5, sample_weight=frame.weight)
    assert ours.candidate.value == pytest.approx(expected, abs=1e-12)
    assert ours.change.method == "cluster jackknife"
    assert ours.change.error == pytest.approx(math.sqrt(closed.change.variance), rel=0.1)
    with pytest.raises(InputError, match="has no parameter `sample_weight`"):
        observe(replace(asked, row_metrics=(RowMetric(name="gap", function="mine:gap"),)), row_metrics=evaluator)
