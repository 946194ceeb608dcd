"""Functions of rows: their arguments, the resampled rows and the values."""

import dataclasses
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from mlci.engine.interface import Job, Source
from mlci.metrics.resampling import MetricCall, Plan, draws_random_numbers, resample
from mlci.metrics.row_metrics import RowMetric, RowValues
from tests.engine.tables import job, observe, people, same, slices, text, write


class InProcess:
    """Evaluates functions of this process; remembers what it was given."""

    def __init__(self, **functions):
        self.functions = functions
        self.sample = None

    def evaluate(self, metrics, sample, *, draws, seed, timeout):
        assert timeout == 3600
        self.sample = sample
        on = tuple(metric.on or "decision" for metric in metrics)
        calls = [
            MetricCall(
                self.functions[metric.name],
                sample.labels.astype(np.int64),
                sample.scores if kind == "score" else sample.decisions,
            )
            for metric, kind in zip(metrics, on, strict=True)
        ]
        values, reasons = resample(Plan(calls, sample.scopes, len(sample.classes), draws, seed))
        methods = tuple(call.method for call in calls)
        return RowValues(values=values, methods=methods, reasons=reasons, on=on, notes=("evaluated here",))


def row_metric(name, on):
    return RowMetric(name=name, function=f"module:{name}", on=on)


