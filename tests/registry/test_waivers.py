"""Waivers in the ledger: recorded once, read for one commit, joined with the verdict of a run and of a promotion."""

import pytest
from pydantic import ValidationError

from mlci.cli.registry_factory import clock
from mlci.errors import InputError
from mlci.operations.registry.waivers import read_waivers, record_waiver
from mlci.registry import entries, ledger, verification
from mlci.registry.entries import WAIVED_HEADS, WAIVERS
from mlci.registry.entry_kinds import Actor
from mlci.registry.registry import Author, Registry
from mlci.registry.stores.snapshot import SnapshotReader, SnapshotWriter
from tests.support.project import mlci, run
from tests.support.registry.histories import Memory, stamp, waiver
from tests.support.registry.lifecycle import bodies, champion, promote, store
from tests.support.repository import commit, git

GATE = "accuracy.max_drop"


def heads(count):
    return [f"{number:040x}" for number in range(count)]


def recorded(memory, **changes):
    return record_waiver(Registry(memory, stamp()), waiver(**changes))


def found(memory, head="a" * 40):
    return read_waivers(Registry(memory).view(), head)


def test_record_waiver__once_for_each_comment():
    memory = Memory()
    assert recorded(memory, comment=7).number == 1
    assert recorded(memory, comment=7) is None
    assert recorded(memory, comment=7, reason="another text of the same comment") is None
    assert recorded(memory, comment=8, until="2099-11-30").number == 2
    assert [one.comment for one in found(memory)] == [7, 8]
    assert recorded(memory).number == 3
    assert recorded(memory) is None


def test_record_waiver__most_of_one_commit():
    memory = Memory()
    for number in range(WAIVERS):
        recorded(memory, comment=number)
    with pytest.raises(InputError, match=f"has {WAIVERS} waivers already"):
        recorded(memory, comment=WAIVERS)
    assert recorded(memory, head="b" * 40).number == WAIVERS + 1


def test_read_waivers__newest_commits():
    memory = Memory()
    for head in heads(WAIVED_HEADS + 2):
        recorded(memory, head=head)
    recorded(memory, head=heads(3)[2], gate="recall.min")
    assert [len(found(memory, head)) for head in heads(4)] == [0, 0, 2, 1]
    assert len(ledger.read_ledger_head(memory).state.waived) == WAIVED_HEADS
    assert verification.verify_ledger(memory).entries == WAIVED_HEADS + 3
    assert max(len(data) for data in memory.kept.values()) < 8_000


def test_read_waivers__of_another_commit_or_none():
    memory = Memory()
    recorded(memory)
    assert found(memory, "b" * 40) == found(memory, None) == found(memory, "") == found(memory, "a" * 7) == ()
    assert read_waivers(None, "a" * 40) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"head": "main"},
        {"head": "A" * 40},
        {"until": "tomorrow"},
        {"until": "2026-12-31T00:00:00+14:00"},
        {"reason": ""},
        {"reason": "x" * 2_001},
        {"gate": ""},
        {"person": ""},
    ],
)
def test_waiver_record__form(changes):
    with pytest.raises(ValidationError):
        waiver(**changes)


def test_dump_entry__line_break_in_a_reason():
    memory = Memory()
    recorded(memory, reason='noise"}\n{"number": 2')
    (data,) = memory.kept.values()
    assert b"\n" not in data
    assert ledger.parse_entry(data, number=1, shown="memory").body.reason == 'noise"}\n{"number": 2'


def test_dump_entry__ledger_without_waivers():
    memory = Memory()
    Registry(memory, stamp()).append(lambda _: None)
    recorded(memory)
    first = ledger.read_entry(memory, 1)
    assert b'"waived":{' in entries.dump_entry(first)
    without = first.model_copy(update={"state": first.state.model_copy(update={"waived": None})})
    assert b'"waived":' not in entries.dump_entry(without).replace(b'"kind":"waived"', b"")


