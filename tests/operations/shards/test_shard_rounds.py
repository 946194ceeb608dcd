"""`mlci evaluate --shard` and `mlci merge` as their jobs run them, and what they refuse."""

import json

import numpy as np
import pytest

from mlci.operations.shards import shard_rounds
from tests.support.project import mlci
from tests.support.repository import commit, init

CONFIG = """\
model: sharded
task: binary
evaluation: {data: rows.csv, key: id, label: y, positive: 1, slices: [region]}
predict: {file: now.csv, score: score}
baseline: {file: before.csv}
gates:
  - {metric: roc_auc, max_drop: 0.05}
  - {metric: recall, each: region, max_drop: 0.10}
"""


def project(folder, *, config=CONFIG, rows=400):
    draw = np.random.default_rng(5)
    label = draw.integers(0, 2, rows)
    tables = {name: np.clip(0.3 * label + 0.7 * draw.random(rows), 0, 1) for name in ("now", "before")}
    regions = draw.choice(["north", "south"], rows)
    rows_of = enumerate(zip(label, regions, strict=True))
    own = "id,y,region\n" + "".join(f"{i},{y},{region}\n" for i, (y, region) in rows_of)
    scores = {
        f"{name}.csv": "id,score\n" + "".join(f"{i},{score}\n" for i, score in enumerate(each))
        for name, each in tables.items()
    }
    commit(init(folder), {"mlci.yml": config, "rows.csv": own, **scores})
    return folder


def shards(folder, count, *, name="shards"):
    """Run both rounds of all shards, each into a folder of its own, as jobs do."""
    for number in range(1, count + 1):
        ended = mlci("evaluate", "--shard", f"{number}/{count}", "--out", f"{name}/survey-{number}", cwd=folder)
        assert ended.code == 0, ended.err
    for number in range(1, count + 1):
        arguments = ("--shard", f"{number}/{count}", "--surveys", name, "--out", f"{name}-sums/{number}")
        ended = mlci("evaluate", *arguments, cwd=folder)
        assert ended.code == 0, ended.err
    (folder / f"{name}-sums").rename(folder / name / "sums")


def judged(folder, name, out):
    """Merge and judge; return the report without the facts about the run itself."""
    merged = mlci("merge", name, "--out", out, cwd=folder)
    assert merged.code == 0, merged.err
    ended = mlci("gate", "--out", out, cwd=folder)
    report = json.loads((folder / out / "report.json").read_text())
    return ended.code, {
        key: report[key] for key in ("verdict", "gates", "metrics", "disparities", "evaluation", "notes")
    }


def test_merge__same_report_for_any_number_of_shards(tmp_path):
    top = project(tmp_path)
    shards(top, 1, name="one")
    shards(top, 2, name="two")
    code, one = judged(top, "one", "out-1")
    assert (code, one["verdict"], one["evaluation"]["rows"]) == (0, "warn", 400)
    assert judged(top, "two", "out-2") == (0, one)
    whole = mlci("run", "--json", cwd=top).report
    assert whole["evaluation"]["fingerprint"] == one["evaluation"]["fingerprint"]
    assert [gate["outcome"] for gate in whole["gates"]] == [gate["outcome"] for gate in one["gates"]]
    recall = {(row["group"]): row["candidate"] for row in one["metrics"] if row["metric"] == "recall"}
    assert recall == {(row["group"]): row["candidate"] for row in whole["metrics"] if row["metric"] == "recall"}
    (top / "two/survey-2/survey-2-of-2.mlci").unlink()
    ended = mlci("merge", "two", "--out", "out", cwd=top)
    assert (ended.code, "shard 2/2 is missing from the round `survey`" in ended.err) == (2, True)


def test_merge__other_commit_and_configuration(tmp_path):
    top = project(tmp_path, rows=60)
    shards(top, 1)
    commit(top, {"mlci.yml": CONFIG.replace("0.05", "0.5")})
    ended = mlci("merge", "shards", cwd=top)
    assert ended.code == 2
    assert "of another commit and of another configuration than this job" in ended.err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("predict: {file: now.csv", "predict: {run: python p.py", "predictions would be made in every shard"),
        ("baseline: {file: before.csv}", "baseline: {ref: main}", "the other commit would be trained in every shard"),
        ("gates:", "train: {run: python t.py, model: m}\ngates:", "training would run in every shard"),
        ("gates:", "report: {rows: 5}\ngates:", "`report: {rows: …}` compares all rows"),
        ("gates:", "gates:\n  - {metric: d2_log_loss_score, min: 0}", "the row bootstrap of d2_log_loss_score"),
    ],
)
def test_evaluate_shard__what_may_not_be_split(tmp_path, old, new, message):
    top = project(tmp_path, config=CONFIG.replace(old, new), rows=40)
    ended = mlci("evaluate", "--shard", "1/2", cwd=top)
    assert (ended.code, message in " ".join(ended.err.split())) == (2, True), ended.err


def test_read_shard_files__bounds(tmp_path, monkeypatch):
    top = project(tmp_path, rows=40)
    assert mlci("merge", ".", cwd=top).code == 2
    (top / "x.mlci").write_text("not a shard")
    assert "is not a file of `mlci evaluate --shard`" in mlci("merge", ".", cwd=top).err
    monkeypatch.setattr(shard_rounds, "MOST_SHARDS", 0)
    assert "holds more than 0 files" in mlci("merge", ".", cwd=top).err
    assert "is for one shard" in mlci("evaluate", "--surveys", ".", cwd=top).err
