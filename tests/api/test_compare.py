"""``mlci.compare``: the report of ``mlci run``, from frames, arrays, columns and estimators."""

import contextlib
import json
import sqlite3

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import mlci
from mlci.errors import InputError
from mlci.report.render import render_all
from tests.support import project

GATES = [{"metric": "roc_auc", "max_drop": 0.01}, {"metric": "recall", "each": "region", "max_drop": 0.05}]


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(4)
    features = draw.normal(size=(2_000, 2))
    table = pd.DataFrame(features, columns=["a", "b"])
    table["outcome"] = (draw.random(2_000) < 1 / (1 + np.exp(-1.5 * features[:, 0] - features[:, 1]))).astype(int)
    table["region"] = draw.choice(["north", "south"], 2_000)
    table["id"] = np.arange(2_000) + 100
    return table


@pytest.fixture(scope="module")
def models(rows):
    both = LogisticRegression().fit(rows[["a", "b"]], rows["outcome"])
    one = LogisticRegression().fit(rows[["a"]], rows["outcome"])
    return both, one


@pytest.fixture(scope="module")
def scores(rows, models):
    both, one = models
    return both.predict_proba(rows[["a", "b"]])[:, 1], one.predict_proba(rows[["a"]])[:, 1]


def without_names(document):
    """Leave out what differs between a run and a call: names of files, lines and times."""
    for part in ("provenance", "candidate", "baseline"):
        document.pop(part)
    for measured in ("seconds", "minutes"):
        document["cost"].pop(measured)
    for gate in document["gates"]:
        gate.pop("line")
        gate.pop("rule", None)
    return document


def test_compare__frame_gives_the_report_of_a_run_on_the_file(rows, scores, tmp_path):
    before, after = scores
    rows.to_parquet(tmp_path / "rows.parquet")
    for name, values in (("before", before), ("after", after)):
        pd.DataFrame({"id": rows["id"], "score": values}).to_parquet(tmp_path / f"{name}.parquet")
    config = {
        "model": "credit",
        "task": "binary",
        "evaluation": {"data": "rows.parquet", "label": "outcome", "key": "id", "slices": ["region"]},
        "predict": {"file": "after.parquet", "score": "score"},
        "baseline": {"file": "before.parquet", "score": "score"},
        "gates": GATES,
    }
    (tmp_path / "mlci.yml").write_text(json.dumps(config))
    ran = project.run(tmp_path).report
    compared = mlci.compare(
        rows,
        label="outcome",
        key="id",
        slices=["region"],
        gates=GATES,
        candidate=after,
        baseline=before,
        model="credit",
    )
    document = json.loads(compared.report.model_dump_json(by_alias=True))
    assert without_names(document) == without_names(ran)
    assert compared.verdict == ran["verdict"] == "block"


def numbers(compared):
    return [(row.metric, row.candidate, row.change) for row in compared.metrics]


@pytest.mark.parametrize("kind", ["estimator", "column", "frame", "arrow", "file"])
def test_compare__each_form_of_predictions_gives_the_same_numbers(rows, models, scores, tmp_path, kind):
    before, after = scores
    expected = mlci.compare(rows, label="outcome", key="id", candidate=after, baseline=before)
    table = pd.DataFrame({"id": rows["id"], "score": after}).sample(frac=1, random_state=1)
    data, candidate = rows, after
    match kind:
        case "estimator":
            candidate = models[1]
        case "column":
            data, candidate = rows.assign(new=after), "new"
        case "frame":
            candidate = table
        case "arrow":
            candidate = pa.Table.from_pandas(table, preserve_index=False)
        case "file":
            candidate = tmp_path / "after.csv"
            table.to_csv(candidate, index=False)
    found = mlci.compare(data, label="outcome", key="id", candidate=candidate, baseline=before)
    assert numbers(found) == numbers(expected)