@pytest.fixture(scope="module")
def blocked(tmp_path_factory):
    """A champion, and a checkout of a worse model that its gate blocks."""
    folder = champion(tmp_path_factory.mktemp("blocked"), 1)
    commit(folder, {"k.txt": "3"})
    ended = run(folder)
    assert (ended.code, ended.report["verdict"]) == (1, "block")
    assert ended.report["gates"][0]["waivable"] is True
    return folder


def give(folder, **changes):
    author = Author(by=Actor(actor="dana"), now=clock, nonce=lambda: "n")
    return record_waiver(
        Registry(store(folder), author), waiver(**{"head": git(folder, "rev-parse", "HEAD")} | changes)
    )


def test_run__waived(blocked):
    give(blocked, until="2001-01-01")
    give(blocked, gate="accuracy.min")
    give(blocked, head="b" * 40)
    assert run(blocked).report["verdict"] == "block"
    give(blocked, worst=-1e-6)
    (gate,) = run(blocked).report["gates"]
    assert (gate["outcome"], gate["waivable"]) == ("failed", True)
    text = (blocked / ".mlci/out/comment.md").read_text("utf-8")
    assert text.count("alue is worse than the one that dana waived, whose worse end was -1e-06") == 2
    give(blocked)
    ended = run(blocked)
    (gate,) = ended.report["gates"]
    waived = {"by": "dana", "until": "2099-12-31", "reason": "known label noise"}
    assert (ended.code, ended.report["verdict"], gate["outcome"]) == (0, "warn", "waived")
    assert (gate["waived"], gate["why"], gate["waivable"], gate["blocks"]) == (waived, "beyond_limit", False, False)
    for name in ("comment.md", "summary.md", "report.html", "junit.xml"):
        text = (blocked / ".mlci/out" / name).read_text("utf-8")
        assert "waived by dana until 2099-12-31: known label noise" in text, name
    assert "waived accuracy.max_drop" in mlci("ledger", "log", cwd=blocked).out
    assert mlci("ledger", "verify", cwd=blocked).code == 0


def test_run__after_another_commit(blocked):
    (blocked / "k.txt").write_text("4")
    give(blocked)
    assert run(blocked).report["verdict"] == "block", "uncommitted changes are another model"
    commit(blocked, {"k.txt": "4"})
    assert run(blocked).report["verdict"] == "block", "a new commit has no waiver"


def test_read_waivers__copy_for_a_run_without_a_token(tmp_path):
    memory = Memory()
    for comment in range(3):
        recorded(memory, comment=comment)
    copying = SnapshotWriter(memory, tmp_path)
    copied = read_waivers(Registry(copying).view(), "a" * 40)
    copy = Registry(SnapshotReader(tmp_path, copying.seal())).view()
    assert len(copied) == 3
    assert read_waivers(copy, "a" * 40) == copied


def test_promote__waived_after_the_run(blocked):
    commit(blocked, {"k.txt": "5"})
    assert run(blocked).code == 1
    assert "a gate blocks" in promote(blocked).err + promote(blocked).out
    give(blocked, worst=-1e-6)
    assert "a gate blocks" in promote(blocked).err + promote(blocked).out, "it was waived for a better value"
    give(blocked)
    done = promote(blocked)
    assert done.code == 0, done.err
    assert (bodies(blocked)[-1].kind, bodies(blocked)[-1].version) == ("promotion", 2)


def test_promote__waiver_that_the_ledger_does_not_have(blocked):
    commit(blocked, {"k.txt": "9"})
    give(blocked)
    assert run(blocked).report["verdict"] == "warn"
    give(blocked, until="2001-01-01")
    done = promote(blocked)
    assert done.code == 1
    assert "ended, does not cover its value, or is not in the ledger" in done.err + done.out


def test_gate__reads_the_waivers_itself(blocked):
    commit(blocked, {"k.txt": "8"})
    assert mlci("evaluate", cwd=blocked).code == 0
    assert mlci("gate", cwd=blocked).code == 1
    give(blocked)
    ended = mlci("gate", "--json", cwd=blocked)
    assert (ended.code, ended.report["verdict"]) == (0, "warn")
