"""Names that do not exist in the data are reported with their line, before a step runs if possible."""

import json
import sys

import pytest

from tests.support.project import mlci, write

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
def test_run__unknown_class_in_a_gate(tmp_path, labels, metric, hint):
    gate = f'metric: "{metric}", max_drop: 0.1'
    ended = mlci("run", cwd=project(tmp_path, gate=gate, labels=labels, evaluation="  slices: [g]\n"))
    assert ended.code == 2
    assert "mlci.yml:11: " in ended.err
    assert f"no class is called {metric[metric.index('[') + 1 : -1]!r}; {hint}" in ended.err


@pytest.mark.parametrize("limit", ["min: 0.1", "max: 0.9", "each: g, max_drop: 0.1"])
def test_run__unknown_class_under_any_limit(tmp_path, limit):
    ended = mlci("run", cwd=project(tmp_path, gate=f'metric: "recall[C]", {limit}', evaluation="  slices: [g]\n"))
    assert (ended.code, "mlci.yml:11: `recall[C]`: no class is called 'C'" in ended.err) == (2, True)


def test_run__unknown_class_in_reported_metrics(tmp_path):
    evaluation = '  metrics: [accuracy, "recall[C]"]\n'
    ended = mlci("run", cwd=project(tmp_path, gate="metric: accuracy, min: 0.1", evaluation=evaluation))
    assert (ended.code, "mlci.yml:7: `recall[C]`: no class" in ended.err) == (2, True)


def test_run__known_class_that_is_never_decided(tmp_path):
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
def test_run__unknown_name_stops_before_training(tmp_path, evaluation, gate, said):
    folder = project(tmp_path, gate=gate, evaluation=evaluation, train=TRAIN, predict=PREDICT)
    ended = mlci("run", cwd=folder)
    assert (ended.code, said in ended.err) == (2, True)
    assert not (folder / "trained").exists()


def test_run__two_names_of_one_class_stop_before_training(tmp_path):
    predict = PREDICT + ", probabilities: {'1': p, '1.0': q}"
    folder = project(tmp_path, gate="metric: accuracy, min: 0.1", train=TRAIN, predict=predict)
    ended = mlci("run", cwd=folder)
    assert (ended.code, "mlci.yml:9: predictions can't have a column for each of the classes" in ended.err) == (2, True)
    assert not (folder / "trained").exists()


def test_run__unknown_prediction_column_stops_before_the_baseline(tmp_path):
    folder = project(tmp_path, gate="metric: accuracy, min: 0.1")
    text = (folder / "mlci.yml").read_text()
    text = text.replace("{file: base.csv}", "{ref: main}").replace("decision: d", "decision: D")
    (folder / "mlci.yml").write_text(text)
    ended = mlci("run", cwd=folder)
    assert (ended.code, "`cand.csv` has no column 'D'; did you mean 'd'?" in ended.err) == (2, True)
    assert "mlci.yml:7: " in ended.err


def test_run__unknown_class_stops_after_training_made_the_labels(tmp_path):
    gate = 'metric: "recall[C]", max_drop: 0.1'
    folder = project(tmp_path, gate=gate, train=TRAIN, predict=PREDICT, data="rows.csv")
    ended = mlci("run", cwd=folder)
    assert (ended.code, "no class is called 'C'" in ended.err) == (2, True)
    assert (folder / "trained").exists()
    assert not (folder / "predicted").exists()


def test_run__unknown_reference_group(tmp_path):
    evaluation = "  slices: [{column: g, reference: N}]\n"
    ended = mlci("run", cwd=project(tmp_path, gate="metric: accuracy, min: 0.1", evaluation=evaluation))
    assert ended.code == 2
    assert "no group of `g` is called 'N'; did you mean 'n'? Write `reference: n`; there are 'n'" in ended.err


@pytest.mark.parametrize("baseline", ["none", "{file: old.json}"])
def test_run__unknown_number_of_a_metrics_file(tmp_path, baseline):
    text = "model: m\ntask: regression\npredict: {metrics: new.json}\n"
    text += f"baseline: {baseline}\ngates: [{{metric: val.rsme, max_rise: 0.1}}]\n"
    numbers = json.dumps({"val": {"rmse": 2.0, "mae": 1.5}})
    ended = mlci("run", "--json", cwd=write(tmp_path, {"mlci.yml": text, "new.json": numbers, "old.json": numbers}))
    (row,) = ended.report["gates"]
    assert (ended.code, row["outcome"], row["why"]) == (1, "error", "unknown_name")
    assert row["reason"] == "val.rsme is not in the candidate's metrics file; did you mean val.rmse?"


BINARY = """\
model: m
task: binary
evaluation:
  data: d.csv
  key: id
  label: y
  positive: ">50K"
  slices: [g]
predict:
  file: p.csv
  score: s
baseline: {file: b.csv}
gates:
  - {metric: accuracy, min: 0.01}
"""


