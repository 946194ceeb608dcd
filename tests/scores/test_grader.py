"""`grader` on evaluation logs: agreement, a judge that can't gate, the corrected change, refusals."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.project import mlci, run

LOGS = Path(__file__).parent / "files/inspect_ai"
INSPECT = """\
model: support
task: scores
predict: {log: candidate.eval}
baseline: {log: baseline.eval}
gates:
  - {metric: cost_usd, max: 100}
  - {metric: includes, max_drop: 0.02}
grader: {labels: gold.jsonl, metric: includes}
"""
TABLE = """\
model: support
task: scores
predict: {{log: now.csv}}
baseline: {{log: before.csv}}
evaluation: {{key: id, {more}}}
gates:
  - {{metric: judge, max_drop: 0.3, range: [0, 1]}}
grader: {{labels: gold.jsonl{grader}}}
"""


def gate(ended, metric):
    return next(one for one in ended.report["gates"] if one["metric"] == metric)


def inspect_logs(folder, *rows, more=""):
    """Two logs of Inspect, and labels."""
    for path in LOGS.glob("*.eval"):
        shutil.copy(path, folder)
    (folder / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / "mlci.yml").write_text(INSPECT.replace("includes}\n", f"includes{more}}}\n"), "utf-8")
    return folder


def table(folder, *, wrong=8, labelled=80, items=160, grader="", more="repeat: r"):
    """A judge that errs on one answer in `wrong`; people label the first items of both models."""
    before = {i: int(i % 5 > 0) for i in range(items)}
    now = {i: int(i % 5 > 0 and i % 9 > 0) for i in range(items)}
    for name, truth in (("before.csv", before), ("now.csv", now)):
        lines = [f"i{i},1,{1 - t if (i + len(name)) % wrong == 0 else t}" for i, t in truth.items()]
        (folder / name).write_text("\n".join(["id,r,judge", *lines]) + "\n", "utf-8")
    gold = [{"key": f"i{i}", "candidate": now[i], "baseline": before[i]} for i in range(labelled)]
    (folder / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in gold), "utf-8")
    (folder / "mlci.yml").write_text(TABLE.format(grader=grader, more=more), "utf-8")
    return folder


def test_run__agreement_and_corrected_change(tmp_path):
    ended = run(table(tmp_path, grader=", min_agreement: 0.7"))
    found = ended.report["grader"]
    assert found["agreement"] == pytest.approx(0.875)
    assert (found["answers"], found["items"], found["trusted"]) == (160, 80, True)
    low, high = found["interval"]
    assert low < 0.875 < high
    truth = -sum(i % 5 > 0 and i % 9 == 0 for i in range(160)) / 160
    low, high = found["corrected"]["interval"]
    assert low < truth < high
    assert found["corrected"]["items"] == 80
    assert gate(ended, "judge")["outcome"] == "passed"
    comment = (tmp_path / ".mlci/out/comment.md").read_text()
    assert "Judge judge and human labels: 87.5 % agree, kappa" in comment
    assert "corrected by 80 items with labels" in comment
    assert "87.5 % agree" in (tmp_path / ".mlci/out/report.html").read_text()


def test_run__judge_that_is_not_shown_to_agree_can_not_gate(tmp_path):
    ended = run(table(tmp_path, grader=", min_agreement: 0.87"))
    row = gate(ended, "judge")
    assert (row["outcome"], row["why"], row["blocks"]) == ("inconclusive", "grader", True)
    assert "the judge can't gate: it agrees with people on 87.5 %" in row["reason"]
    assert (ended.code, ended.report["grader"]["trusted"]) == (1, False)
    warns = run(table(tmp_path, grader=", min_agreement: 0.87, below: warn"))
    assert (warns.code, warns.report["verdict"]) == (0, "warn")
    assert gate(warns, "judge")["outcome"] == "inconclusive"


def test_run__few_labels_correct_nothing(tmp_path):
    found = run(table(tmp_path, labelled=20)).report["grader"]
    assert (found["corrected"], found["trusted"]) == (None, None)
    assert "50 items with labels of both models" in found["reason"]


def test_run__other_scorers_keep_their_gates(tmp_path):
    row = {"key": "q05", "candidate": 0, "baseline": 1}
    ended = run(inspect_logs(tmp_path, row, more=", min_agreement: 0.99"))
    assert gate(ended, "includes")["why"] == "grader"
    assert gate(ended, "cost_usd")["why"] != "grader"


def test_run__repeats_that_people_label_alike(tmp_path):
    rows = [{"key": f"q{n:02}", "repeat": r, "baseline": 1} for n in range(1, 13) for r in (1, 2)]
    found = run(inspect_logs(tmp_path, *rows)).report["grader"]
    assert (found["repeats"]["of"], found["repeats"]["same"]) == (12, 9)  # the report: three change with the baseline
    assert found["agreement"] == pytest.approx(0.875)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"key": "i1"}', "line 81: is not a label"),
        ('{"key": "i1", "candidate": "good"}', "is not a label"),
        ('{"key": "i1", "candidate": NaN}', "is not a label"),
        ("[1", "is not a label"),
        ('{"key": "i1", "score": 1, "candidate": 1}', "is not a label"),
        ('{"key": "i1", "candidate": 1}', "labels an answer that an earlier line labels"),
    ],
)
def test_read_gold_labels__refused_with_the_line(tmp_path, line, found):
    folder = table(tmp_path)
    with (folder / "gold.jsonl").open("a") as file:
        file.write(line + "\n")
    ended = mlci("run", cwd=folder)
    assert ended.code == 2
    assert found in ended.err.replace(":81:", ": line 81:")


def test_run__labels_that_do_not_fit_are_refused(tmp_path):
    folder = table(tmp_path)
    (folder / "gold.jsonl").write_text('{"key": "other", "candidate": 1}\n', "utf-8")
    assert "no label of `grader.labels`" in mlci("run", cwd=folder).err
    (folder / "gold.jsonl").unlink()
    assert "can't be read" in mlci("run", cwd=folder).err
    shutil.rmtree(folder / ".mlci", ignore_errors=True)
    table(tmp_path, grader=", metric: helpful")
    assert "the log has judge" in mlci("run", cwd=folder).err


def test_run__candidate_that_writes_the_labels_is_judged_by_the_earlier_ones(tmp_path):
    folder = table(tmp_path, wrong=3, grader=", min_agreement: 0.8")
    text = (folder / "mlci.yml").read_text()
    run_step = "{log: now.csv, run: 'cp now.csv kept.csv; sleep 0; cp kept.csv now.csv; : > gold.jsonl'}"
    (folder / "mlci.yml").write_text(text.replace("{log: now.csv}", run_step), "utf-8")
    assert run(folder).report["grader"]["answers"] == 160


def test_check__grader_is_for_scores(tmp_path):
    text = "model: m\ntask: binary\nevaluation: {data: d.csv, label: y}\npredict: {file: p.csv, score: s}\n"
    text += "baseline: none\ngates:\n  - {metric: accuracy, min: 0.5}\ngrader: {labels: g.jsonl}\n"
    (tmp_path / "mlci.yml").write_text(text, "utf-8")
    assert "`grader` is for evaluation logs" in mlci("run", cwd=tmp_path).err
