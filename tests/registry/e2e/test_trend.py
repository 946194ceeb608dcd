"""The champion's history of each gated metric, in the report of a real run."""

from tests.support.project import holdout, mlci, run
from tests.support.registry.lifecycle import champion, file_of, manifest_digest, promote_run
from tests.support.repository import commit


def points(ended):
    assert [row["metric"] for row in ended.report["trend"]] == ["accuracy"], ended.err
    return [(point["version"], point["value"], point["same_rows"]) for point in ended.report["trend"][0]["points"]]


def promote_three(folder):
    """Promote models that are wrong on 3, 2 and 1 rows of ten, the first of them on other rows."""
    champion(folder, 3)
    commit(folder, {"k.txt": "2", "holdout.csv": holdout(200)})
    assert promote_run(folder) == 2
    commit(folder, {"k.txt": "1"})
    assert promote_run(folder) == 3
    commit(folder, {"k.txt": "0"})
    return folder


def test_trend__three_versions(tmp_path):
    ended = run(promote_three(tmp_path))
    assert points(ended) == [(1, 0.7, False), (2, 0.8, True), (3, 0.9, True)]
    assert "▁┊▃▆█" in (tmp_path / ".mlci/out/comment.md").read_text()


def test_trend__rolled_back_version(tmp_path):
    promote_three(tmp_path)
    assert mlci("rollback", "--reason", "test", cwd=tmp_path).code == 0
    assert [version for version, _, _ in points(run(tmp_path))] == [1, 2]


def test_trend__rolled_back_version_after_another_promotion(tmp_path):
    promote_three(tmp_path)
    assert mlci("rollback", "--reason", "test", cwd=tmp_path).code == 0
    commit(tmp_path, {"k.txt": "1", "mended": "x"})
    assert promote_run(tmp_path) == 4
    assert [version for version, _, _ in points(run(tmp_path))] == [1, 2, 4]


def test_trend__one_version(tmp_path):
    assert run(champion(tmp_path, 1)).report["trend"] == []


def test_trend__damaged_old_version(tmp_path):
    promote_three(tmp_path)
    file_of(tmp_path, manifest_digest(tmp_path, 1)).unlink()
    ended = run(tmp_path)
    assert ended.code == 0, ended.err
    assert [version for version, _, _ in points(ended)] == [2, 3]
    assert any("the manifest of version 1 is missing" in note for note in ended.report["notes"])
