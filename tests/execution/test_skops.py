"""Models saved by skops: predictions, untrusted types, and other files."""

import io
import json
import pickle
import zipfile

import duckdb
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from mlci.config.loader import parse_config
from mlci.errors import InputError, StepError
from mlci.execution import skops_scorer
from mlci.execution.skops_stage import SkopsModel, check_ready, score_skops
from tests.support.recording import runner

RNG = np.random.default_rng(3)
X = pd.DataFrame({"age": RNG.normal(50, 10, 40), "bmi": RNG.normal(25, 4, 40)})
Y = np.where(X["bmi"] + RNG.normal(0, 3, 40) > 25, "yes", "no")
KEYS = [9_007_199_254_740_993 + 2 * number for number in range(40)]  # beyond what a float holds


@pytest.fixture
def table(tmp_path):
    frame = X[["bmi", "age"]].assign(id=KEYS, region="north")  # another order, and more columns

    def features(folder):
        path = folder / "features.parquet"
        duckdb.connect().register("frame", frame).table("frame").write_parquet(str(path))
        return path

    return features


def dump(model, path):
    from skops import io  # noqa: PLC0415 - seconds, which a process that runs other tests need not wait for

    io.dump(model, path)


def score(tmp_path, table, model, timeout=60, **more):
    path = tmp_path / "model.anything"
    if isinstance(model, bytes):
        path.write_bytes(model)
    else:
        dump(model, path)
    asked = SkopsModel(
        **{"path": path, "shown": "model.anything", "task": "binary", "key": "id", "positive": "yes", **more}
    )
    return score_skops(runner(), asked, folder=tmp_path, scratch=tmp_path / "scratch", features=table, timeout=timeout)


def score_error(*arguments, **more):
    with pytest.raises(InputError) as raised:
        score(*arguments, **more)
    return str(raised.value)


def in_process(model, tmp_path, **more):
    """Return the answer to a request without a child process, which costs seconds."""
    path = tmp_path / "model"
    dump(model, path)
    data = tmp_path / "features.csv"
    X.assign(id=KEYS).to_csv(data, index=False)
    asked = {"path": str(path), "features": str(data), "folder": str(tmp_path), "key": "id", "task": "binary"}
    asked |= {"positive": "yes", "threshold": 0.5, "trusted": [], "target": str(tmp_path / "p.parquet")}
    (tmp_path / "request.json").write_text(json.dumps(asked | {"result": str(tmp_path / "result.json")} | more))
    skops_scorer.main(tmp_path / "request.json")
    return json.loads((tmp_path / "result.json").read_text())


def rows(path):
    return duckdb.connect().read_parquet(str(path)).fetchall()


def test_score_skops__binary_pipeline(tmp_path, table):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    stage = score(tmp_path, table, model, threshold=0.3)
    expected = model.predict_proba(X)[:, 1]
    found = rows(stage.output)
    assert [row[0] for row in found] == KEYS
    assert [row[1] for row in found] == pytest.approx(expected, abs=1e-15)
    assert [row[2] for row in found] == ["yes" if value >= 0.3 else "no" for value in expected]
    assert (stage.score, stage.decision, stage.notes) == ("score", "decision", ())
    assert 0 < stage.seconds < stage.ran.seconds  # of predicting, not of importing scikit-learn


def test_score_skops__model_hangs(tmp_path, table):
    with pytest.raises(StepError, match=r"took longer than its time-out of 0.3 s") as raised:
        score(tmp_path, table, LogisticRegression().fit(X, Y), timeout=0.3)
    assert "to change: `predict.model: model.anything` in mlci.yml" in str(raised.value)


def test_score_skops__configured_positive_class(tmp_path):
    model = LogisticRegression().fit(X, Y)
    assert in_process(model, tmp_path, positive="no")["score"] == "score"
    assert [row[1] for row in rows(tmp_path / "p.parquet")] == pytest.approx(model.predict_proba(X)[:, 0])
    said = in_process(model, tmp_path, positive=1)
    assert said == {"problems": ["`evaluation.positive: 1` is not one of the model's classes, 'no' and 'yes'"]}


@pytest.mark.parametrize("labels", [(Y == "yes").astype(int), Y == "yes"])
def test_score_skops__default_positive_class(tmp_path, labels):
    model = LogisticRegression().fit(X, labels)
    assert in_process(model, tmp_path, positive=None)["decision"] == "decision"
    assert [row[2] for row in rows(tmp_path / "p.parquet")] == model.predict(X).tolist()


def test_score_skops__model_without_probabilities(tmp_path):
    model = LinearSVC().fit(X, Y)
    assert in_process(model, tmp_path)["score"] == "score"
    found = rows(tmp_path / "p.parquet")
    assert [row[1] for row in found] == model.predict(X).tolist()
    assert [row[2] for row in found] == pytest.approx(model.decision_function(X))


