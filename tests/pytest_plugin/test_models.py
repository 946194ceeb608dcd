"""Both models as fixtures hand them out, without a run: from the configuration and its files."""

import contextlib
import json
import sqlite3

import pandas as pd
import pytest

from mlci.errors import InputError
from mlci.execution.behaviour_stage import SESSION, BehaviourSession, PredictionTable
from mlci.pytest_plugin.models import load_models
from tests.support.project import BY_RUNNING, PREDICT, config, predictions, write

HOLDOUT = "id,x,y,code\n30,1,1,007\n10,0,0,8\n20,1,1,9\n"


def project(folder, **changes):
    settings = {"train": "train: {run: 'true', model: model.txt}\n", "predict": BY_RUNNING, "baseline": "none"}
    return write(
        folder,
        {
            "mlci.yml": config(**{**settings, **changes}),
            "holdout.csv": HOLDOUT,
            "predict.py": PREDICT,
            "model.txt": "0",
            "old.csv": predictions(1, rows=40),
        },
    )


def test_load_models__predict_step_on_changed_rows(tmp_path):
    models = load_models(project(tmp_path) / "mlci.yml", session=None)
    rows = models.rows
    assert (rows.index.tolist(), rows["x"].tolist(), rows["code"].tolist()) == (
        [30, 10, 20],
        [1, 0, 1],
        ["007", "8", "9"],
    )
    assert models.candidate.decisions.to_dict() == {30: 1, 10: 0, 20: 1}
    flipped = models.candidate.predict(rows.assign(x=1 - rows["x"]).drop(columns="y").iloc[::-1])
    assert flipped["decision"].to_dict() == {20: 0, 10: 1, 30: 0}
    assert flipped.index.tolist() == [20, 10, 30]


def test_load_models__predictions_of_files(tmp_path):
    files = {"predict": "predict: {file: new.csv, score: s, threshold: 0.3}\n", "train": ""}
    folder = project(tmp_path, baseline="{file: old.csv, decision: p}", **files)
    (folder / "new.csv").write_text("id,s\n10,0.1\n20,0.3\n30,0.9\n")
    models = load_models(folder / "mlci.yml", session=None)
    assert models.candidate.scores.tolist() == [0.9, 0.1, 0.3]
    assert models.candidate.decisions.tolist() == [1, 0, 1]
    assert models.baseline().decisions.tolist() == [0, 0, 1]
    for model, message in ((models.candidate, "predict: {run: "), (models.baseline(), "use `baseline.predictions`")):
        with pytest.raises(InputError, match=message):
            model.predict(models.rows)


@pytest.mark.parametrize(
    ("ask", "message"),
    [("baseline", "baseline: {file: production.csv}"), ("report", "no report exists in .mlci/out")],
)
def test_load_models__what_only_a_run_has(ask, message, tmp_path):
    models = load_models(project(tmp_path) / "mlci.yml", session=None)
    with pytest.raises(InputError, match=message):
        getattr(models, ask)()


def test_load_models__files_of_a_run(tmp_path):
    folder = project(tmp_path)
    (folder / "made.jsonl").write_text("\n".join(json.dumps({"id": i, "p": 0}) for i in (20, 30, 10)))
    table = PredictionTable(path=str(folder / "made.jsonl"), decision="p")
    session = BehaviourSession(config=str(folder / "mlci.yml"), candidate=table)
    (folder / "session.json").write_bytes(SESSION.dump_json(session))
    models = load_models(folder / "elsewhere.yml", session=folder / "session.json")
    assert models.candidate.decisions.to_dict() == {30: 0, 10: 0, 20: 0}


