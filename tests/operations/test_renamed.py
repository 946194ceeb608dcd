"""A configuration whose file or folder was renamed since the baseline's commit."""

from tests.support.project import change, expected_change, files, holdout, mlci, run
from tests.support.registry.lifecycle import IGNORED
from tests.support.repository import commit, git, init, start_branch

CURE = "    baseline: none   # for this pull request only"


def below(folder, contents):
    return {f"{folder}/{name}": text for name, text in contents.items()}


def commit_rename(folder, before, after, contents):
    """Commit files on main, and a change that renames a path."""
    init(folder)
    commit(folder, {".gitignore": IGNORED, **contents})
    start_branch(folder, "change")
    git(folder, "mv", before, after)
    git(folder, "commit", "--quiet", "--message", "rename")
    return folder


def assert_refused(ended, line):
    assert (ended.code, ended.out) == (2, ""), ended.err
    assert line in ended.err
    assert CURE in ended.err
    assert "Traceback" not in ended.err


def test_run__folder_renamed_since_the_reference(tmp_path):
    commit_rename(tmp_path, "models/churn", "models/churn_v2", below("models/churn", files(1)))
    ended = run(tmp_path, "--config", "models/churn_v2/mlci.yml")
    assert_refused(ended, "mlci.yml:14: models/churn_v2 is not at main (a rename of models/churn?), so")


def test_run__outer_folder_renamed_since_the_reference(tmp_path):
    commit_rename(tmp_path, "old", "new", below("old/churn", files(1)))
    assert_refused(run(tmp_path / "new/churn"), "new/churn is not at main (a rename of old/churn?), so")


def test_run__configuration_moved_from_another_folder(tmp_path):
    contents = files(1)
    text = contents.pop("mlci.yml")
    commit_rename(tmp_path, "ci/mlci.yml", "mlci.yml", {**contents, "ci/mlci.yml": text})
    assert_refused(run(tmp_path), "mlci.yml is not at main (a rename of ci/mlci.yml?), so")


def test_run__configuration_renamed_in_its_folder(tmp_path):
    """The baseline's steps are those of the file before the rename, not those of the change."""
    commit_rename(tmp_path, "mlci.yml", "churn.yml", files(1))
    text = (tmp_path / "churn.yml").read_text()
    (tmp_path / "churn.yml").write_text(text.replace("train.py", "other.py"))
    commit(tmp_path, {"other.py": (tmp_path / "train.py").read_text(), "k.txt": "3"})
    git(tmp_path, "rm", "--quiet", "train.py")
    ended = run(tmp_path, "--config", "churn.yml")
    assert change(ended) == expected_change(1, 3)
    assert "baseline: its configuration is mlci.yml, which was renamed to churn.yml" in ended.report["notes"]


def test_run__folder_renamed_since_production(tmp_path):
    """The champion scores new rows in the folder of its own commit."""
    contents = files(1, baseline="production", more="registry: ../registry\n")
    commit_rename(tmp_path, "models/a", "models/b", below("models/a", contents))
    git(tmp_path, "checkout", "--quiet", "main")
    old, new = tmp_path / "models/a", tmp_path / "models/b"
    assert mlci("run", cwd=old).code == 0
    assert mlci("promote", cwd=old).code == 0
    git(tmp_path, "checkout", "--quiet", "change")
    commit(new, {"holdout.csv": holdout(60, first=500), "k.txt": "3"})
    ended = run(new)
    assert change(ended) == expected_change(1, 3), ended.err
