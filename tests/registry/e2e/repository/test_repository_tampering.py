"""Changes to the branch by git: detected, named, and reverted by the command in the message."""

import re
import subprocess

import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger, verification
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from tests.registry.e2e.repository.place import BRANCH, WHO, WITNESS, git, hasty
from tests.support.registry.histories import sha, stamp, verdict


def append(store):
    return Registry(store, stamp()).append(lambda _: verdict())


def cut_back(place):
    place.git("update-ref", BRANCH, f"{BRANCH}~2")


def rewrite_entry(place):
    """Another entry 3, and all commits of it new; as long as before."""

    def change(clone):
        path = clone / place.entry(3)
        path.write_bytes(path.read_bytes().replace(b'"actor":"3"', b'"actor":"x"'))

    place.edit(change, "--amend", force=True)


def amend_commit(place):
    """The same entries in another commit."""
    place.edit(lambda _: None, "--amend", force=True)


def replace_history(place):
    tree = place.git("rev-parse", f"{BRANCH}^{{tree}}")
    place.git("update-ref", BRANCH, place.git(*WHO, "commit-tree", tree, "-m", "squashed"))


def delete_branch(place):
    place.git("update-ref", "-d", BRANCH)


def change_old_entry(place):
    def change(clone):
        path = clone / place.entry(1)
        path.write_bytes(path.read_bytes().replace(b'"actor":"1"', b'"actor":"x"'))

    place.edit(change)


def remove_old_entry(place):
    place.edit(lambda clone: (clone / place.entry(1)).unlink())


def move_old_entry(place):
    place.edit(lambda clone: (clone / place.entry(1)).rename(clone / "old.json"))


def change_and_cover_up(place):
    """Change an entry below a commit that looks like mlci's."""
    change_old_entry(place)
    place.edit(lambda clone: (clone / place.entry(4)).write_text("{}"))


DONE = {
    cut_back: "ends at entry 1, but entry 3 was there",
    rewrite_entry: "branch was rewritten",
    amend_commit: "branch was rewritten",
    replace_history: "branch was rewritten",
    delete_branch: "ends at entry 0, but entry 3 was there",
    change_old_entry: r"ledger/000000001\.json was modified",
    remove_old_entry: r"ledger/000000001\.json was removed",
    move_old_entry: r"ledger/000000001\.json was renamed",
    change_and_cover_up: r"ledger/000000001\.json was modified",
}


@pytest.mark.parametrize("change", DONE, ids=lambda change: change.__name__)
def test_read_ledger_head__tampered_branch(fresh, change):
    place = fresh(3)
    working = place.store(patience=hasty())
    ledger.read_ledger_head(working)
    change(place)
    for store in (place.store(patience=hasty()), working):
        for look in (lambda s=store: ledger.read_ledger_head(s), lambda s=store: append(s)):
            with pytest.raises(CorruptError, match=DONE[change]):
                look()
    with pytest.raises(CorruptError):
        list(ledger.iter_all(place.store(patience=hasty())))


@pytest.mark.parametrize("change", [rewrite_entry, replace_history, change_old_entry], ids=lambda it: it.__name__)
def test_read_ledger_head__command_that_restores_the_branch(fresh, change):
    place = fresh(3)
    change(place)
    with pytest.raises(CorruptError) as caught:
        ledger.read_ledger_head(place.store())
    commands = re.search(r"git fetch origin .*", str(caught.value))[0]
    clone = place.clone()
    subprocess.run(commands, shell=True, cwd=clone, check=True, capture_output=True)  # noqa: S602 - as a person would
    assert verification.verify_ledger(place.store()).entries == 3
    assert append(place.store()).number == 4


def test_read_ledger_head__other_file_edited(fresh):
    place = fresh(3)
    working = place.store()
    ledger.read_ledger_head(working)
    place.edit(lambda clone: (clone / "README.md").write_text("another text"))
    assert ledger.read_ledger_head(place.store()).number == 3
    assert append(working).number == 4
    assert append(place.store()).number == 5
    assert verification.verify_ledger(place.store()).entries == 5
    assert place.git("show", f"{BRANCH}:README.md") == "another text"