def binary(folder, *changes, train=""):
    config = BINARY
    for old, new in changes:
        assert config.count(old) == 1
        config = config.replace(old, new)
    table = "id,y,g\n" + "".join(f"{i},{('>50K', '<=50K')[i % 2]},{'nsw'[i % 3]}\n" for i in range(90))
    scores = "".join(f"{i},{(i % 7) / 7}\n" for i in range(90))
    contents = {"mlci.yml": config + train, "d.csv": table, "p.csv": f"id,s\n{scores}", "b.csv": f"id,s\n{scores}"}
    return write(folder, contents)


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (('positive: ">50K"', 'positive: "50K"'), 7, "`d.csv` has '<=50K' and '>50K' as labels in 'y', never '50K'"),
        (('  positive: ">50K"\n', ""), 3, 'name the positive one under `evaluation`: `positive: "<=50K"` or'),
        (("key: id", "key: ID"), 5, "`d.csv` has no column 'ID'; did you mean 'id'? Write `key: id`"),
        (("label: y", "label: Y"), 6, "`d.csv` has no column 'Y'; did you mean 'y'? Write `label: y`"),
        (("slices: [g]", "slices: [y, {column: G}]"), 8, "`d.csv` has no column 'G'; did you mean 'g'? Write `g`"),
        (("score: s", "score: p"), 11, "`p.csv` has no column 'p'; there are 'id', 's'; write `score: s`"),
        (("score: s", "decision: D"), 11, "`p.csv` has no column 'D'; there are 'id', 's'; write `decision: s`"),
        (("{file: b.csv}", "{file: b.csv, score: S}"), 12, "`b.csv` has no column 'S'; did you mean 's'?"),
        (("data: d.csv", "data: d.parquet"), 4, "`d.parquet` does not exist; did you mean 'd.csv' in its folder?"),
        (("file: p.csv", "file: gone/x.csv"), 10, "`gone/x.csv` does not exist; paths begin at mlci.yml's folder"),
        (("{file: b.csv}", "{file: old/x.csv}"), 12, "of another model, write `baseline: none`"),
        (("  key: id\n", ""), 3, "`p.csv` shares column 'id' with d.csv; join rows by it: write `key: id`"),
    ],
)
def test_run__entry_does_not_fit_the_data(tmp_path, change, line, said):
    ended = mlci("run", cwd=binary(tmp_path, change))
    assert (ended.code, f"error: mlci.yml:{line}: " in ended.err, said in ended.err) == (2, True, True), ended.err


def test_run__positive_class_is_not_a_label(tmp_path):
    train = f"train: {{run: {sys.executable} -I -S train.py}}\n"
    folder = binary(tmp_path, ('positive: ">50K"', 'positive: "50K"'), train=train)
    (folder / "train.py").write_text(STEP)
    ended = mlci("run", cwd=folder)
    assert (ended.code, (folder / "trained").exists()) == (2, False)
    assert "mlci.yml:7: `d.csv` has '<=50K' and '>50K' as labels" in ended.err
    assert '; write `positive: ">50K"`' in ended.err


def test_run__files_not_found(tmp_path):
    folder = binary(
        tmp_path, ("data: d.csv", "data: d.txt"), ("file: p.csv", f"run: {sys.executable} -I -S predict.py")
    )
    (folder / "predict.py").write_text("import pathlib\npathlib.Path('predicted').write_text('')\n")
    ended = mlci("run", cwd=folder)
    assert (ended.code, (folder / "predicted").exists()) == (2, False)
    assert "mlci.yml:4: `d.txt` does not exist; did you mean 'd.csv' in its folder?" in ended.err
    config = "model: m\ntask: binary\npredict: {metrics: m.json}\nbaseline: none\ngates:\n  - {metric: auc, min: 0.5}\n"
    ended = mlci("run", cwd=write(tmp_path, {"mlci.yml": config}))
    assert "mlci.yml:3: `m.json` does not exist; " in ended.err


@pytest.mark.parametrize(
    ("slices", "said"),
    [("{column: t, cut: [1]}", "write `t` without `cut` (mlci.yml:8)"), ("n", "or raise `max_groups` (mlci.yml:8)")],
)
def test_run__slice_without_groups(tmp_path, slices, said):
    folder = binary(tmp_path, ("slices: [g]", f"slices: [g, {slices}]\n  max_groups: 50"))
    head, *rows_ = (folder / "d.csv").read_text().splitlines()
    numbered = [f"{row},{number},t{number}" for number, row in enumerate(rows_)]
    (folder / "d.csv").write_text("\n".join([f"{head},n,t", *numbered]) + "\n")
    ended = mlci("run", cwd=folder)
    assert (ended.code, said in ended.err) == (2, True), ended.err


def test_run__class_not_listed(tmp_path):
    folder = project(tmp_path, gate="metric: accuracy, min: 0.1", evaluation="  classes: [a, b]\n")
    ended = mlci("run", cwd=folder)
    remedy = "write `classes: [a, b, c]` under `evaluation` (mlci.yml:7)"
    assert (ended.code, remedy in ended.err) == (2, True), ended.err