def test_score_skops__multiclass_and_regression(tmp_path):
    labels = np.where(X["age"] > 55, "c", Y)
    model = LogisticRegression(max_iter=1000).fit(X, labels)
    assert in_process(model, tmp_path, task="multiclass") | {"seconds": 0} == {
        "decision": "decision",
        "score": None,
        "notes": [],
        "seconds": 0,
    }
    assert [row[1] for row in rows(tmp_path / "p.parquet")] == model.predict(X).tolist()
    assert "has 3 classes, but `task: binary` needs two" in in_process(model, tmp_path)["problems"][0]
    line = LinearRegression().fit(X[["age"]], X["bmi"])
    assert in_process(line, tmp_path, task="regression")["score"] == "score"
    assert [row[1] for row in rows(tmp_path / "p.parquet")] == pytest.approx(line.predict(X[["age"]]))


PROBABLE = {"task": "multiclass", "probabilities": {"no": "p_no", "yes": "p_yes", "c": "p_c"}}


def test_score_skops__probabilities_by_class(tmp_path):
    """Columns by the model's own order of classes, which is not that of mlci.yml; predict decides."""
    model = LogisticRegression(max_iter=1000).fit(X, np.where(X["age"] > 55, "c", Y))
    answer = in_process(model, tmp_path, **PROBABLE)
    assert answer["decision"] == "decision"
    found = duckdb.connect().read_parquet(str(tmp_path / "p.parquet"))
    assert found.columns == ["id", "decision", "p_c", "p_no", "p_yes"]
    assert np.array([row[2:] for row in found.fetchall()]) == pytest.approx(model.predict_proba(X))


@pytest.mark.parametrize(
    ("model", "columns", "message"),
    [
        (LogisticRegression(max_iter=1000), {"no": "a", "yes": "b"}, "which are 'c', 'no', 'yes'"),
        (LogisticRegression(max_iter=1000), {"no": "a", "yes": "decision", "c": "x"}, "names a column `decision`"),
        (RidgeClassifier(), {"no": "a", "yes": "b", "c": "x"}, "the RidgeClassifier has no `predict_proba`"),
    ],
)
def test_score_skops__probabilities_that_do_not_fit(model, columns, message, tmp_path):
    fitted = model.fit(X, np.where(X["age"] > 55, "c", Y))
    answer = in_process(fitted, tmp_path, task="multiclass", probabilities=columns)
    assert message in answer["problems"][0]


def test_score_skops__probabilities_of_numbers(tmp_path):
    labels = np.where(X["age"] > 55, 2.0, (Y == "yes").astype(float))
    model = LogisticRegression(max_iter=1000).fit(X, labels)
    in_process(model, tmp_path, task="multiclass", probabilities={"0": "a", "1": "b", "2": "c"})
    assert [row[4] for row in rows(tmp_path / "p.parquet")] == pytest.approx(model.predict_proba(X)[:, 2])


def test_score_skops__columns_by_name(tmp_path):
    model = LogisticRegression().fit(X.rename(columns={"bmi": "b_m_i", "age": "years"}), Y)
    assert in_process(model, tmp_path)["problems"] == [
        "was fitted with columns that the evaluation set doesn't have: `years`, `b_m_i` (there is `bmi`)"
    ]
    assert (
        "fit it with a pandas DataFrame"
        in in_process(LogisticRegression().fit(X.to_numpy(), Y), tmp_path)["problems"][0]
    )


def test_score_skops__key_not_found(tmp_path):
    model = LogisticRegression().fit(X, Y)
    assert in_process(model, tmp_path, key="nokey")["problems"] == ["the key `nokey` is not in the features"]
    assert in_process(model, tmp_path, key=None)["score"] == "score"
    assert len(rows(tmp_path / "p.parquet")[0]) == 2


def test_score_skops__untrusted_types(tmp_path):
    model = make_pipeline(FunctionTransformer(pd.get_dummies), LogisticRegression())
    model.steps[1][1].fit(X, Y)
    said = in_process(model, tmp_path)
    advice = "if you know them, let `predict` in mlci.yml be:\npredict:\n  trusted:\n    - pandas.get_dummies"
    assert said["problems"] == [f"contains 1 type that skops does not trust by default; {advice}"]
    assert in_process(model, tmp_path, trusted=["pandas.get_dummies"])["problems"][0].startswith(
        "the Pipeline doesn't know"
    )


def test_trust_remedy__replaces_the_section(tmp_path):
    """The remedy is the whole of `predict`, so that pasting it leaves a valid file."""
    model = make_pipeline(FunctionTransformer(pd.get_dummies), LogisticRegression())
    model.steps[1][1].fit(X, Y)
    (problem,) = in_process(model, tmp_path, section={"model": "m: #.skops", "threshold": 0.4}, trusted=["a.B"])[
        "problems"
    ]
    pasted = problem.partition("let `predict` in mlci.yml be:\n")[2]
    text = (
        "model: m\ntask: binary\nevaluation: {data: d.csv, label: y}\nbaseline: none\n"
        f"gates: [{{metric: recall, min: 0.5}}]\n{pasted}\n"
    )
    predict = parse_config(text.encode(), path="mlci.yml").config.predict
    assert (predict.model, predict.threshold) == ("m: #.skops", 0.4)
    assert predict.trusted == ("a.B", "pandas.get_dummies")