@pytest.mark.parametrize("suffix", ["csv", "sqlite"])
def test_compare__columns_of_a_file_give_the_report_of_a_frame(rows, scores, tmp_path, suffix):
    both = rows.assign(p_old=scores[0], p_new=scores[1], decided=(scores[1] > 0.5).astype(int))
    path, apart = tmp_path / f"eval.{suffix}", {}
    if suffix == "sqlite":
        with contextlib.closing(sqlite3.connect(path)) as database:
            both.to_sql("holdout", database, index=False)
            both.head(9).to_sql("other", database, index=False)
        apart = {"table": "holdout"}
    else:
        both.to_csv(path, index=False)
    shared = {"label": "outcome", "key": "id", "slices": ["region"], "baseline": "p_old"}
    for named in ({"candidate": "p_new", "gates": GATES}, {"candidate": "decided", "gates": GATES[1:]}):
        found, wanted = mlci.compare(str(path), **apart, **named, **shared), mlci.compare(both, **named, **shared)
        found, wanted = (json.loads(one.report.model_dump_json(by_alias=True)) for one in (found, wanted))
        assert (found["candidate"]["label"], found["baseline"]["label"]) == ("candidate", "baseline")
        assert without_names(found)["metrics"] == without_names(wanted)["metrics"]
        assert {name for name in found if found[name] != wanted[name]} <= {"evaluation"}


@pytest.mark.parametrize("data", ["frame", "file"])
def test_compare__text_that_is_a_column_and_a_file_or_neither(rows, tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    table = rows.head(50).assign(score=rows["a"])
    table.to_csv("eval.csv", index=False)
    given = {"frame": table, "file": "eval.csv"}[data]
    pd.DataFrame({"id": table["id"], "score": 0.5}).to_csv("score", index=False)
    where = {"frame": "`data`", "file": "eval.csv"}[data]
    with pytest.raises(InputError) as caught:
        mlci.compare(given, label="outcome", key="id", candidate="score")
    assert f"candidate='score' is a column of {where} and a file, too" in str(caught.value)
    assert "write candidate=Path('score')" in str(caught.value)
    with pytest.raises(InputError) as caught:
        mlci.compare(given, label="outcome", key="id", candidate=table["score"], baseline="p_old")
    assert f"baseline='p_old' is neither a column of {where} nor a file; {where} has the columns 'a', 'b'" in str(
        caught.value
    )


def test_compare__regression_and_multiclass_by_the_label(rows):
    target = rows.assign(y=rows["a"] * 2 + rows["b"])
    line = LinearRegression().fit(target[["a"]], target["y"])
    assert mlci.compare(target.drop(columns="outcome"), label="y", candidate=line).report.task == "regression"
    few = target.head(100)
    assert mlci.compare(few, label="y", candidate=line).report.task == "regression"
    counts = few.assign(y=np.arange(100) % 60)
    assert mlci.compare(counts, label="y", candidate=np.arange(100) % 50).report.task == "regression"
    letters = rows.assign(letter=np.array(list("xyz"))[rows["id"] % 3])
    assert mlci.compare(letters, label="letter", candidate=letters["letter"]).report.task == "multiclass"


def test_compare__table_of_a_database_and_labels_apart(rows, scores, tmp_path):
    scored = rows.assign(score=scores[0])
    path = tmp_path / "rows.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database:
        scored.drop(columns="outcome").to_sql("features", database, index=False)
        scored.head(9).to_sql("other", database, index=False)
        labels = rows[["id", "outcome"]].iloc[::-1]
        labels.to_sql("truth", database, index=False)
    given = {"label": "outcome", "key": "id"}
    wanted = mlci.compare(rows, candidate=scores[0], **given)
    for apart in ({"labels": labels}, {"labels": path, "labels_table": "truth"}):
        found = mlci.compare(path, table="features", candidate=path, **apart, **given)
        assert found.report.task == "binary"
        assert [row.candidate for row in found.metrics] == [row.candidate for row in wanted.metrics]


def test_compare__without_gates_nothing_is_judged(rows, scores):
    compared = mlci.compare(rows, label="outcome", candidate=scores[0])
    assert compared.gates == ()
    assert {"roc_auc", "recall"} <= {row.metric for row in compared.metrics}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "nope"}, "`data` has no column 'nope'"),
        ({"slices": ["nope"]}, "`data` has no column 'nope'"),
        ({"candidate": [0, 1]}, "candidate has 2 values, and the evaluation set has 2,000 rows"),
        ({"candidate": np.zeros((2_000, 2))}, "candidate has 2 dimensions"),
        ({"gates": [{"metric": "recal", "min": 0.5}]}, "did you mean `recall`?"),
        ({"gates": [{"metric": "recall", "max_fall": 0.5}]}, "max_fall"),
        ({"data": 7}, "a int is not a table"),
        (
            {"candidate": np.ma.masked_array(np.linspace(0.1, 0.9, 2_000), mask=np.arange(2_000) % 900 == 7)},
            "candidate: 3 values are masked, the first in row 8",
        ),
        (
            {"candidate": np.where(np.arange(2_000) == 3, np.nan, 1.0)},
            "candidate: decision 'decision' is null in row 4",
        ),
    ],
)
def test_compare__invalid_input_is_one_clear_line(rows, scores, changes, message):
    arguments = {"data": rows, "label": "outcome", "candidate": scores[0], **changes}
    with pytest.raises(InputError) as caught:
        mlci.compare(arguments.pop("data"), **arguments)
    assert message in str(caught.value)
    assert "mlci-compare-" not in str(caught.value)


