"""Search of git's history for labels in plain text, and sealing that doubt stops."""

import os

import pytest

from mlci.errors import InputError
from mlci.git.git import Git
from mlci.operations.sealed.label_history import PlainLabels, find_leak
from tests.support.project import BY_FILE, config, holdout, mlci, write
from tests.support.repository import commit, git, init

TABLE, FEATURES, LABELS = holdout(), "id,x\n1,2\n2,3\n", "id,y\n1,0\n2,1\n"
APART = PlainLabels(table="labels.csv", features="h.csv", label="y")


@pytest.fixture
def folder(tmp_path):
    return init(tmp_path / "p")


def leak(folder, plain=APART):
    return find_leak(Git(folder=folder, environment=dict(os.environ)), plain)


def own_table(name):
    return PlainLabels(table=name, features=name, label="y")


def move(folder, old, new):
    git(folder, "mv", old, new)
    git(folder, "commit", "--quiet", "--message", "rename")


def test_find_leak__renamed(folder):
    first = commit(folder, {"old.csv": TABLE})
    move(folder, "old.csv", "new.csv")
    commit(folder, {"new.csv": TABLE + "100,1,1\n"})
    assert first.startswith(leak(folder, own_table("new.csv")))


def test_find_leak__copied_out_of_git(folder):
    first = commit(folder, {"old.csv": TABLE})
    (folder / "copy.csv").write_text(TABLE)
    assert first.startswith(leak(folder, own_table("copy.csv")))


def test_find_leak__label_column_in_earlier_features(folder):
    commit(folder, {"h.csv": FEATURES})
    assert leak(folder) is None
    labelled = commit(folder, {"h.csv": "id,x,y\n1,2,0\n2,3,1\n"})
    commit(folder, {"h.csv": FEATURES})
    assert labelled.startswith(leak(folder))


def test_find_leak__other_branch(folder):
    commit(folder, {"h.csv": FEATURES})
    git(folder, "checkout", "--quiet", "-b", "other")
    other = commit(folder, {"labels.csv": LABELS})
    git(folder, "checkout", "--quiet", "main")
    assert other.startswith(leak(folder))


def test_find_leak__no_repository(tmp_path):
    assert leak(tmp_path) is None


def test_find_leak__git_fails(folder):
    commit(folder, {"h.csv": FEATURES})
    (folder / ".git/HEAD").write_text("damaged")
    with pytest.raises(InputError, match="git can't search the history"):
        leak(folder)


def test_find_leak__shallow_clone(folder, tmp_path):
    commit(folder, {"h.csv": FEATURES})
    commit(folder, {"h.csv": FEATURES + "3,3\n"})
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{folder}", "cut")
    with pytest.raises(InputError, match="git fetch --unshallow"):
        leak(tmp_path / "cut")


def test_seal__committed_after_sealing(folder):
    text = config(baseline="none", **BY_FILE)
    write(folder, {"mlci.yml": text, "holdout.csv": TABLE})
    key, new = folder.parent / "key", folder.parent / "new"
    assert mlci("seal", "--key", key, cwd=folder).code == 0
    named = "data: holdout_features.csv\n  labels: holdout_labels.sealed"
    (folder / "mlci.yml").write_text(text.replace("data: holdout.csv", named))
    assert mlci("seal", "--check", cwd=folder).code == 0
    late = commit(folder, {"holdout.csv": TABLE})
    (folder / "holdout.csv").unlink()
    check = mlci("seal", "--check", cwd=folder)
    assert (check.code, f"commit {late[:7]}" in check.err) == (2, True)
    assert mlci("seal", "--rotate", "--key", new, cwd=folder, MLCI_LABEL_KEY=key.read_text()).code == 0
    assert f"in-history: {late[:7]}" in (folder / "holdout_labels.sealed").read_text()
    assert f"commit {late[:7]}" in mlci("seal", "--check", cwd=folder).out
