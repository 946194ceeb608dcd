"""`mlci evaluate` and `mlci gate` give the report of `mlci run`; `mlci report` renders the same bytes again."""

import json

import pytest

from tests.support.project import (
    TOTALS,
    files,
    mlci,
    repository,
    run,
    small_files,
    timeless,
    write,
)
from tests.support.repository import commit

SLICED = """\
model: sliced
task: binary
evaluation:
  data: holdout.csv
  key: id
  label: y
  positive: 1
  slices: [g, {column: v, cut: [50]}, [g, h]]
  metrics: [accuracy, roc_auc, recall, equalized_odds_difference]
predict: {file: new.csv, score: s}
baseline: {file: old.csv}
gates:
  - {metric: roc_auc, min: 0.5, max_drop: 0.05}
  - {metric: recall, each: [g, h], max_drop: 0.5}
  - {metric: equalized_odds_difference, across: g, max: 0.9, max_rise: 0.5}
"""


def write_sliced_project(folder):
    rows = [(i, i // 10 % 2, "nsw"[i % 3], "" if i % 4 == 0 else "fm"[i % 2]) for i in range(240)]
    write(folder, {"mlci.yml": SLICED})
    (folder / "holdout.csv").write_text("id,y,g,h,v\n" + "".join(f"{i},{y},{g},{h},{i}\n" for i, y, g, h in rows))
    for name, k in (("old", 7), ("new", 6)):
        lines = (f"{i},{(0.5 + (i * k % 19) / 40) if y else (i * k % 23) / 40}\n" for i, y, _, _ in rows)
        (folder / f"{name}.csv").write_text("id,s\n" + "".join(lines))
    return folder


def test_evaluate_and_gate__same_report_as_run(tmp_path):
    write_sliced_project(tmp_path)
    whole = run(tmp_path)
    assert len(whole.report["gates"]) >= 10
    measured = mlci("evaluate", "--out", "split", cwd=tmp_path)
    assert measured.code == 0, measured.err
    assert "measurements and" in measured.out
    judged = mlci("gate", "--out", "split", "--json", cwd=tmp_path)
    assert judged.code == whole.code
    assert timeless(judged.report) == timeless(whole.report)
    assert (tmp_path / "split/report.json").read_text() == judged.out


def test_evaluate_and_gate__baseline_from_a_commit(tmp_path):
    repository(tmp_path, files(1), files(3))
    whole = run(tmp_path)
    measured = mlci("evaluate", "--json", cwd=tmp_path)
    assert json.loads(measured.out)["schema"] == "mlci/evaluation/1"
    judged = mlci("gate", "--json", cwd=tmp_path)
    assert judged.code == whole.code == 1
    assert timeless(judged.report) == timeless(whole.report)


def test_report__renders_the_same_bytes_again(tmp_path):
    mlci("run", cwd=write_sliced_project(tmp_path))
    out = tmp_path / ".mlci/out"
    names = ["comment.md", "summary.md", "junit.xml", "report.html"]
    before = {name: (out / name).read_bytes() for name in names}
    for name in names:
        (out / name).unlink()
    again = mlci("report", out / "report.json", cwd=tmp_path)
    assert (again.code, again.err) == (0, "")
    assert {name: (out / name).read_bytes() for name in names} == before
    complete = mlci("report", out / "report.json", "--all", cwd=tmp_path)
    assert ("Metrics on the whole set" in again.out, "Metrics on the whole set" in complete.out) == (False, True)
    elsewhere = mlci("report", out / "report.json", "--out", tmp_path / "else", "--json", cwd=tmp_path)
    assert elsewhere.out == (out / "report.json").read_text()
    assert {name: (tmp_path / "else" / name).read_bytes() for name in names} == before


def test_run__same_report_twice(tmp_path):
    write_sliced_project(tmp_path)
    first, second = run(tmp_path).report, run(tmp_path, "--out", "other").report
    assert timeless(first) == timeless(second)


@pytest.mark.parametrize("name", ["evaluation.json", "origins.json"])
@pytest.mark.parametrize(
    ("damage", "says"),
    [(lambda text: text[: len(text) // 2], "evaluate"), (lambda _: "{}", "evaluate"), (lambda _: None, "evaluate")],
)
def test_gate__damaged_output_of_evaluate(tmp_path, name, damage, says):
    write(tmp_path, small_files())
    mlci("evaluate", cwd=tmp_path)
    path = tmp_path / ".mlci/out" / name
    text = damage(path.read_text())
    path.unlink() if text is None else path.write_text(text)
    ended = mlci("gate", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert name in ended.err
    assert says in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("seconds", ['{"nap": 3.0}', '{"train": "x"}', '{"train": 1e999}', "[]"])
def test_gate__invalid_origins(tmp_path, seconds):
    write(tmp_path, small_files())
    mlci("evaluate", cwd=tmp_path)
    path = tmp_path / ".mlci/out/origins.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": "?"}).replace('"?"', seconds))
    ended = mlci("gate", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("policy:", "policy:\n  confidence: 0.9", "mlci.yml:13: `policy.confidence` is 0.9, but 0.95 was measured"),
        ("task: binary", "task: multiclass", "`task` is multiclass, but binary was measured"),
    ],
)
def test_gate__evaluation_with_other_settings(tmp_path, old, new, says):
    contents = small_files(more="policy:\n  seed: 7\n")
    write(tmp_path, contents)
    mlci("evaluate", cwd=tmp_path)
    changed = contents["mlci.yml"].replace(old, new)
    if "multiclass" in new:
        changed = changed.replace("  positive: 1\n", "")
    (tmp_path / "mlci.yml").write_text(changed)
    ended = mlci("gate", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err


def test_gate__other_limits_without_evaluating_again(tmp_path):
    write(tmp_path, small_files())
    mlci("evaluate", cwd=tmp_path)
    assert mlci("gate", cwd=tmp_path).code == 1
    (tmp_path / "mlci.yml").write_text((tmp_path / "mlci.yml").read_text().replace("max_drop: 0.05", "max_drop: 0.5"))
    assert mlci("gate", cwd=tmp_path).code == 0


def test_gate__metric_that_was_not_evaluated(tmp_path):
    contents = small_files()
    write(tmp_path, {**contents, "mlci.yml": contents["mlci.yml"].replace("label: y", "label: y\n  metrics: [recall]")})
    mlci("evaluate", cwd=tmp_path)
    (tmp_path / "mlci.yml").write_text(contents["mlci.yml"].replace("metric: accuracy", "metric: f1"))
    ended = mlci("gate", "--json", cwd=tmp_path)
    assert ended.code == 1
    assert [(gate["outcome"], gate["reason"]) for gate in ended.report["gates"]] == [("error", "f1 was not computed")]


def test_evaluate__metrics_file_is_refused(tmp_path):
    write(tmp_path, {"mlci.yml": TOTALS.format(train="", metrics="m.json", baseline="none"), "m.json": '{"a": 1}'})
    ended = mlci("evaluate", cwd=tmp_path)
    assert ended.code == 2
    assert "use `mlci run`" in ended.err


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text.replace("0.9", "NaN", 1), lambda _: ""])
def test_report__damaged_file(tmp_path, damage):
    write(tmp_path, small_files())
    run(tmp_path)
    path = tmp_path / ".mlci/out/report.json"
    path.write_text(damage(path.read_text()))
    ended = mlci("report", path, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "report.json" in ended.err


def test_run__new_and_missing_numbers_of_metrics_files(tmp_path):
    text = TOTALS.format(train="", metrics="new.json", baseline="{ref: main}")
    before = {"mlci.yml": text, "new.json": '{"test": {"auc": 0.9}}'}
    repository(tmp_path, before, {"new.json": '{"test": {"accuracy": 0.9}}'})
    ended = run(tmp_path)
    found = {gate["id"]: (gate["outcome"], gate["blocks"]) for gate in ended.report["gates"]}
    assert found == {"test.accuracy.max_drop": ("no_baseline", False), "test.auc.present": ("error", True)}
    assert ended.code == 1
    commit(tmp_path, {"new.json": '{"test": {"accuracy": 0.9, "auc": 0.5}}'})
    ended = run(tmp_path)
    assert (ended.code, ended.report["verdict"]) == (0, "warn")
    notes = (tmp_path / ".mlci/out/summary.md").read_text()
    assert notes.count("predictions") == 1
