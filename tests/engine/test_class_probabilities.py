"""A probability for each class: values against scikit-learn, intervals, and invalid probabilities."""

# ruff: noqa: E501 - a table reads best with one case a line

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets, metrics
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

import mlci
from mlci.engine.interface import Job, Source
from mlci.errors import yaml_value
from mlci.inference.class_curves import class_curves
from mlci.inference.evaluate import Question, evaluate
from mlci.report.render import render_all
from tests.engine.tables import observe, refusal, slices, text

MEANS = ("log_loss", "brier_score_loss", "roc_auc_ovr", "roc_auc_ovo", "top_k_accuracy", "top_k_accuracy(k=1)")
COLUMNS = {"cat": "p_cat", "dog": "p_dog", "emu": "p_emu"}


def by_sklearn(labels, probabilities):
    return {
        "log_loss": metrics.log_loss(labels, probabilities),
        "brier_score_loss": metrics.brier_score_loss(labels, probabilities),
        "roc_auc_ovr": metrics.roc_auc_score(labels, probabilities, multi_class="ovr"),
        "roc_auc_ovo": metrics.roc_auc_score(labels, probabilities, multi_class="ovo"),
        "top_k_accuracy": metrics.top_k_accuracy_score(labels, probabilities, k=2),
        "top_k_accuracy(k=1)": metrics.top_k_accuracy_score(labels, probabilities, k=1),
    }


def evaluated(job, *names):
    """Measure metrics on the statistics of a job; by metric and group."""
    found = observe(job)
    question = Question(task=job.task, metrics=names, baseline=job.baseline is not None)
    result = evaluate(found.statistics, question, fingerprint="", notes=())
    return {(item.metric, item.scope.group): item for item in result.comparisons}


def job(path, baseline=None, columns=COLUMNS, **more):
    source = {"probabilities": tuple(columns.items())}
    given = {
        "losses": ("log", "squared", "top_2", "top_1"),
        "class_ranks": ("ovr", "ovo"),
        "calibration": True,
        "candidate": Source(path=path, **source),
        "baseline": Source(path=baseline, **source) if isinstance(baseline, str) else baseline,
    }
    return Job(**({"task": "multiclass", "data": path, "label": "y", "key": "id"} | given | more))


@pytest.fixture
def animals(tmp_path):
    """Write rows of three classes, rounded so that scores are equal, with two models' probabilities."""

    def write(rows, name, seed=0):
        draw = np.random.default_rng(seed)
        labels = draw.choice(3, rows, p=[0.5, 0.3, 0.2])
        frame = pd.DataFrame({"id": np.arange(rows), "y": np.array(list(COLUMNS))[labels]})
        frame["wild"] = np.where(frame.y == "emu", "yes", draw.choice(["yes", "no"], rows))
        both = {}
        for model, skill in (("new", 2.0), ("old", 1.5)):
            logits = skill * np.eye(3)[labels] + draw.normal(size=(rows, 3))
            both[model] = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 2)
            both[model][:, 2] = 1 - both[model][:, 0] - both[model][:, 1]
            both[model] = both[model].clip(0, 1).round(2)
            path = tmp_path / f"{name}-{model}.csv"
            frame.assign(**dict(zip(COLUMNS.values(), both[model].T, strict=True))).to_csv(path, index=False)
        return frame, both, str(tmp_path / f"{name}-new.csv"), str(tmp_path / f"{name}-old.csv")

    return write


@pytest.mark.parametrize("load", [datasets.load_iris, datasets.load_wine, datasets.load_digits])
def test_compare__estimators_of_more_classes_as_scikit_learn(load):
    data = load(as_frame=True)
    rows = data.data.assign(y=data.target)
    train, test = rows.iloc[::2], rows.iloc[1::2]
    models = [GaussianNB(var_smoothing=1e-3), DecisionTreeClassifier(max_depth=6, random_state=0)]
    new, old = (model.fit(train[data.feature_names], train["y"]) for model in models)
    gates = [{"metric": "top_k_accuracy", "params": {"k": 1}, "min": 0.5}]
    found = mlci.compare(test, label="y", task="multiclass", candidate=new, baseline=old, gates=gates)
    measured = {row.metric: row for row in found.metrics if row.slice is None}
    for side, model in (("candidate", new), ("baseline", old)):
        wanted = by_sklearn(test["y"], model.predict_proba(test[data.feature_names]))
        assert {name: getattr(measured[name], side) for name in wanted} == pytest.approx(wanted, abs=1e-10)
        accuracy = metrics.accuracy_score(test["y"], model.predict(test[data.feature_names]))
        assert getattr(measured["accuracy"], side) == accuracy
    assert measured["roc_auc_ovr"].change_interval is not None
    assert found.verdict == "pass"