def test_load_models__rows_without_a_key_in_parquet(tmp_path):
    folder = project(tmp_path)
    text = (folder / "mlci.yml").read_text().replace("  key: id\n", "").replace("holdout.csv", "holdout.parquet")
    (folder / "mlci.yml").write_text(text)
    (folder / "predict.py").write_text(
        "import os, shutil; shutil.copy(os.environ['MLCI_DATA'], os.environ['MLCI_PREDICTIONS'])"
    )
    pd.DataFrame({"p": [1, 0, 1], "y": [1, 0, 0]}).to_parquet(folder / "holdout.parquet")
    models = load_models(folder / "mlci.yml", session=None)
    picked = models.rows.iloc[[2, 0]].assign(p=[0, 1])
    assert models.candidate.predict(picked)["decision"].to_dict() == {2: 0, 0: 1}


def test_load_models__labels_and_probabilities_in_other_files(tmp_path):
    columns = "{probabilities: {'8': p8, '7': p7}, file: made.sqlite, table: old}"
    config = "model: m\ntask: multiclass\nevaluation: {data: rows.csv, labels: y.csv, key: id, label: y}\n"
    files = {
        "rows.csv": "id,x\n2,0.5\n1,0.1\n",
        "y.csv": "id,y\n1,7\n2,8\n",
    }
    with contextlib.closing(sqlite3.connect(tmp_path / "made.sqlite")) as database:
        for name, p in (("new", [0.9, 0.9]), ("old", [0.5, 0.9])):
            table = pd.DataFrame({"id": [1, 2], "p7": p, "p8": [1 - one for one in p]})
            table.to_sql(name, database, index=False)
    gates = "baseline: none\ngates: [{metric: accuracy, min: 0.1}]\n"
    models = load_models(
        write(tmp_path, {"mlci.yml": f"{config}predict: {columns}\n{gates}", **files}) / "mlci.yml", session=None
    )
    assert models.rows["y"].to_dict() == {2: 8, 1: 7}
    assert models.candidate.decisions.to_dict() == {2: 7, 1: 7}
    assert models.candidate.predictions["7"].to_dict() == {2: 0.9, 1: 0.5}


def test_load_models__metrics_file(tmp_path):
    totals = "model: m\ntask: binary\npredict: {metrics: m.json}\nbaseline: none\ngates: [{metric: accuracy, min: 0}]\n"
    write(tmp_path, {"mlci.yml": totals})
    with pytest.raises(InputError, match="a metrics file has none"):
        load_models(tmp_path / "mlci.yml", session=None)


def two_models(folder, *, predict=PREDICT):
    """A run whose candidate is model 0, and whose baseline, model 1, decides the row 20 otherwise."""
    write(folder, {"predict.py": predict, "before/model.txt": "1"})
    (folder / "now.csv").write_text("id,p\n10,0\n20,1\n30,1\n")
    (folder / "was.csv").write_text("id,p\n10,1\n20,0\n30,0\n")
    now, was = (PredictionTable(path=str(folder / name), decision="p") for name in ("now.csv", "was.csv"))
    return BehaviourSession(
        config=str(folder / "mlci.yml"),
        candidate=now,
        baseline=was,
        model=str(folder / "model.txt"),
        baseline_model=str(folder / "before" / "model.txt"),
    )


def load_session(folder, session):
    (folder / "session.json").write_bytes(SESSION.dump_json(session))
    return load_models(folder / "mlci.yml", session=folder / "session.json")


def test_baseline__predicts_by_its_own_model(tmp_path):
    models = load_session(tmp_path, two_models(project(tmp_path)))
    baseline = models.baseline()
    assert baseline.model.read_text() == "1"
    assert baseline.predict(models.rows)["decision"].to_dict() == {30: 0, 10: 1, 20: 0}
    cost = baseline.cost_of_predicting(models.rows)
    assert cost["latency"] > 0
    assert cost["memory"] > 1


def test_baseline__step_that_reads_the_candidates_model(tmp_path):
    """A step that opens the model by name: both models would be the candidate, and every ratio 1."""
    step = PREDICT.replace('os.environ.get("MLCI_MODEL", "model.txt")', '"model.txt"')
    models = load_session(tmp_path, two_models(project(tmp_path), predict=step))
    with pytest.raises(InputError, match="does not read the model that it is given"):
        models.baseline().predict(models.rows)
