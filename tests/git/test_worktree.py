"""Worktrees of a commit: content, variables, and cleaning up."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mlci.errors import OutsideError
from mlci.git.worktree import checked_out, remove_stale
from tests.support.repository import ENVIRONMENT, commit, git, init, open_git


@pytest.fixture
def old(tmp_path):
    """A repository whose first commit differs from its checkout; returns both."""
    folder = init(tmp_path / "repository")
    first = commit(folder, {"train.py": "old\n", "models/mlci.yml": "old\n", ".gitignore": "model.bin\n"})
    commit(folder, {"train.py": "new\n", "added.py": "new\n"})
    (folder / "model.bin").write_text("the candidate's")
    return folder, first


def records(folder):
    return [
        line for line in git(folder, "worktree", "list", "--porcelain").splitlines() if line.startswith("worktree ")
    ]


def test_checked_out__commit_and_nothing_of_the_candidate(old, tmp_path):
    folder, first = old
    with checked_out(open_git(folder / "models"), first, within=tmp_path) as worktree:
        assert not worktree.root.is_relative_to(folder)
        assert sorted(path.name for path in worktree.root.iterdir()) == [".git", ".gitignore", "models", "train.py"]
        assert (worktree.root / "train.py").read_text() == "old\n"
        assert worktree.folder == worktree.root / "models"
        assert worktree.holds("mlci.yml") == worktree.folder / "mlci.yml"
        assert worktree.holds("none.yml") is None
        assert worktree.holds("../../../secret") is None
        assert worktree.notes == ()
        (worktree.root / "model.bin").write_text("the baseline's")
    assert not worktree.root.parent.exists()
    assert records(folder) == [f"worktree {folder}"]
    assert (folder / "model.bin").read_text() == "the candidate's"
    assert git(folder, "status", "--porcelain") == ""


def test_checked_out__configuration_is_a_link(old, tmp_path):
    folder, _ = old
    (folder / "mlci.yml").symlink_to("/etc/passwd")
    git(folder, "add", "mlci.yml")
    git(folder, "commit", "--quiet", "--message", "link")
    with checked_out(open_git(folder), git(folder, "rev-parse", "HEAD"), within=tmp_path) as worktree:
        assert worktree.holds("mlci.yml") is None


def test_checked_out__folder_not_in_the_commit(old, tmp_path):
    folder, first = old
    (folder / "later").mkdir()
    with checked_out(open_git(folder / "later"), first, within=tmp_path) as worktree:
        assert worktree.folder.is_dir()


def test_checked_out__variables_of_the_checkout(old, tmp_path):
    folder, first = old
    variables = {
        "GITHUB_WORKSPACE": str(folder),
        "PWD": str(folder / "models"),
        "PYTHONPATH": f"{folder / 'src'}:/usr/lib/other:",
        "HOME": str(folder),
    }
    with checked_out(open_git(folder, **variables), first, within=tmp_path) as worktree:
        assert worktree.environment == {
            "GITHUB_WORKSPACE": str(worktree.root),
            "PWD": str(worktree.root / "models"),
            "PYTHONPATH": f"{worktree.root / 'src'}:/usr/lib/other:",
        }


def test_checked_out__removed_after_a_failure(old, tmp_path):
    folder, first = old

    def fail(worktree):
        (worktree.root / "sealed").mkdir()
        (worktree.root / "sealed/file").write_text("x")
        (worktree.root / "sealed").chmod(0o500)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), checked_out(open_git(folder), first, within=tmp_path) as worktree:
        fail(worktree)
    assert not worktree.root.parent.exists()
    assert records(folder) == [f"worktree {folder}"]


def test_checked_out__hooks_do_not_run(old, tmp_path):
    folder, first = old
    hook = folder / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    git(folder, "config", "core.hooksPath", str(hook.parent))
    git(folder, "config", "core.fsmonitor", str(hook))
    with checked_out(open_git(folder), first, within=tmp_path):
        assert not (tmp_path / "ran").exists()


def test_checked_out__commit_not_found(old, tmp_path):
    folder, _ = old
    with (
        pytest.raises(OutsideError, match="`git worktree` failed"),
        checked_out(open_git(folder), "0" * 40, within=tmp_path),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["repository"]


KILLED = """
import os, sys, time
from pathlib import Path
from mlci.git.git import Git
from mlci.git.worktree import checked_out
git = Git(folder=Path(sys.argv[1]), environment=os.environ)
with checked_out(git, sys.argv[2], within=Path(sys.argv[3])) as worktree:
    print(worktree.root, flush=True)
    time.sleep(60)
"""


def test_checked_out__leftover_of_a_killed_run(old, tmp_path):
    folder, first = old
    command = [sys.executable, "-c", KILLED, str(folder), first, str(tmp_path)]
    roots, processes = [], []
    for _ in range(2):
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        roots.append(Path(process.stdout.readline().strip()))
    killed, running = processes
    git(folder, "worktree", "add", "--quiet", "--detach", str(tmp_path / "users"), first)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert [root.is_dir() for root in roots] == [True, True]
    remove_stale(open_git(folder))
    assert [root.parent.is_dir() for root in roots] == [False, True]
    assert records(folder) == [f"worktree {folder}", f"worktree {roots[1]}", f"worktree {tmp_path}/users"]
    running.kill()
    running.wait()
    subprocess.run(["rm", "-rf", str(roots[1].parent)], check=True)  # as a cleaner of temporary folders does
    remove_stale(open_git(folder))
    assert records(folder) == [f"worktree {folder}", f"worktree {tmp_path}/users"]
    for process in processes:
        process.stdout.close()


def test_checked_out__submodules_and_pointers(tmp_path):
    folder = init(tmp_path / "repository")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    files = {
        ".gitattributes": "*.bin filter=lfs diff=lfs\n",
        "data.bin": pointer,
        ".gitmodules": "",
        "real.bin": "content",
    }
    with checked_out(open_git(folder), commit(folder, files), within=tmp_path) as worktree:
        pointers = "baseline: Git LFS pointers are in place of content, 1 (first: 'data.bin'); "
        assert worktree.notes == (
            "baseline: submodules are not checked out in its worktree; `train.run` can do it",
            pointers + "set `lfs: true` on actions/checkout",
        )


def test_checked_out__removed_after_sigterm(old, tmp_path):
    folder, first = old
    script = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n" + textwrap.dedent(KILLED)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder), first, str(tmp_path)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        root = Path(process.stdout.readline().strip())
        process.terminate()
        assert process.wait() == 143
    assert not root.parent.exists()
    assert records(folder) == [f"worktree {folder}"]