def test_score_skops__every_problem_at_once(tmp_path):
    model = LogisticRegression().fit(X.assign(more=1.0), Y)
    problems = in_process(model, tmp_path, positive="maybe", key="nowhere")["problems"]
    assert [problem.split(":")[0][:40] for problem in problems] == [
        "was fitted with columns that the evaluat",
        "the key `nowhere` is not in the features",
        "`evaluation.positive",
    ]


def test_check_ready__before_training(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04.")
    check_ready(path, "model.pkl", made_later=True)
    with pytest.raises(InputError, match=r"model.pkl: this is a pickle, not a model saved with skops"):
        check_ready(path, "model.pkl", made_later=False)


def test_check_ready__package_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "skops" else object())
    with pytest.raises(InputError, match=r"needs skops, not installed here: `pip install 'mlci\[model\]'`") as raised:
        check_ready(tmp_path / "m", "m", made_later=False)
    assert len(raised.value.problems) == 2  # the file is missing too


def test_score_skops__dangerous_type_is_never_proposed(tmp_path):
    import os  # noqa: PLC0415 - the attack

    said = in_process(FunctionTransformer(os.system), tmp_path)
    assert said["problems"] == [
        "asks for 'posix.system', which no model needs and which can run code: don't use this file"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "posix.system",
        "os.path.join",
        "nt.system",
        "subprocess.Popen",
        "_posixsubprocess.fork_exec",
        "builtins.eval",
        "builtins.exec",
        "builtins.compile",
        "builtins.open",
        "builtins.getattr",
        "builtins.__import__",
        "importlib.import_module",
        "sys.settrace",
        "shutil.rmtree",
        "socket.socket",
        "ctypes.CDLL",
        "pickle.loads",
        "_pickle.loads",
        "operator.methodcaller",
        "operator.attrgetter",
        "_operator.methodcaller",
        "functools.partialmethod",
        "joblib.load",
        "cloudpickle.loads",
        "numpy.load",
        "pandas.eval",
        "pandas.read_pickle",
        "pathlib.os",
        "io.open",
    ],
)
def test_acts__names_refused_even_if_trusted(name):
    assert skops_scorer.acting_types(name)


@pytest.mark.parametrize(
    "name",
    [
        "pathlib.PosixPath",
        "io.BytesIO",
        "operator.itemgetter",
        "builtins.list",
        "sklearn.compose.ColumnTransformer",
        "mine.Thing",
        "numpy.random.RandomState",
        "scipy.stats.norm",
        "pandas.get_dummies",
        "functools.partial",
        "code_book.Codes",
    ],
)
def test_acts__names_that_a_user_may_trust(name):
    assert not skops_scorer.acting_types(name)


def test_score_skops__dangerous_type_is_refused_although_trusted(tmp_path):
    import os  # noqa: PLC0415 - the attack

    names = ["posix.system", "operator.methodcaller"]
    said = in_process(FunctionTransformer(os.system), tmp_path, trusted=names)
    assert said["problems"] == [
        "asks for 'posix.system', which no model needs and which can run code: don't use this file"
    ]


def test_untrusted_problems__hostile_names():
    problems = skops_scorer._untrusted_problems(["numpy.core", "x\n  run: rm -rf", "sklearn.ok"], {}, [])
    assert problems == [
        "asks for 'x\\n  run: rm -rf', which no model needs and which can run code: don't use this file"
    ]


def zip_file(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return buffer.getvalue()


def joblib_file():
    buffer = io.BytesIO()
    joblib.dump({"a": np.arange(9)}, buffer, compress=3)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            pickle.dumps([1]),
            "this is a pickle, not a model saved with skops; loading it could run any code inside: save it with",
        ),
        (joblib_file(), "zlib data (as joblib writes)"),
        (zip_file("archive/data.pkl", "archive/version"), "a PyTorch archive with a pickle"),
        (zip_file("a.npy"), "a NumPy archive"),
        (zip_file("other"), "a zip archive without schema.json"),
        (b"PK\x03\x04 broken", "a damaged zip archive"),
        (b"\x89HDF\r\n\x1a\n....", "HDF5"),
        (b"tree\nversion=v4\n", "CSV"),
        (b"", "an empty file"),
    ],
)
def test_score_skops__other_file_formats(tmp_path, table, data, says):
    text = score_error(tmp_path, table, data)
    assert text.startswith("model.anything: this is ")
    assert says in text


def test_score_skops__file_not_found(tmp_path, table):
    missing = SkopsModel(path=tmp_path / "gone", shown="gone", task="binary")
    with pytest.raises(InputError, match="gone: the file does not exist"):
        score_skops(runner(), missing, folder=tmp_path, scratch=tmp_path / "s", features=table)


def test_load_skops__damaged_file(tmp_path):
    (tmp_path / "m").write_bytes(zip_file("schema.json"))
    with pytest.raises(InputError, match="skops can't read it"):
        skops_scorer.load_skops(str(tmp_path / "m"), trusted=[], folder=str(tmp_path))
