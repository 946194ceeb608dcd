"""Retried commands after an append with an unknown outcome: the decision is made once."""

import shutil
from pathlib import Path

import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger, registry
from mlci.registry.errors import UnknownOutcomeError
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.util import atomic_files
from tests.support.project import mlci, run
from tests.support.registry.histories import verdict
from tests.support.registry.lifecycle import bodies, champion, manifest_digest, promote, promote_run, repository, state
from tests.support.repository import commit

WORKFLOW = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/churn",
    "GITHUB_RUN_ID": "71",
    "GITHUB_JOB": "back",
    "GITHUB_ACTION": "__run",
}


@pytest.fixture
def in_doubt(monkeypatch):
    """Let the next append arrive, and hide that it did."""
    real = FolderStore.append

    def once(store, number, entry):
        monkeypatch.setattr(FolderStore, "append", real)
        assert real(store, number, entry)
        raise UnknownOutcomeError(f"whether entry {number} was written is not known")

    return lambda: monkeypatch.setattr(FolderStore, "append", once)


def back(folder, *more, reason="it drifts", **environment):
    return mlci("rollback", "--json", "--reason", reason, *more, cwd=folder, **environment)


@pytest.fixture(scope="module")
def promoted_thrice(tmp_path_factory):
    folder = champion(tmp_path_factory.mktemp("three"), 3)
    for k in (2, 1):
        commit(folder, {"k.txt": str(k)})
        promote_run(folder)
    return folder


@pytest.fixture
def three(promoted_thrice, tmp_path):
    return Path(shutil.copytree(promoted_thrice, tmp_path / "copy"))


@pytest.mark.parametrize("environment", [{}, WORKFLOW], ids=["terminal", "workflow"])
@pytest.mark.parametrize("more", [[], ["--to", 2]], ids=["relative", "absolute"])
def test_rollback__run_again_after_an_unknown_outcome(three, in_doubt, environment, more):
    in_doubt()
    ended = back(three, *more, **environment, **({"GITHUB_RUN_ATTEMPT": "1"} if environment else {}))
    assert ended.code == 4
    assert "Run `mlci rollback --to 2 --reason …`: it writes nothing if version 2 is in production" in ended.err
    assert state(three).champion == 2
    ended = back(three, *more, **environment, **({"GITHUB_RUN_ATTEMPT": "2"} if environment else {}))
    assert (ended.code, ended.report) == (0, {"version": 2, "replaced": 3, "entry": None, "earlier": 4})
    assert (state(three).champion, len(bodies(three))) == (2, 4)


@pytest.mark.parametrize("environment", [{}, WORKFLOW], ids=["terminal", "workflow"])
def test_rollback__another_invocation_after_a_known_outcome(three, environment):
    assert back(three, **environment).report["version"] == 2
    assert back(three, **environment | ({"GITHUB_RUN_ID": "72"} if environment else {})).report["version"] == 1


def test_rollback__run_again_after_another_promotion(three, in_doubt):
    """The earlier attempt is found behind later decisions, and the promotion stays."""
    in_doubt()
    assert back(three, **WORKFLOW).code == 4
    commit(three, {"k.txt": "1", "new": "x"})
    assert promote_run(three) == 4
    ended = back(three, **WORKFLOW, GITHUB_RUN_ATTEMPT="3")
    assert (ended.code, ended.report["version"], ended.report["earlier"]) == (0, 4, 4)
    said = mlci("rollback", "--reason", "it drifts", cwd=three, **WORKFLOW, GITHUB_RUN_ATTEMPT="3")
    assert "version 4 is in production and nothing was written" in said.out


def test_rollback__an_append_that_did_not_arrive(three, monkeypatch):
    real = FolderStore.append

    def lost(store, number, entry):
        monkeypatch.setattr(FolderStore, "append", real)
        raise UnknownOutcomeError("it may or may not have arrived")

    monkeypatch.setattr(FolderStore, "append", lost)
    assert back(three).code == 4
    assert back(three).report == {"version": 2, "replaced": 3, "entry": 4}
    assert back(three).report["version"] == 1


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    """A champion, and the bundle of a better model that waits for its promotion; to be copied."""
    folder = champion(tmp_path_factory.mktemp("waiting"), 3)
    commit(folder, {"k.txt": "2"})
    assert run(folder, "--out", "waits").code == 0
    return folder


@pytest.mark.parametrize("environment", [{}, WORKFLOW], ids=["terminal", "workflow"])
def test_promote__run_again_after_an_unknown_outcome_and_another_promotion(waiting, tmp_path, in_doubt, environment):
    shutil.copytree(waiting, tmp_path, dirs_exist_ok=True)
    in_doubt()
    first = mlci("promote", "--out", "waits", cwd=tmp_path, **environment)
    assert first.code == 4
    assert "Run the command again: it reads the ledger first and recognizes its own entry" in first.err
    commit(tmp_path, {"k.txt": "1"})
    assert run(tmp_path).code == 0
    assert mlci("promote", cwd=tmp_path).code == 0
    again = {**environment, "GITHUB_RUN_ATTEMPT": "2"} if environment else {}
    ended = mlci("promote", "--json", "--out", "waits", cwd=tmp_path, **again)
    assert (ended.code, ended.report["promoted"], ended.report["version"]) == (0, False, 2)
    assert "promoted version 2 (entry 2); version 3 is in production now" in ended.report["notes"][0]
    assert (state(tmp_path).champion, state(tmp_path).versions) == (3, 3)


def test_promote__another_model_in_a_second_attempt(tmp_path):
    """Training again may produce other bytes, which were never promoted."""
    repository(tmp_path, 3)
    promote_run(tmp_path, **WORKFLOW)
    commit(tmp_path, {"k.txt": "2"})
    assert promote_run(tmp_path, **WORKFLOW, GITHUB_RUN_ATTEMPT="2") == 2


def test_promote__reads_the_manifest_of_the_champion_once(three, monkeypatch):
    commit(three, {"k.txt": "0"})
    run(three)
    read, real = [], FolderStore.get
    monkeypatch.setattr(FolderStore, "get", lambda *args: read.append(args[1]) or real(*args))
    assert promote(three, "--again").report["judged_again"] == ["`--again` was given"]
    assert read.count(manifest_digest(three, 3)) == 1


def test_folder_append__flushing_fails_after_the_entry_is_there(tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(atomic_files, "flush_folders", fails)
    store = FolderStore(tmp_path, "model")
    with pytest.raises(UnknownOutcomeError, match="whether it was written to disk is not known"):
        store.append(1, b"x")
    monkeypatch.setattr(atomic_files, "claim_name", fails)
    with pytest.raises(OutsideError) as caught:
        store.append(2, b"x")
    assert not isinstance(caught.value, UnknownOutcomeError)


def test_entries__an_intent_belongs_to_decisions_only(tmp_path):
    from tests.support.registry.histories import Memory, promotion, stamp  # noqa: PLC0415

    store = Memory()
    author = registry.Author(
        by=stamp().by, now=stamp().now, nonce=stamp().nonce, intent=registry.Intent(id="i", repeated=False)
    )
    for body in (lambda _: verdict(), promotion):
        Registry(store, author).append(body)
    assert [entry.intent for entry in ledger.iter_all(store)] == [None, "i"]