@pytest.mark.parametrize("side", ["data", "candidate"])
def test_compare__frame_with_one_name_twice(rows, scores, side):
    """The first of the columns would be read without a notice, also if the second is the right one."""
    given = {"data": rows[["id", "outcome"]], "candidate": pd.DataFrame({"id": rows["id"], "score": scores[0]})}
    given[side] = pd.concat([given[side], 1 - given[side].iloc[:, [1]]], axis=1)
    with pytest.raises(InputError, match=r"column names occur twice in the frame: '(outcome|score)'"):
        mlci.compare(given["data"], label="outcome", candidate=given["candidate"], key="id")


def test_compare__numbers_of_numpy_in_the_arguments(rows, models):
    limit = [{"metric": "roc_auc", "max_drop": np.float32(0.25)}]
    positive = models[0].classes_[1]
    found = mlci.compare(rows, label="outcome", candidate=models[0], baseline=models[1], positive=positive, gates=limit)
    assert [(gate.outcome, gate.limit.value) for gate in found.gates] == [("passed", 0.25)]


@pytest.mark.parametrize("label", [0, 1, True])
def test_compare__labels_of_one_class_are_binary(label):
    """One class cannot decide an AUC, which is the cause to report instead of another task."""
    rows = pd.DataFrame({"y": [label] * 80})
    score, gates = np.linspace(0.1, 0.9, 80), [{"metric": "roc_auc", "max_drop": 0.05}]
    found = mlci.compare(rows, label="y", candidate=score, baseline=score[::-1].copy(), gates=gates)
    assert [(gate.outcome, gate.why) for gate in found.gates] == [("inconclusive", "labels")]


def test_compare__no_row_has_a_label():
    with pytest.raises(InputError, match="no row has a value of the label 'y'"):
        mlci.compare(pd.DataFrame({"y": [np.nan] * 4}), label="y", candidate=np.linspace(0, 1, 4))


def test_compare__estimator_names_the_columns_that_are_missing(rows, models):
    with pytest.raises(InputError, match="fitted on columns that the evaluation set does not have: b"):
        mlci.compare(rows.drop(columns="b"), label="outcome", candidate=models[0])