def test_class_ranks__two_classes_are_one_auc(tmp_path):
    draw = np.random.default_rng(1)
    labels = draw.choice(["no", "yes"], 120)
    paths = []
    for name in ("new", "old"):
        p = np.round(0.3 * (labels == "yes") + 0.7 * draw.random(120), 2)
        paths.append(tmp_path / f"{name}.csv")
        pd.DataFrame({"id": np.arange(120), "y": labels, "p": p, "q": 1 - p}).to_csv(paths[-1], index=False)
    columns = {"yes": "p", "no": "q"}
    pair = evaluated(job(str(paths[0]), str(paths[1]), columns), "roc_auc_ovr", "roc_auc_ovo")
    plain = {"losses": (), "class_ranks": (), "calibration": False, "scores": True, "task": "binary", "positive": "yes"}
    sources = [Source(path=str(path), score="p") for path in paths]
    both = job(str(paths[0]), sources[1], **plain, candidate=sources[0])
    wanted = evaluated(both, "roc_auc")["roc_auc", None]
    for name in ("roc_auc_ovr", "roc_auc_ovo"):
        found = pair[name, None]
        assert found.candidate.interval(0.9) == pytest.approx(wanted.candidate.interval(0.9), abs=1e-12)
        assert found.change.interval(0.9) == pytest.approx(wanted.change.interval(0.9), abs=1e-12)


@pytest.mark.parametrize("name", ["roc_auc_ovr", "roc_auc_ovo"])
def test_class_ranks__error_of_the_change_as_by_the_jackknife(animals, name):
    frame, both, new, old = animals(80, "few")
    labels = frame.y.map(list(COLUMNS).index).to_numpy()
    found = evaluated(job(new, old), name)[name, None].change

    def change(rows):
        return auc(both["new"][rows], labels[rows]) - auc(both["old"][rows], labels[rows])

    def auc(p, y):
        others = [*range(3)] if name.endswith("ovo") else [None]
        pairs = [(k, other) for k in range(3) for other in others if other != k]
        return np.mean([one(p[y == k, k], p[y != k if other is None else y == other, k]) for k, other in pairs])

    def one(positives, negatives):
        gaps = positives[:, None] - negatives[None, :]
        return (gaps > 0).mean() + (gaps == 0).mean() / 2

    every = np.arange(80)
    without = np.array([change(np.delete(every, row)) for row in every])
    error = np.sqrt(79 / 80 * ((without - without.mean()) ** 2).sum())
    assert found.value == pytest.approx(change(every), abs=1e-12)
    assert error < np.sqrt(found.scaled_variance() / 80) < 1.15 * error  # two pseudo-rows of the rarest class are added


def test_reduce__groups_and_both_models(animals):
    frame, both, new, old = animals(300, "many", seed=3)
    found = evaluated(job(new, old, slices=slices("wild")), *MEANS, "expected_calibration_error")
    for group, rows in ((None, frame.index), ("yes", frame.index[frame.wild == "yes"])):
        for side, model in (("candidate", "new"), ("baseline", "old")):
            wanted = by_sklearn(frame.y[rows], both[model][rows])
            values = {name: getattr(found[name, group], side).value for name in MEANS}
            assert values == pytest.approx(wanted, abs=1e-10)
    hits = {model: both[model].argmax(axis=1) == frame.y.map(list(COLUMNS).index) for model in both}
    last = {model: 2 - both[model][:, ::-1].argmax(axis=1) == frame.y.map(list(COLUMNS).index) for model in both}
    assert found["top_k_accuracy(k=1)", None].disagreements == (last["new"] != last["old"]).sum()
    sure = np.minimum(both["new"].max(axis=1) * 15, 14).astype(int)
    gaps = [abs((hits["new"] - both["new"].max(axis=1))[sure == one].sum()) for one in np.unique(sure)]
    assert 0 <= found["expected_calibration_error", None].candidate.value < sum(gaps) / 300  # its bias is subtracted
    assert found["roc_auc_ovr", "no"].candidate.reason == "no rows labelled 'emu'; the metric needs every class"
    assert found["log_loss", "no"].candidate.value > 0


