"""SIGKILL at every write of promote, rollback and run --record: the old state or the new one, and both usable."""

import shutil

import pytest

from mlci.operations.bundle import read_bundle
from mlci.registry.verification import verify_registry
from tests.support.project import mlci
from tests.support.registry.killed import DEAD, ENDED, Deaths
from tests.support.registry.lifecycle import bodies, champion, promote_run, state, store
from tests.support.repository import commit


@pytest.fixture(scope="module")
def deaths():
    found = Deaths()
    yield found
    found.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Two versions, the better one in production, and a bundle that is better still."""
    folder = champion(tmp_path_factory.mktemp("killed"), 3)
    for k in (2, 1):
        commit(folder, {"k.txt": str(k)})
        assert promote_run(folder) == 4 - k if k == 2 else mlci("run", cwd=folder).code == 0
    return folder


def every(deaths, folder, *arguments, check):
    """Kill a command at each of its writes, and hold what is left against ``check``."""
    whole = folder / ".mlci"
    saved = folder.with_name("saved")
    shutil.rmtree(saved, ignore_errors=True)
    shutil.copytree(whole, saved)
    before = len(bodies(folder))
    known = deaths.run(folder, *arguments, below=whole)
    assert (known["how"], known["code"]) == (ENDED, 0)
    after = len(bodies(folder))
    assert after == before + 1
    seen = {"old": 0, "new": 0}
    for at in range(1, known["count"] + 1):
        for half in (False, True):
            shutil.rmtree(whole)
            shutil.copytree(saved, whole)
            ended = deaths.run(folder, *arguments, below=whole, at=at, half=half)
            if half and ended["how"] == ENDED:
                continue  # not a write of bytes
            assert ended["how"] == DEAD
            verify_registry(store(folder), contents=True)
            left = len(bodies(folder))
            assert left in {before, after}
            seen["old" if left == before else "new"] += 1
            again = mlci(*arguments, cwd=folder)
            assert again.code == 0, (at, half, again.err)
            verify_registry(store(folder), contents=True)
            check()
    shutil.rmtree(whole)
    shutil.copytree(saved, whole)
    return seen


def test_promote__killed_at_every_write(deaths, project):
    def check():
        assert state(project).champion == 3
        assert [body.kind for body in bodies(project)] == ["promotion"] * 3

    seen = every(deaths, project, "promote", check=check)
    assert seen["old"] > 20
    assert seen["new"] >= 3


def test_rollback__killed_at_every_write(deaths, project):
    def check():
        assert state(project).champion == 1
        assert [body.kind for body in bodies(project)] == ["promotion", "promotion", "rollback"]

    seen = every(deaths, project, "rollback", "--to", "1", "--reason", "it drifts", check=check)
    assert seen["old"] >= 3
    assert seen["new"] >= 3


def test_run__killed_while_writing_the_bundle(deaths, project):
    out = project / ".mlci/out"
    known = deaths.run(project, "run", below=out)
    assert (known["how"], known["code"]) == (ENDED, 0)
    seen = set()
    for at in range(1, known["count"] + 1):
        assert deaths.run(project, "run", below=out, at=at)["how"] == DEAD
        there = (out / "bundle").exists()
        seen.add(there)
        if there:
            assert read_bundle(out).content.model == "planted"
    assert seen == {False, True}
    assert mlci("run", cwd=project).code == 0
    assert [path.name for path in out.iterdir() if path.name.startswith(".mlci-bundle")] == []


def test_run__killed_while_recording(deaths, project):
    """Counts the ledger's writes only."""
    registry = project / ".mlci/registry"
    before = len(bodies(project))
    saved = project.with_name("saved-registry")
    shutil.copytree(registry, saved)
    known = deaths.run(project, "run", "--record", "--no-bundle", below=registry)
    assert (known["how"], known["code"]) == (ENDED, 0)
    for at in range(1, known["count"] + 1):
        shutil.rmtree(registry)
        shutil.copytree(saved, registry)
        assert deaths.run(project, "run", "--record", "--no-bundle", below=registry, at=at)["how"] == DEAD
        verify_registry(store(project), contents=True)
        assert len(bodies(project)) in {before, before + 1}
    assert mlci("run", "--record", cwd=project).code == 0
    assert list(state(project).uses.values()) == [1]
    assert mlci("promote", cwd=project).code == 0
