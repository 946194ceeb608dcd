"""Resolving a reference to a commit."""

import pytest

from mlci.errors import InputError
from mlci.git.refs import CommitHead, main_branch, read_head, resolve_ref, unborn_branch
from tests.support.repository import commit, git, init, open_git


@pytest.fixture
def two(tmp_path):
    """A repository with main and a branch that is one commit ahead and checked out."""
    folder = init(tmp_path / "repository")
    first = commit(folder, {"train.py": "print(1)\n"})
    git(folder, "tag", "--annotate", "v1", "--message", "one")
    git(folder, "switch", "--quiet", "--create", "feature/x")
    second = commit(folder, {"train.py": "print(2)\n"})
    return folder, first, second


def resolve_error(folder, ref):
    with pytest.raises(InputError) as raised:
        resolve_ref(open_git(folder), ref)
    return str(raised.value)


def test_resolve_ref__branch_tag_and_hash(two):
    folder, first, second = two
    for ref in ("main", "v1", first, first[:10], "HEAD~1", "feature/x~1", "refs/heads/main"):
        found = resolve_ref(open_git(folder), ref)
        assert (found.commit, found.same_commit, found.notes) == (first, False, ())
    assert resolve_ref(open_git(folder), "HEAD").commit == second


def test_resolve_ref__same_commit(two):
    folder, _, second = two
    (folder / "untracked").write_text("x")
    found = resolve_ref(open_git(folder), "feature/x")
    assert found.same_commit
    assert found.notes == (
        f"baseline and candidate are the same commit ({second[:7]}): nothing changed, so no change can show",
    )
    (folder / "train.py").write_text("print(3)\n")
    assert not resolve_ref(open_git(folder), "feature/x").same_commit


def test_resolve_ref__branch_of_origin(two, tmp_path):
    folder, first, _ = two
    git(tmp_path, "clone", "--quiet", str(folder), "clone")  # feature/x is checked out, main stays at origin
    assert resolve_ref(open_git(tmp_path / "clone"), "main").commit == first


def test_resolve_ref__local_and_remote_main_differ(two, tmp_path):
    folder, first, second = two
    git(tmp_path, "clone", "--quiet", str(folder), "clone")
    git(tmp_path / "clone", "branch", "main", second)
    found = resolve_ref(open_git(tmp_path / "clone"), "main")
    assert found.commit == second
    assert found.notes[0] == (
        f"baseline: main is {second[:7]} in this clone and {first[:7]} at origin; {second[:7]} was taken"
    )


def test_resolve_ref__shallow_clone(two, tmp_path):
    folder, first, _ = two
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{folder}", "shallow")
    for ref in ("main", first, "HEAD~1"):
        assert resolve_error(tmp_path / "shallow", ref) == (
            f"`baseline.ref: {ref}` is not in this clone, which is shallow (it holds the last commit only); "
            "let the workflow fetch the whole history:\n"
            "      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1\n"
            "        with:\n          fetch-depth: 0"
        )


def test_resolve_ref__misspelt_branch(two):
    assert (
        resolve_error(two[0], "mian")
        == "`baseline.ref: mian` names no branch, tag or commit of this clone; did you mean `main`?"
    )
    assert resolve_error(two[0], "zzz").endswith("run `git fetch origin zzz` first")


@pytest.mark.parametrize(
    "ref", ["", "-", "--output=/x", "-n1", " main", "ma\nin", "main\x00", "main:train.py", "main^{tree}"]
)
def test_resolve_ref__invalid_reference(two, ref):
    assert "`baseline.ref: " in resolve_error(two[0], ref)


def test_resolve_ref__outside_of_git(tmp_path):
    assert "needs a git checkout" in resolve_error(tmp_path, "main")
    assert read_head(open_git(tmp_path)) is None
    assert read_head(open_git(tmp_path, PATH=str(tmp_path))) is None  # no git at all
    assert read_head(open_git(init(tmp_path / "empty"))) is None  # no commit yet


def test_read_head__changes(two):
    folder, _, second = two
    assert read_head(open_git(folder)) == CommitHead(commit=second, dirty=False)
    (folder / "new").write_text("x")
    assert read_head(open_git(folder)) == CommitHead(commit=second, dirty=False)
    (folder / "train.py").write_text("changed\n")
    assert read_head(open_git(folder)) == CommitHead(commit=second, dirty=True)


def test_resolve_ref__git_variables_are_ignored(two, tmp_path):
    folder, first, _ = two
    other = init(tmp_path / "other")
    commit(other, {"a": "b"})
    elsewhere = open_git(folder, GIT_DIR=str(other / ".git"), GIT_WORK_TREE=str(other))
    assert resolve_ref(elsewhere, "main").commit == first


def test_resolve_ref__replaced_objects_are_not_followed(two):
    folder, first, second = two
    git(folder, "replace", first, second)
    assert resolve_ref(open_git(folder), "main").commit == first


def test_main_branch__default_of_origin_first(two, tmp_path):
    folder, _, _ = two
    assert main_branch(open_git(folder)) == "main"
    git(folder, "branch", "trunk")
    git(folder, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert main_branch(open_git(folder)) == "trunk"


def test_main_branch__none(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main_branch(open_git(tmp_path)) is None  # outside of git
    assert main_branch(open_git(init(empty))) is None  # before the first commit
    commit(empty, {"a": "1"})
    git(empty, "branch", "--move", "trunk")
    assert main_branch(open_git(empty)) == "trunk"
    git(empty, "branch", "topic")
    assert main_branch(open_git(empty)) is None


def test_unborn_branch__before_the_first_commit_alone(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    assert unborn_branch(open_git(tmp_path)) is None  # outside of git
    assert unborn_branch(open_git(init(folder))) == "main"
    commit(folder, {"a": ""})
    assert unborn_branch(open_git(folder)) is None
    git(folder, "checkout", "--quiet", "--orphan", "other")
    assert unborn_branch(open_git(folder)) is None