def test_class_curves__as_scikit_learn(animals):
    """Areas exactly, as rounded probabilities stand in bins of their own; calibration by hand."""
    frame, both, new, old = animals(400, "curves", seed=5)
    question = Question(task="multiclass", metrics=(), baseline=True)
    found = evaluate(observe(job(new, old)).statistics, question, fingerprint="", notes=()).class_curves
    fell = [one.candidate_auc - one.baseline_auc for one in found]
    assert (fell, sorted(one.label for one in found)) == (sorted(fell), list(COLUMNS))
    for one in found:
        index, mine = list(COLUMNS).index(one.label), frame.y == one.label
        for model, auc, curves in (
            ("new", one.candidate_auc, one.curves.candidate),
            ("old", one.baseline_auc, one.curves.baseline),
        ):
            p = both[model][:, index]
            assert auc == pytest.approx(metrics.roc_auc_score(mine, p), abs=2e-6)
            rate, recall, _ = metrics.roc_curve(mine, p, drop_intermediate=False)
            full = {(round(x, 6), round(y, 6)) for x, y in zip(rate, recall, strict=True)}
            assert set(curves.roc) <= full
            bins = np.minimum(p * 15, 14).astype(int)
            order, sizes = np.argsort(bins, kind="stable"), [b.rows for b in curves.calibration]
            ends = np.cumsum(sizes)
            assert (ends[-1], min(sizes) >= 10) == (400, True)
            assert set(ends) <= set(np.cumsum(np.bincount(bins)))  # neighbours with few rows are one bin
            for one_bin, rows in zip(curves.calibration, np.split(order, ends[:-1]), strict=True):
                assert one_bin.score == pytest.approx(p[rows].mean(), abs=1e-6)
                assert one_bin.observed == pytest.approx(mine.to_numpy()[rows].mean(), abs=1e-6)
        assert (one.rows, one.curves.prevalence) == (mine.sum(), mine.mean())


def test_class_curves__extreme_probabilities(tmp_path):
    """Probabilities from 1e-290 to 1 - 1e-15, in an order that counts: areas to a thousandth."""
    draw = np.random.default_rng(4)
    labels = draw.integers(0, 3, 300)
    odds = 60 * (np.eye(3)[labels] + draw.normal(size=(300, 3)) * 1.2)
    p = np.exp(odds - odds.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    frame = pd.DataFrame(p, columns=list(COLUMNS.values())).assign(y=np.array(list(COLUMNS))[labels])
    frame.to_parquet(tmp_path / "p.parquet")
    assert np.quantile(p, 0.05) < 1e-60
    for one in class_curves(observe(job(str(tmp_path / "p.parquet"), key=None)).statistics[0]):
        wanted = metrics.roc_auc_score(frame.y == one.label, frame[COLUMNS[one.label]])
        assert one.candidate_auc == pytest.approx(wanted, abs=1e-3)


def test_class_curves__bounded(tmp_path):
    """Of 30 classes, the four with the lowest area; a class of all rows or of none has no curve."""
    draw, names = np.random.default_rng(2), [f"c{index:02}" for index in range(30)]
    labels = np.repeat(np.arange(29), 8)
    p = draw.dirichlet(np.ones(30), len(labels))
    p[np.arange(len(labels)), labels] += labels / 10
    frame = pd.DataFrame(p / p.sum(axis=1, keepdims=True), columns=names).assign(y=[names[label] for label in labels])
    frame.to_csv(tmp_path / "p.csv", index=False)
    source = job(str(tmp_path / "p.csv"), columns=dict(zip(names, names, strict=True)), key=None)
    whole = observe(source).statistics[0]
    assert [one.label for one in whole.class_histograms] == names[:20]
    found = class_curves(whole)
    assert len(found) == 4
    assert {one.label for one in found} <= set(names[:9])
    assert all(one.curves.baseline is None and len(one.curves.candidate.roc) <= 45 for one in found)


def test_reduce__class_without_rows(tmp_path):
    path = text(tmp_path, "p.csv", "y,p_cat,p_dog,p_emu\n" + "cat,0.7,0.2,0.1\ndog,0.2,0.5,0.3\ncat,0.4,0.5,0.1\n" * 3)
    found = evaluated(job(path, key=None), *MEANS)
    assert found["log_loss", None].candidate.value == pytest.approx(-np.log([0.7, 0.5, 0.4]).mean())
    assert found["roc_auc_ovo", None].candidate.value is None


def test_reduce__baseline_without_probabilities(animals):
    _, _, new, old = animals(120, "plain")
    decided = Source(path=old, decision="y")
    found = evaluated(job(new, decided), *MEANS)
    for name in MEANS:
        assert found[name, None].candidate.value is not None
        assert found[name, None].change.reason == "the baseline has no probability for each class"


ROW = "y,p_cat,p_dog,p_emu\ncat,0.7,0.2,0.1\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ROW + "dog,0.2,0.5,0.1\nemu,1,1,1\n", "{path}: probabilities of all classes sum to 0.8 in row 2, and in 1 more row; they must sum to 1: `p = p / p.sum(axis=1, keepdims=True)`, or for logits `scipy.special.softmax`"),
        (ROW + "dog,0.2,nan,0.1\n", "{path}: 'p_dog' is NaN in row 2"),
        (ROW + "dog,0.2,,0.1\n", "{path}: 'p_dog' is null in row 2"),
        (ROW + "dog,0.2,inf,0.1\n", "{path}: 'p_dog' is infinite in row 2"),
        (ROW + "dog,-0.5,1.5,0\n", "{path}: 'p_cat' is -0.5, outside [0, 1], where probabilities are needed in row 2"),
        (ROW + "owl,0.2,0.5,0.3\n", "{path}: label 'y' is 'owl', which is none of the classes 'cat', 'dog', 'emu' in row 2; add the column with its probability: `owl: …` under `probabilities`"),
        (ROW.replace("p_emu", "p_em"), "{path}: has no column 'p_emu'; did you mean 'p_em'?"),
    ],
)  # fmt: skip
def test_probabilities__invalid(tmp_path, content, expected):
    path = text(tmp_path, "p.csv", content)
    assert expected.format(path=path) in refusal(job(path, key=None))


