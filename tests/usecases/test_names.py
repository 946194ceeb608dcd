"""Names that do not exist in the data are refused with their line, before a step spends time where that is possible."""

import json
import sys

import pytest

from tests.usecases.project import mlci, write

TRAIN = f"train:\n  run: {sys.executable} -I -S train.py\n"
STEP = "import pathlib\npathlib.Path('trained').write_text('')\n"
MAKES = STEP + "pathlib.Path('holdout.csv').write_text(pathlib.Path('rows.csv').read_text())\n"
CONFIG = """\
model: m
task: multiclass
evaluation:
  data: holdout.csv
  key: id
  label: y
{evaluation}{train}predict: {{{predict}, decision: d}}
baseline: {{file: base.csv}}
gates:
  - {{{gate}}}
"""
PREDICT = f"run: {sys.executable} -I -S predict.py"


def rows(name, values) -> str:
    return "\n".join([f"id,{name}", *(f"{i},{value}" for i, value in enumerate(values))]) + "\n"


def project(folder, *, gate, labels="abc", evaluation="", train="", predict="file: cand.csv", data="holdout.csv"):
    """Write a task whose candidate never decides the last class, with a group column."""
    label = list(labels) * 20
    decided = [value if value != labels[-1] else labels[0] for value in label]
    table = "\n".join(["id,y,g", *(f"{i},{value},{'nsw'[i % 3]}" for i, value in enumerate(label))]) + "\n"
    return write(
        folder,
        {
            "mlci.yml": CONFIG.format(gate=gate, evaluation=evaluation, train=train, predict=predict),
            data: table,
            "cand.csv": rows("d", decided),
            "base.csv": rows("d", label),
            "train.py": MAKES if data == "rows.csv" else STEP,
            "predict.py": "import pathlib\npathlib.Path('predicted').write_text('')\n",
        },
    )


@pytest.mark.parametrize(
    ("labels", "metric", "hint"),
    [
        ("abc", "recall[C]", "did you mean 'c'?"),
        ("abc", "f1[ c]", "did you mean 'c'?"),
        ("abc", "precision[zebra]", "there are 'a', 'b', 'c'"),
        ("012", "recall[2.0]", "did you mean '2'?"),
        ("012", "recall[02]", "did you mean '2'?"),
    ],
)
def test_a_class_that_does_not_exist__in_a_gate(tmp_path, labels, metric, hint):
    gate = f'metric: "{metric}", max_drop: 0.1'
    ended = mlci("run", cwd=project(tmp_path, gate=gate, labels=labels, evaluation="  slices: [g]\n"))
    assert ended.code == 2
    assert "mlci.yml:11: " in ended.err
    assert f"no class is called {metric[metric.index('[') + 1 : -1]!r}; {hint}" in ended.err


@pytest.mark.parametrize("limit", ["min: 0.1", "max: 0.9", "each: g, max_drop: 0.1"])
def test_a_class_that_does_not_exist__under_any_limit(tmp_path, limit):
    ended = mlci("run", cwd=project(tmp_path, gate=f'metric: "recall[C]", {limit}', evaluation="  slices: [g]\n"))
    assert (ended.code, "mlci.yml:11: `recall[C]`: no class is called 'C'" in ended.err) == (2, True)


def test_a_class_that_does_not_exist__in_the_reported_metrics(tmp_path):
    evaluation = '  metrics: [accuracy, "recall[C]"]\n'
    ended = mlci("run", cwd=project(tmp_path, gate="metric: accuracy, min: 0.1", evaluation=evaluation))
    assert (ended.code, "mlci.yml:7: `recall[C]`: no class" in ended.err) == (2, True)


def test_a_class_that_is_never_decided__is_not_a_typo(tmp_path):
    gate = 'metric: "recall[c]", max_drop: 0.1'
    ended = mlci("run", "--json", cwd=project(tmp_path, gate=gate))
    (row,) = ended.report["gates"]
    assert (ended.code, row["outcome"], row["value"], row["why"]) == (1, "failed", -1.0, "beyond_limit")


@pytest.mark.parametrize(
    ("evaluation", "gate", "said"),
    [
        ("", 'metric: "recall[C]", max_drop: 0.1', "no class is called 'C'"),
        ("  slices: [G]\n", "metric: accuracy, min: 0.1", "no column 'G'; did you mean 'g'?"),
        ("  classes: [a, b, c, d]\n", 'metric: "f1[e]", min: 0.1', "no class is called 'e'"),
    ],
)
def test_a_name_that_does_not_exist__stops_before_training(tmp_path, evaluation, gate, said):
    folder = project(tmp_path, gate=gate, evaluation=evaluation, train=TRAIN, predict=PREDICT)
    ended = mlci("run", cwd=folder)
    assert (ended.code, said in ended.err) == (2, True)
    assert not (folder / "trained").exists()


def test_a_column_of_predictions_that_does_not_exist__stops_before_the_baseline_is_made(tmp_path):
    folder = project(tmp_path, gate="metric: accuracy, min: 0.1")
    text = (folder / "mlci.yml").read_text()
    text = text.replace("{file: base.csv}", "{ref: main}").replace("decision: d", "decision: D")
    (folder / "mlci.yml").write_text(text)
    ended = mlci("run", cwd=folder)
    assert (ended.code, "`cand.csv` has no column 'D'; did you mean 'd'?" in ended.err) == (2, True)
    assert "mlci.yml:7: " in ended.err


def test_a_class_that_does_not_exist__stops_after_a_training_that_makes_the_labels(tmp_path):
    gate = 'metric: "recall[C]", max_drop: 0.1'
    folder = project(tmp_path, gate=gate, train=TRAIN, predict=PREDICT, data="rows.csv")
    ended = mlci("run", cwd=folder)
    assert (ended.code, "no class is called 'C'" in ended.err) == (2, True)
    assert (folder / "trained").exists()
    assert not (folder / "predicted").exists()


def test_a_reference_group_that_does_not_exist(tmp_path):
    evaluation = "  slices: [{column: g, reference: N}]\n"
    ended = mlci("run", cwd=project(tmp_path, gate="metric: accuracy, min: 0.1", evaluation=evaluation))
    assert ended.code == 2
    assert "no group of `g` is called 'N'; did you mean 'n'? there are 'n', 's', 'w'" in ended.err


@pytest.mark.parametrize("baseline", ["none", "{file: old.json}"])
def test_a_number_that_a_metrics_file_does_not_have__is_an_error_with_or_without_a_baseline(tmp_path, baseline):
    text = "model: m\ntask: regression\npredict: {metrics: new.json}\n"
    text += f"baseline: {baseline}\ngates: [{{metric: val.rsme, max_rise: 0.1}}]\n"
    numbers = json.dumps({"val": {"rmse": 2.0, "mae": 1.5}})
    ended = mlci("run", "--json", cwd=write(tmp_path, {"mlci.yml": text, "new.json": numbers, "old.json": numbers}))
    (row,) = ended.report["gates"]
    assert (ended.code, row["outcome"], row["why"]) == (1, "error", "unknown_name")
    assert row["reason"] == "val.rsme is not in the candidate's metrics file; did you mean val.rmse?"