def test_compare__estimator_of_other_classes_asks_for_the_positive_one(rows, models):
    words = rows.assign(outcome=np.where(rows["outcome"] == 1, "yes", "no"))
    model = LogisticRegression().fit(words[["a"]], words["outcome"])
    with pytest.raises(InputError, match="positive='yes'"):
        mlci.compare(words, label="outcome", candidate=model)
    assert mlci.compare(words, label="outcome", candidate=model, positive="yes").report.task == "binary"


@pytest.mark.parametrize("label", ["y", "Y"])
def test_compare__columns_that_differ_in_capitals(label):
    table = pd.DataFrame({"y": [0, 1] * 20, "Y": [1, 0] * 20})
    with pytest.raises(InputError, match="the columns 'y' and 'Y' of the frame differ in capitals only"):
        mlci.compare(table, label=label, candidate=[0, 1] * 20)


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(("label", "other", "right"), [("y", "Y", 36), ("Y", "y", 4)])
def test_compare__file_whose_columns_differ_in_capitals(tmp_path, form, label, other, right):
    """The columns of files stay apart: as a label, as a slice, as predictions and as a key."""
    path = tmp_path / f"rows.{form}"
    labels = [0, 1] * 20
    decided = [1 - value if row < 4 else value for row, value in enumerate(labels)]
    keys = [f"a{number}" for number in range(40)]
    frame = pd.DataFrame({"ID": 0, "id": keys, "Y": [1 - value for value in labels], "y": labels, "D": 0, "d": decided})
    frame.to_csv(path, index=False) if form == "csv" else frame.to_parquet(path, index=False)
    found = mlci.compare(
        str(path), label=label, key="id", slices=[other], candidate=str(path), decision="d", task="binary"
    )
    rows = {row.group: row for row in found.metrics if row.metric == "accuracy"}
    assert rows[None].candidate == right / 40
    assert [(group, row.rows) for group, row in rows.items() if group is not None] == [("0", 20), ("1", 20)]
    assert rows["1"].candidate == (2 if right == 4 else 18) / 20


def test_compare__estimator_that_is_not_fitted(rows):
    with pytest.raises(InputError, match="candidate is a LogisticRegression that is not fitted; fit it on rows"):
        mlci.compare(rows[["a", "outcome"]], label="outcome", candidate=LogisticRegression())


def test_compare__estimator_that_fails(rows):
    fitted = LogisticRegression().fit(rows[["a", "b"]].to_numpy(), rows["outcome"])
    fitted.n_features_in_ = 3
    with pytest.raises(
        InputError, match=r"candidate: LogisticRegression\.predict_proba failed on the columns of `data`"
    ):
        mlci.compare(rows[["a", "b", "outcome"]], label="outcome", candidate=fitted)