def test_probabilities__rounded_to_four_digits(tmp_path):
    path = text(tmp_path, "p.csv", ROW + "dog,0.3333,0.3333,0.3333\nemu,0.1,0.1,0.8\n")
    assert evaluated(job(path, key=None), "accuracy")["accuracy", None].candidate.value == pytest.approx(2 / 3)


def test_probabilities__equal_ones_decide_for_the_first_class(tmp_path):
    path = text(tmp_path, "p.csv", "y,p_cat,p_dog,p_emu\n" + "cat,0.4,0.4,0.2\ndog,0.3,0.4,0.3\nemu,0.3,0.3,0.4\n")
    for classes, right in ((None, 3), (("emu", "dog", "cat"), 2)):
        found = evaluated(job(path, key=None, classes=classes), "accuracy", "top_k_accuracy(k=1)")
        assert found["accuracy", None].candidate.value == pytest.approx(right / 3)
        assert found["top_k_accuracy(k=1)", None].candidate.value == pytest.approx(2 / 3)  # as scikit-learn's: the last


def test_probabilities__two_numbers_of_one_class(tmp_path):
    path = text(tmp_path, "p.csv", "y,a,b,c\nyes,0.4,0.4,0.2\n1,0.4,0.4,0.2\n1.0,0.4,0.4,0.2\n")
    (line,) = refusal(job(path, path, {"yes": "a", "1": "b", "1.0": "c"}, key=None))
    assert line.startswith(f"{path}: can't have a column for each of the classes `1` and `1.0`, which are the same")


def test_probabilities__baseline_without_the_candidates_decision(animals):
    _, _, new, old = animals(60, "undecided")
    pd.read_csv(new).assign(d="cat").to_csv(new, index=False)
    both = {"probabilities": tuple(COLUMNS.items()), "decision": "d"}
    sources = {"candidate": Source(path=new, **both), "baseline": Source(path=old, **both)}
    (line,) = refusal(job(new, **sources))
    instead = f"{{file: {yaml_value(old)}, probabilities: {{cat: p_cat, dog: p_dog, emu: p_emu}}}}"
    assert line == (
        f"{old}: has no column 'd'; `baseline` takes `decision` from `predict` unless it names columns of its own. If "
        f"the file has no decisions, write `baseline: {instead}`"
    )


def test_probabilities__models_of_other_classes(animals):
    _, _, new, old = animals(60, "other")
    fewer = Source(path=old, probabilities=(("cat", "p_cat"), ("dog", "p_dog")))
    assert refusal(job(new, fewer)) == [
        f"{old}: the baseline's probabilities lack class 'emu'; both models need a column for each class"
    ]


def test_compare__columns_by_class_of_a_frame_and_a_file(animals):
    frame, both, new, _ = animals(90, "frames")
    old = frame[["id"]].assign(**dict(zip(COLUMNS.values(), both["old"].T, strict=True)))
    rows = frame[["id", "y"]]
    found = mlci.compare(rows, label="y", key="id", candidate=new, baseline=old, probabilities=COLUMNS)
    (row,) = (row for row in found.metrics if row.metric == "log_loss")
    assert row.candidate == pytest.approx(metrics.log_loss(frame.y, both["new"]))
    assert row.baseline == pytest.approx(metrics.log_loss(frame.y, both["old"]))
    assert "ROC AUC, one v. rest" in render_all(found.report)["comment.md"]
