"""`mlci init` in repositories whose numbers are in a metrics file, also one that is not there yet."""

import pytest

from mlci.operations.init.scripts.metric_names import written_names
from tests.support.project import mlci, write
from tests.support.repository import commit, init
from tests.support.training_repositories import METRICS, first_run, plan


def test_metrics__repository_with_only_metrics(tmp_path):
    commit(init(tmp_path), {"fit.py": METRICS, "metrics.json": '{"val": {"auc": 0.9, "log_loss": 0.31}, "rows": 90}'})
    _, ended = first_run(tmp_path)
    assert ended.code == 0, ended.err
    assert {gate["id"] for gate in ended.report["gates"]} == {"val.auc.max_drop", "val.log_loss.max_rise"}
    assert "predict: {metrics: metrics.json}" in (tmp_path / "mlci.yml").read_text()
    assert "run: python fit.py" in (tmp_path / "mlci.yml").read_text()


DVC = """\
stages:
  evaluate:
    cmd: python evaluate.py
    deps: [model.txt, evaluate.py]
    metrics:
      - scores/summary.json: {cache: false}
  train:
    cmd: python train.py
    deps: [train.py]
    outs: [model.txt]
"""


def test_metrics__pipeline_of_dvc(tmp_path):
    evaluate = 'import json\nk = float(open("model.txt").read())\n'
    evaluate += 'json.dump({"accuracy": k}, open("scores/summary.json", "w"))\n'
    files = {
        "dvc.yaml": DVC,
        "train.py": 'open("model.txt", "w").write("0.75")\n',
        "evaluate.py": evaluate,
        "scores/summary.json": '{"accuracy": 0.5}',
    }
    commit(init(tmp_path), files)
    _, ended = first_run(tmp_path)
    assert ended.code == 0, ended.err
    assert [row["candidate"] for row in ended.report["metrics"]] == [0.75]
    assert "run: |\n    python train.py\n    python evaluate.py\n" in (tmp_path / "mlci.yml").read_text()


EVALUATE = """\
import json, os
metrics = {"accuracy": float(open("model.txt").read())}
metrics["val"] = {"log_loss": 1 - metrics["accuracy"]}
os.makedirs("scores", exist_ok=True)
with open("scores/summary.json", "w") as file:
    json.dump(metrics, file)
"""
TRAIN = 'open("model.txt", "w").write("0.75")\n'


def test_metrics__file_of_dvc_that_git_does_not_have(tmp_path):
    """The script of the stage shows the names; the first run makes the numbers."""
    commit(init(tmp_path), {"dvc.yaml": DVC, "train.py": TRAIN, "evaluate.py": EVALUATE, ".gitignore": "/scores\n"})
    setup, ended = first_run(tmp_path)
    assert ended.code == 0, ended.err
    assert "dvc.yaml names it, and evaluate.py shows the names of its numbers" in setup.out
    assert {gate["id"] for gate in ended.report["gates"]} == {"accuracy.max_drop", "val.log_loss.max_rise"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"dvc.yaml": DVC, "train.py": TRAIN, "evaluate.py": "from lib import main\nmain()\n"},
            "scores/summary.json, stage evaluate writes it, and it does not exist here; evaluate.py does not show",
        ),
        (
            {"dvc.yaml": "metrics: [m.json]\nstages:\n  a: {cmd: ./run.sh}\n", "x.py": ""},
            "file m.json, and it does not exist here; no script shows the names of its numbers. Make it with `dvc ",
        ),
    ],
)
def test_metrics__file_of_dvc_whose_numbers_no_script_names(tmp_path, files, words):
    ended = mlci("init", "--yes", cwd=write(tmp_path, files))
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


@pytest.mark.parametrize("options", [[], ["--metrics", "out/metrics.json"]])
def test_metrics__file_that_a_script_writes(tmp_path, options):
    script = METRICS.replace('"metrics.json"', '"out/metrics.json"').replace(
        "import json\n", "import json, os\nos.makedirs('out')\n"
    )
    _, ended = first_run(write(tmp_path, {"fit.py": script}), *options)
    assert ended.code == 0, ended.err
    assert [gate["metric"] for gate in ended.report["gates"]] == ["val.auc", "val.log_loss"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('json.dump({"a": x, "b": {"c": 1.5, "d": "text"}, **more}, f)', ["a", "b.c"]),
        ('m = {"a": x}\nm["b"] = y\nm[key] = z\nyaml.safe_dump(m, f)', ["a", "b"]),
        ('Path("m.json").write_text(json.dumps(dict(a=1)))', []),
        ('live.log_metric("test/acc", acc)\nlive.log_metric(name, 1)', ["test.acc"]),
        ("json.dump({", []),
    ],
)
def test_written_names__of_a_script(text, names):
    assert written_names(text) == names


HISTORY = """\
import json
history = []
for epoch in range(3):
    history.append({"epoch": epoch, "train_loss": 0.9 - epoch / 10, "val_loss": 0.8 - epoch / 10})
json.dump(history, open("metrics.json", "w"))
"""


def test_metrics__list_of_epochs(tmp_path):
    """The last epoch is judged, which init and the report note; the file need not exist yet."""
    commit(init(tmp_path), {"train.py": HISTORY, "metrics.json": '[{"epoch": 0, "train_loss": 1, "val_loss": 0.9}]'})
    setup, ended = first_run(tmp_path)
    assert "Note: metrics.json: it has 1 entry by epoch; the last one, epoch 0, is judged." in setup.out
    assert {gate["id"] for gate in ended.report["gates"]} == {"val_loss.max_rise"}
    assert "metrics.json: it has 3 entries by epoch; the last one, epoch 2, is judged" in ended.report["notes"]
    assert written_names(HISTORY) == ["train_loss", "val_loss"]


def test_metrics__conflict_in_the_pipeline_and_its_script(tmp_path):
    """Files with conflict markers are named, and no other script is taken for the one that makes the metrics."""
    conflict = "<<<<<<< HEAD\n=======\n>>>>>>> develop\n"
    prepare = 'scaler = StandardScaler()\nmodel = LinearRegression().fit(X, y)\nframe.to_csv("clean.csv")\n'
    train = f'{conflict}json.dump({{"auc": 0.9}}, open("out/metrics.json", "w"))\n'
    files = {"dvc.yaml": f"stages:\n  train:\n    cmd: python train.py\n{conflict}", "prepare.py": prepare}
    found = plan(write(tmp_path, {**files, "train.py": train, "out/metrics.json": '{"auc": 0.9}'}))
    assert not any(answer["question"] == "train" for answer in found["answers"])
    notes = "\n".join(found["notes"])
    assert "so a change to train.py is judged by the out/metrics.json that is there" in notes
    assert "train.py can't be read: line 1 is not Python that this interpreter reads" in notes
    assert "dvc.yaml can't be read, and its stages are not followed: line 5 is not YAML." in notes
    assert notes.count("dvc.yaml can't be read") == 1