def test_model_comparison__saves_and_shows_the_report(rows, scores, tmp_path):
    compared = mlci.compare(rows, label="outcome", candidate=scores[1], baseline=scores[0], gates=GATES[:1])
    assert compared.save(tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert json.loads(compared.save(tmp_path / "report.json").read_text())["schema"] == "mlci/report/1"
    assert {path.name for path in compared.save(tmp_path / "all").iterdir()} >= {"report.json", "comment.md"}
    assert compared.to_frame("gates")["outcome"].tolist() == ["failed"]
    assert "ROC AUC  failed" in str(compared)
    assert compared._repr_html_().startswith("<iframe srcdoc=")
    with pytest.raises(ValueError, match=r"can't be written as \.pdf; use \.html for the page"):
        compared.save(tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()
    with pytest.raises(ValueError, match="use metrics, gates or disparities"):
        compared.to_frame("nothing")


def test_mlci__other_names_do_not_exist():
    with pytest.raises(AttributeError, match="no attribute 'comparison'"):
        _ = mlci.comparison


def test_compare__the_callers_process_stays_open_to_debuggers(rows, scores, monkeypatch):
    monkeypatch.setattr("mlci.cli.wiring.hide_environment", lambda: pytest.fail("the process is the caller's"))
    mlci.compare(rows, label="outcome", candidate=scores[0])


def test_compare__group_of_one_class():
    """Its AUC needs both classes: that is said in the report, on the terminal, in the comment and on the page."""
    rows = pd.DataFrame({"y": [0, 1] * 40 + [0] * 40, "g": ["both"] * 80 + ["one"] * 40})
    score = np.linspace(0.1, 0.9, 120)
    gates = [{"metric": "roc_auc", "each": "g", "max_drop": 0.05}]
    found = mlci.compare(rows, label="y", candidate=score, baseline=score[::-1].copy(), slices=["g"], gates=gates)
    gate = next(gate for gate in found.gates if gate.scope.group == "one")
    words = "no labelled positives; ROC AUC needs both classes"
    assert (gate.outcome, gate.why, gate.reason) == ("inconclusive", "labels", words)
    for name, text in {**render_all(found.report), "terminal": str(found)}.items():
        assert words in " ".join(text.split()), name
        assert "too few rows" not in text, name


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gates": "accuracy"}, "gates is a list, and `'accuracy'` was given"),
        ({"gates": {"metric": "accuracy", "min": 0.5}}, "gates is a list, and a dict was given"),
        ({"gates": None}, "gates is a list, and `None` was given"),
        ({"gates": ["accuracy"]}, "gate 1 is a dict, and `'accuracy'` was given"),
        ({"gates": [GATES[0], None]}, "gate 2 is a dict, and `None` was given"),
        ({"gates": [{"metric": "accuracy", "min": {0.5}}]}, "gates, slices and policy have texts, numbers"),
        ({"slices": "region"}, "slices is a list, and `'region'` was given; for example slices="),
        ({"label": np.zeros(2_000)}, "label is a name, such as a column's, and a ndarray was given; .* use labels=…"),
        ({"key": np.zeros(2_000)}, "key is a name, such as a column's, and a ndarray was given$"),
        ({"policy": "warn"}, "policy is a dict, as in mlci.yml"),
        (
            {"data": {"outcome": [0, 1], "p": [0.2, 0.7]}, "candidate": np.array([0.2, 0.7])},
            "arrays of one dimension, and `outcome` is a list",
        ),
        ({"data": {"outcome": np.zeros((2, 2))}}, "arrays of one dimension, and `outcome` is a ndarray"),
        ({"data": {"outcome": np.float64(0)}}, "arrays of one dimension, and `outcome` is a float64"),
        ({"data": {"outcome": np.zeros(2), "p": np.zeros(3)}}, "the columns differ in length: `outcome` has 2 rows"),
    ],
)
def test_compare__argument_of_another_kind(rows, scores, changed, message):
    with pytest.raises(InputError, match=message):
        mlci.compare(**{"data": rows, "label": "outcome", "candidate": scores[0], **changed})


@pytest.mark.parametrize(
    "data", [{"outcome": np.array([]), "id": np.array([])}, pd.DataFrame({"outcome": [], "id": []})]
)
def test_compare__empty_data(data):
    with pytest.raises(InputError) as caught:
        mlci.compare(data, label="outcome", candidate=np.array([]))
    assert "mlci-compare-" not in str(caught.value)
    assert "data" in str(caught.value)


def test_compare__series_in_another_order(rows, scores):
    shuffled = pd.Series(scores[1], index=rows.index).sample(frac=1, random_state=1)
    with pytest.raises(InputError, match=r"candidate: its index has the rows of the data in another order.*reindex"):
        mlci.compare(rows, label="outcome", candidate=shuffled, gates=GATES[:1])
    aligned = mlci.compare(rows, label="outcome", candidate=shuffled.reindex(rows.index), gates=GATES[:1])
    plain = mlci.compare(rows, label="outcome", candidate=scores[1], gates=GATES[:1])
    assert aligned.metrics == plain.metrics
