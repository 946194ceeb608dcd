"""`mlci diff`: two versions, or a version and the last run."""

import json

import pytest

from tests.support.project import holdout, mlci
from tests.support.registry.lifecycle import champion, file_of, manifest, promote_run, repository
from tests.support.repository import commit, git


def two(folder):
    """Promote a model that is wrong on 3 rows of ten, and one that is wrong on 1."""
    champion(folder, 3)
    commit(folder, {"k.txt": "1", "requirements.txt": "numpy==2.0\n"})
    assert promote_run(folder) == 2
    return folder


def diff(folder, *arguments):
    ended = mlci("diff", *arguments, "--json", cwd=folder)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_diff__two_versions(tmp_path):
    found = diff(two(tmp_path), 1, 2)
    assert [found[end]["name"] for end in "ab"] == ["version 1", "version 2"]
    assert [found[end]["commit"] for end in "ab"] == git(tmp_path, "rev-parse", "HEAD~1", "HEAD").split()
    accuracy = next(row for row in found["metrics"] if row["metric"] == "accuracy")
    assert [accuracy["a"], accuracy["b"], pytest.approx(accuracy["change"])] == [0.7, 0.9, 0.2]
    assert [row["kind"] for row in found["lineage"]["rows"] if row["changed"]] == ["code", "environment", "model"]
    assert found["same_rows"]
    turned = diff(tmp_path, 2, 1)
    assert [row["how"] for row in turned["lineage"]["rows"][4]["items"]] == ["removed"]


def test_diff__champion_and_last_run_by_default(tmp_path):
    commit(two(tmp_path), {"holdout.csv": holdout(130)})
    assert mlci("run", cwd=tmp_path).code == 0
    found = diff(tmp_path)
    assert [found[end]["name"] for end in "ab"] == ["version 2", "candidate"]
    assert not found["same_rows"]
    assert [found["lineage"]["evaluation"][key] for key in ("added", "removed")] == [30, 0]
    assert found == diff(tmp_path, "production", "candidate") == diff(tmp_path, 2, "candidate")


def test_diff__table(tmp_path):
    two(tmp_path)
    shown = mlci("diff", 1, 2, cwd=tmp_path).out
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[0] == "What changed: code and environment (not known: training data)"
    assert "Metric version 1 version 2 Change" in lines
    assert "Accuracy 0.700 0.900 +0.200" in lines
    assert any(line.endswith("k.txt") for line in lines)


@pytest.mark.parametrize("name", ["7", "x", "-1", "0", "³"])
def test_diff__version_not_found(tmp_path, name):
    ended = mlci("diff", "--", name, "1", cwd=champion(tmp_path, 1))
    assert (ended.code, f"no version {name}; `mlci versions` lists them" in ended.err) == (2, True), ended.err


def test_diff__no_version_or_run(tmp_path):
    repository(tmp_path, 1)
    assert "no version in production yet" in mlci("diff", cwd=tmp_path).err
    assert "`mlci run` writes it" in mlci("diff", "candidate", "candidate", cwd=tmp_path).err


def test_diff__damaged_version(tmp_path):
    two(tmp_path)
    file_of(tmp_path, manifest(tmp_path, 1)["recipe"]["config"]["digest"]).write_text("x")
    ended = mlci("diff", 1, 2, cwd=tmp_path)
    assert (ended.code, "`mlci.yml` of version 1 was truncated or altered" in ended.err) == (4, True), ended.err
