"""Changes since another commit, and the same lineage by `evaluate` and `gate` as by `run`."""

import pytest

from tests.support.project import BY_TRAINING, files, holdout, mlci, predictions, repository, run, timeless, write
from tests.support.repository import commit, git

LOCKED = "numpy==2.0.0 --hash=sha256:{}\n"


def rows(ended):
    return {row["kind"]: row for row in ended.report["lineage"]["rows"]}


def items(row):
    return {item["name"]: item["how"] for item in row["items"]}


def two_commits(tmp_path, **changed):
    before = {**files(1), "requirements.txt": LOCKED.format("a" * 64), "data.csv.dvc": pointer("a")}
    return repository(tmp_path, before, {**before, **files(3), **changed})


def pointer(digit):
    return f"outs:\n- md5: {digit * 32}\n  path: data.csv\n"


@pytest.mark.parametrize("again", [False, True])
def test_lineage__code_configuration_environment_and_data(tmp_path, again):
    config = files(3)["mlci.yml"].replace("max_drop: 0.05", "max_drop: 0.25")
    two_commits(
        tmp_path,
        **{
            "mlci.yml": config,
            "requirements.txt": LOCKED.format("b" * 64).replace("2.0.0", "2.1.0"),
            "data.csv.dvc": pointer("b"),
            "new.py": "",
        },
    )
    if again:
        run(tmp_path)
    found = rows(run(tmp_path))
    assert items(found["code"]) == {"k.txt": "changed", "new.py": "added"}
    assert (found["code"]["baseline"], found["code"]["candidate"]) == (
        git(tmp_path, "rev-parse", "main"),
        git(tmp_path, "rev-parse", "HEAD"),
    )
    assert items(found["configuration"]) == {"gates[accuracy].max_drop": "changed"}
    assert items(found["environment"]) == {"requirements.txt": "changed", "numpy": "changed"}
    assert items(found["data"]) == {"data.csv": "changed"}
    assert found["evaluation"]["changed"] is False


def test_lineage__rows_of_another_commit(tmp_path):
    two_commits(tmp_path, **{"holdout.csv": holdout(110).replace("\n7,0,0", "\n7,0,1").replace("\n8,0,0", "")})
    ended = run(tmp_path)
    assert rows(ended)["evaluation"]["changed"] is True
    found = ended.report["lineage"]["evaluation"]
    assert {key: found[key] for key in ("baseline_rows", "candidate_rows", "added", "removed", "relabelled")} == {
        "baseline_rows": 100,
        "candidate_rows": 109,
        "added": 10,
        "removed": 1,
        "relabelled": 1,
    }
    assert run(tmp_path).report["lineage"] == ended.report["lineage"]  # from the cache


def test_lineage__commit_without_a_configuration_or_file_baseline(tmp_path):
    before = files(1)
    del before["mlci.yml"]
    ended = run(repository(tmp_path / "a", before, files(3)))
    assert ended.report["lineage"] is None
    write(tmp_path / "b", {**files(3, baseline="{file: old.csv}"), "old.csv": predictions(1)})
    assert run(tmp_path / "b").report["lineage"] is None


def test_lineage__champion_by_evaluate_and_gate(tmp_path):
    given = files(4, baseline="production", train=BY_TRAINING)
    repository(tmp_path, given, given)
    for k in ("3", "2"):
        commit(tmp_path, {"k.txt": k})
        assert run(tmp_path, "--record").code == 0
        promoted = mlci("promote", cwd=tmp_path)
        assert promoted.code == 0, promoted.err
    commit(tmp_path, {"k.txt": "1"})
    whole = run(tmp_path)
    assert items(rows(whole)["code"]) == {"k.txt": "changed"}
    assert whole.report["trend"]
    measured = mlci("evaluate", cwd=tmp_path)
    assert measured.code == 0, measured.err
    judged = mlci("gate", "--json", cwd=tmp_path)
    assert timeless(judged.report) == timeless(whole.report)
