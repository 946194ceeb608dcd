"""The lineage since the champion, in the report of a real run."""

import json

from tests.support.project import holdout, mlci, run
from tests.support.registry.lifecycle import IGNORED, append_version, champion, files, manifest, promote_run, repository
from tests.support.repository import commit, git

KINDS = ["code", "evaluation", "data", "configuration", "environment", "model"]


def lineage(ended):
    assert ended.report["lineage"], ended.err
    rows = ended.report["lineage"]["rows"]
    assert [row["kind"] for row in rows] == KINDS
    return {row["kind"]: row for row in rows}


def changed_kinds(ended):
    return [kind for kind, row in lineage(ended).items() if row["changed"]]


def item_names(row):
    return [item["name"] for item in row["items"]]


def test_lineage__only_code_changed(tmp_path):
    commit(champion(tmp_path, 2), {"k.txt": "1"})
    ended = run(tmp_path)
    assert changed_kinds(ended) == ["code", "model"]
    code = lineage(ended)["code"]
    assert (code["baseline"], code["candidate"]) == tuple(git(tmp_path, "rev-parse", "HEAD~1", "HEAD").split())
    assert item_names(code) == ["k.txt"]
    comment = (tmp_path / ".mlci/out/comment.md").read_text()
    assert "<details><summary>What changed: nothing but the code (not known: training data)</summary>" in comment


def test_lineage__every_kind_of_change(tmp_path):
    champion(tmp_path, 1)
    pointer = "outs:\n- md5: aa\n  path: train.csv\n"
    contents = {"requirements.txt": "numpy==2.0\n", "data/train.csv.dvc": pointer}
    contents["mlci.yml"] = files(1)["mlci.yml"].replace("max_drop: 0.05", "max_drop: 0.04")
    contents["holdout.csv"] = files(1)["holdout.csv"] + "100,0,0\n"
    commit(tmp_path, contents)
    ended = run(tmp_path)
    found = lineage(ended)
    assert changed_kinds(ended) == ["evaluation", "data", "configuration", "environment"]
    assert found["code"]["reason"] == "other commits, the same code"
    assert item_names(found["configuration"]) == ["gates[accuracy].max_drop"]
    assert found["data"]["items"] == [
        {"name": "data/train.csv", "how": "added", "baseline": None, "candidate": "md5:aa"}
    ]
    assert item_names(found["environment"]) == ["requirements.txt"]
    assert ended.report["lineage"]["evaluation"] == {
        "baseline_rows": 100,
        "candidate_rows": 101,
        "added": 1,
        "removed": 0,
        "relabelled": 0,
        "changed": 0,
        "columns_added": [],
        "columns_removed": [],
        "null_rates": [],
        "reason": None,
    }
    assert found["evaluation"]["candidate"] == ended.report["evaluation"]["fingerprint"]


def test_lineage__packages_of_lock_files(tmp_path):
    repository(tmp_path, 1)
    commit(tmp_path, {"requirements.txt": "numpy==1.26\n"})
    assert (mlci("run", cwd=tmp_path).code, mlci("promote", cwd=tmp_path).code) == (0, 0)
    commit(tmp_path, {"requirements.txt": "numpy==2.0\nscipy==1\n"})
    items = {item["name"]: item for item in lineage(run(tmp_path))["environment"]["items"]}
    assert set(items) == {"requirements.txt", "numpy", "scipy"}
    assert (items["numpy"]["baseline"], items["numpy"]["candidate"]) == ("1.26", "2.0")


def test_lineage__model_differs_after_the_same_training(tmp_path):
    train = files(1)["train.py"] + 'import time\nopen("model.txt", "a").write(f"\\n#{time.time_ns()}")\n'
    predict = files(1)["predict.py"].replace(".read())", ".readline())")
    repository(tmp_path, 1)
    commit(tmp_path, {"train.py": train, "predict.py": predict, ".gitignore": IGNORED})
    assert (mlci("run", cwd=tmp_path).code, mlci("promote", cwd=tmp_path).code) == (0, 0)
    assert changed_kinds(run(tmp_path)) == ["model"]
    comment = (tmp_path / ".mlci/out/comment.md").read_text()
    assert "nothing but the model itself; it was trained again and came out different" in comment


def test_lineage__evaluated_again_before_a_promotion(tmp_path):
    champion(tmp_path, 3)
    commit(tmp_path, {"k.txt": "2"})
    assert mlci("run", "--out", "second", cwd=tmp_path).code == 0
    git(tmp_path, "checkout", "--quiet", "-b", "beside", "HEAD~1")
    commit(tmp_path, {"k.txt": "1"})
    assert mlci("run", cwd=tmp_path).code == 0
    assert mlci("promote", cwd=tmp_path).code == 0
    assert mlci("promote", "--out", "second", cwd=tmp_path).code == 1
    rows = json.loads((tmp_path / "second/report.json").read_text())["lineage"]["rows"]
    assert rows[0]["baseline"] == git(tmp_path, "rev-parse", "HEAD")
    assert rows[0]["candidate"] == git(tmp_path, "rev-parse", "main")


def test_lineage__no_version(tmp_path):
    assert run(repository(tmp_path, 1)).report["lineage"] is None


def test_lineage__rows_not_stored_with_the_version(tmp_path):
    champion(tmp_path, 1)
    path = tmp_path / "holdout.csv"
    append_version(tmp_path, data={"keys": None})
    commit(tmp_path, {"holdout.csv": path.read_text() + "100,0,0\n"})
    found = run(tmp_path).report["lineage"]["evaluation"]
    assert (found["baseline_rows"], found["added"]) == (100, None)
    assert found["reason"].startswith("row digests of one of the sets were not kept")


def test_lineage__same_rows_stored_once(tmp_path):
    champion(tmp_path, 2)
    commit(tmp_path, {"k.txt": "1"})
    assert promote_run(tmp_path) == 2
    kept = [manifest(tmp_path, number)["data"]["keys"] for number in (1, 2)]
    assert kept[0] == kept[1]
    assert kept[0]["name"] == "rows.bin"


def test_lineage__version_promoted_on_other_rows(tmp_path):
    champion(tmp_path, 2)
    commit(tmp_path, {"k.txt": "1"})
    assert mlci("run", cwd=tmp_path).code == 0
    commit(tmp_path, {"holdout.csv": holdout(60, first=500)})
    assert mlci("promote", cwd=tmp_path).code == 0
    report = json.loads((tmp_path / ".mlci/out/report.json").read_text())
    assert [report["lineage"]["evaluation"][key] for key in ("added", "removed")] == [60, 100]
    assert manifest(tmp_path, 2)["data"]["keys"] != manifest(tmp_path, 1)["data"]["keys"]
    assert run(tmp_path).report["lineage"]["evaluation"] is None
    assert mlci("ledger", "verify", "--files", cwd=tmp_path).code == 0