def auc(labels, scores):
    """A quick AUC for scores without ties between classes; rows drawn twice tie with themselves only."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    positives = labels.sum()
    return (ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))


def accuracy(labels, decisions):
    return float((labels == decisions).mean())


HERE = InProcess(auc=auc, accuracy=accuracy, log_loss=log_loss)


def test_replicates__values_draws_and_pairing(tmp_path):
    frame = people(300)
    path = write(frame, tmp_path, "t", "parquet")
    metrics = (row_metric("auc", "score"), row_metric("accuracy", "decision"))
    given = job(path, row_metrics=metrics, replicates=40, slices=slices("sex"))
    observed = observe(given, row_metrics=HERE)
    for one, mine in zip(observed.statistics, [frame, frame[frame.sex == "F"], frame[frame.sex == "M"]], strict=True):
        found = one.replicates["auc"]
        assert found.candidate == pytest.approx(roc_auc_score(mine.label, mine.score), abs=1e-12)
        assert found.baseline == pytest.approx(roc_auc_score(mine.label, mine.old), abs=1e-12)
        assert found.candidate_draws.shape == found.baseline_draws.shape == (40,)
        assert found.differing == len(mine)
        assert found.reason is None
        spread = np.sqrt(found.candidate * (1 - found.candidate) / len(mine))
        assert abs(found.candidate_draws.mean() - found.candidate) < spread
        assert one.replicates["accuracy"].candidate == pytest.approx(((mine.score >= 0.5) == mine.label).mean())
    assert observed.notes[-1] == "evaluated here"
    assert same(observed.statistics, observe(given, row_metrics=HERE, threads=1).statistics)
    other = observe(dataclasses.replace(given, seed=8), row_metrics=HERE)
    assert not same(observed.statistics, other.statistics)


def test_replicates__identical_models_draw_identical_rows(tmp_path):
    path = write(people(100), tmp_path, "t", "parquet")
    given = job(path, baseline=Source(path=path, score="score"), row_metrics=(row_metric("auc", "score"),))
    found = observe(dataclasses.replace(given, replicates=20), row_metrics=HERE).statistics[0].replicates["auc"]
    assert found.candidate_draws.tolist() == found.baseline_draws.tolist()
    assert found.differing == 0


def bootstrap(functions, scopes, *, draws):
    calls = [MetricCall(function, LABELS, (SCORES,) * models) for function, models in functions]
    return resample(Plan(calls, scopes, 2, draws, 7))


def warns(labels, scores):
    warnings.warn("nothing was predicted", UserWarning, stacklevel=1)
    return 0.0


ROWS = np.arange(6)
LABELS = np.array([0, 1, 0, 1, 1, 0])
SCORES = np.array([0.1, 0.7, 0.4, 0.9, 0.3, 0.2])


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda _y, _p: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda _y, _p: sys.exit(0), "SystemExit: 0"),
        (warns, "UserWarning: nothing was predicted"),
        (lambda _y, _p: float("inf"), "the metric returned inf"),
        (lambda _y, _p: float("nan"), "the metric returned nan"),
        (lambda _y, _p: np.float64(0) / np.float64(0), "RuntimeWarning: invalid value encountered in scalar divide"),
        (lambda _y, _p: [1, 2], "TypeError: float() argument must be a string or a real number, not 'list'"),
    ],
)
def test_resample__failing_function_is_undefined_with_a_reason(function, reason):
    [[values]], reasons = bootstrap([(function, 1)], [ROWS], draws=3)
    assert np.isnan(values).all()
    assert values.shape == (1, 4)
    assert reasons == {(0, 0): reason}


def test_resample__failing_draws_are_nan():
    [[values]], reasons = bootstrap([(log_loss, 1)], [ROWS[:3]], draws=50)
    assert reasons == {}
    assert values[0, 0] == pytest.approx(log_loss(LABELS[:3], SCORES[:3]))
    assert 0 < np.isnan(values[0]).sum() < 51


def test_resample__function_that_changes_its_arrays():
    def sorts(labels, scores):
        scores.sort()
        labels[:] = 0
        return float(scores[0])

    before = SCORES.tolist()
    [_, [values]], _ = bootstrap([(sorts, 2), (auc, 2)], [ROWS], draws=5)
    [[alone]], _ = bootstrap([(auc, 2)], [ROWS], draws=5)
    assert SCORES.tolist() == before
    assert values.tolist() == alone.tolist()


def test_draws_random_numbers__two_calls_on_the_same_rows():
    stream = np.random.default_rng(1)
    assert draws_random_numbers(MetricCall(lambda _y, _p: stream.random(), LABELS, (SCORES,)), ROWS)
    assert not draws_random_numbers(MetricCall(auc, LABELS, (SCORES,)), ROWS)
    assert not draws_random_numbers(MetricCall(lambda _y, _p: float("nan"), LABELS, (SCORES,)), ROWS)


WRITTEN = [
    ("csv", ["-1", "1"], (-1, 1)),
    ("csv", ["0", "1"], (0, 1)),
    ("csv", ["no", "yes"], ("no", "yes")),
    ("csv", ["False", "True"], (False, True)),
    ("csv", ["0.5", "1"], (0.5, 1.0)),
    ("csv", ["0.0", "1.0"], (0.0, 1.0)),
    ("csv", ["0", "1e0"], (0.0, 1.0)),
    ("csv", ["1.a", "2.e"], ("1.a", "2.e")),
    ("parquet", ["1", "2"], ("1", "2")),
    ("parquet", ["False", "True"], ("False", "True")),
    ("parquet", [False, True], (False, True)),
    ("parquet", [1.0, 2.0], (1.0, 2.0)),
    ("parquet", np.array([-1, 1], np.int8), (-1, 1)),
    ("parquet", np.array([1, 2], np.uint64), (1, 2)),
    ("parquet", pd.Categorical(["cat", "dog"]), ("cat", "dog")),
    ("jsonl", ["cat", "dog"], ("cat", "dog")),
    ("jsonl", [-1, 1], (-1, 1)),
    ("jsonl", [0.0, 1.0], (0.0, 1.0)),
    ("jsonl", ["0.0", "1.0"], ("0.0", "1.0")),
]


@pytest.mark.parametrize(("form", "classes", "expected"), WRITTEN, ids=[f"{w[0]}-{w[2]}" for w in WRITTEN])
def test_class_values__as_in_the_label_column(tmp_path, form, classes, expected):
    data = write(pd.DataFrame({"y": classes, "s": [0.2, 0.8]}), tmp_path, "t", form)
    given = Job(
        task="binary",
        data=data,
        label="y",
        positive=str(expected[1]),
        candidate=Source(path=data, score="s"),
        row_metrics=(row_metric("accuracy", "decision"),),
        replicates=0,
    )
    evaluator = InProcess(accuracy=accuracy)
    observe(given, row_metrics=evaluator)
    assert evaluator.sample.classes == expected
    assert [type(value) for value in evaluator.sample.classes] == [type(value) for value in expected]


def test_function_without_on__gets_decisions_if_there_are_no_scores(tmp_path):
    path = text(tmp_path, "t.csv", "y,d\nb,a\na,a\n")
    given = Job(
        task="multiclass",
        data=path,
        label="y",
        candidate=Source(path=path, decision="d"),
        row_metrics=(row_metric("accuracy", None),),
        replicates=0,
    )
    evaluator = InProcess(accuracy=accuracy)
    assert observe(given, row_metrics=evaluator).statistics[0].replicates["accuracy"].candidate == 0.5
    assert evaluator.sample.scores == (None,)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_replicates__order_of_rows(tmp_path, form):
    frame = people(150, seed=4, ties=20)
    metrics = (row_metric("auc", "score"), row_metric("accuracy", "decision"))
    found = []
    for number, order in enumerate((frame.index, frame.index[::-1], frame.sample(frac=1, random_state=2).index)):
        path = write(frame.loc[order], tmp_path / str(number), "t", form)
        given = job(path, key="id", row_metrics=metrics, replicates=15, slices=slices("sex"))
        found.append(observe(given, row_metrics=HERE).statistics)
    for other in found[1:]:
        for left, right in zip(found[0], other, strict=True):
            for name in ("auc", "accuracy"):
                assert same(left.replicates[name].candidate_draws, right.replicates[name].candidate_draws)
                assert same(left.replicates[name].baseline_draws, right.replicates[name].baseline_draws)


def test_resample__value_of_the_sample_itself():
    call = MetricCall(lambda y, _p: float(y[0]), np.arange(6.0), (np.zeros(6),))
    [[values]], _ = resample(Plan([call], [np.array([4, 1, 3])], 0, 0, 1))
    assert values.tolist() == [[1.0]]