def test_read_ledger_head__ledger_is_a_file(place):
    def change(clone):
        for path in (clone / "ledger").iterdir():
            path.unlink()
        (clone / "ledger").rmdir()
        (clone / "ledger").write_text("x")

    place.filled(1)
    place.git("update-ref", "-d", WITNESS)
    place.edit(change)
    with pytest.raises(CorruptError, match="`ledger` on the branch mlci/model is not a folder"):
        place.store().tail()


def test_append__missing_entry_is_not_filled(place):
    store = place.store()
    for number in (1, 2, 4):
        assert store.append(number, b"%d" % number)
    with pytest.raises(CorruptError, match="entry 3 is missing"):
        place.store().append(3, b"3")


def test_append__no_checkpoint(place):
    place.filled(2)
    place.git("update-ref", "-d", WITNESS)
    assert [one.number for one in verification.verify_ledger(place.store()).findings] == [0]
    assert append(place.store()).number == 3
    assert place.git("rev-parse", WITNESS) == place.git("rev-parse", BRANCH)


def test_append__checkpoint_behind(fresh):
    place = fresh(3)
    store = place.store()
    place.git("update-ref", WITNESS, f"{BRANCH}~2")
    assert ledger.read_ledger_head(place.store()).number == 3
    assert append(store).number == 4
    assert place.git("rev-parse", WITNESS) == place.git("rev-parse", BRANCH)


def test_append__branch_deleted_meanwhile(place):
    store = place.filled(1)
    newest = place.git("rev-parse", BRANCH)
    ledger.read_ledger_head(store)
    delete_branch(place)
    with pytest.raises(CorruptError, match=f"was deleted.*git push --force origin {newest}:refs/heads/mlci/model"):
        store.append(2, b"x")


def test_append__push_forbidden_by_a_rule(place):
    store = place.filled(1)
    place.fake.fail("PATCH", "/git/refs/heads/mlci/model", status=422, times=0)
    place.fake.forget_requests()
    with pytest.raises(OutsideError, match="does not let mlci move refs/heads/mlci/model"):
        append(store)
    assert len(place.asked()) < 10


def test_read_ledger_head__answer_older_than_the_checkpoint(fresh):
    place = fresh(3)
    old = place.git("rev-parse", f"{BRANCH}~1")
    new = place.git("rev-parse", BRANCH)
    place.git("update-ref", BRANCH, old)
    catches_up = hasty(sleep=lambda _: place.git("update-ref", BRANCH, new))
    assert ledger.read_ledger_head(place.store(patience=catches_up)).number == 3
    place.fake.fail("GET", "/commits/heads/mlci/model", status=404)
    assert ledger.read_ledger_head(place.store(patience=hasty())).number == 3


def test_read_ledger_head__false_404(fresh):
    place = fresh(2)
    place.fake.fail("GET", "/commits/heads/mlci/model", status=404, times=0)
    with pytest.raises(CorruptError, match="ends at entry 0, but entry 2 was there"):
        ledger.read_ledger_head(place.store(patience=hasty()))
    with pytest.raises(CorruptError):
        append(place.store(patience=hasty()))
    assert place.git("rev-list", "--count", BRANCH) == "2"


def test_read_ledger_head__entry_with_other_bytes(place):
    """The branch is correct, GitHub's answer is not."""
    place.filled(2)
    store = place.store()
    store.tail()
    store._records._pages.pushed(None, place.git("rev-parse", BRANCH), 2, b"{}")
    with pytest.raises(CorruptError, match="entry 2"):
        ledger.read_ledger_head(store)
    assert sha(store.read(2)) == sha(b"{}")


def test_clone__does_not_include_the_checkpoint(place):
    place.filled(1)
    clone = place.clone()
    assert "mlci/witness" not in git(clone, "for-each-ref")
