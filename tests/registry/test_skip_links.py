"""Skip links: the newest entry verifies every older one that its state names, however old it is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.errors import OutsideError
from mlci.registry import entries, ledger, verification
from mlci.registry.entry_kinds import Rollback
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from tests.support.registry.histories import (
    Memory,
    change_entry,
    choose,
    forge,
    history,
    promotion,
    remove_digests,
    sha,
    stamp,
)

KINDS = st.sampled_from(["promotion", "rollback", "rescored", "reproduced", "verdict"])
steps = st.lists(st.tuples(KINDS, st.integers(0, 5)), min_size=1, max_size=15)
LONG = 3 * entries.LINKED + 5


@pytest.fixture(params=["as it is written", "from before"])
def long(request) -> Memory:
    store = history([("promotion", 0)] * LONG, times=[f"2026-05-01T10:00:00.{at:06d}+00:00" for at in range(LONG)])
    return store if request.param == "as it is written" else remove_digests(store)


@given(steps, st.booleans())
def test_read_verified__every_linked_entry(taken, old):
    store = remove_digests(history(taken)) if old else history(taken)
    end = ledger.read_ledger_head(store)
    for number in entries.linked_entries(end.state):
        assert ledger.read_verified(store, end, number) == ledger.read_entry(store, number)
    assert [entry.number for entry in ledger.iter_newest_first(store, end)] == list(range(len(taken), 0, -1))


@given(steps, st.booleans(), st.data())
def test_read_verified__linked_entry_changed(taken, old, data):
    store = remove_digests(history(taken)) if old else history(taken)
    end = ledger.read_ledger_head(store)
    names = sorted(entries.linked_entries(end.state) - {end.number})
    if not names:
        return
    number = data.draw(st.sampled_from(names))
    change_entry(store, number)
    with pytest.raises(CorruptError, match=f"entry {number} is not the one that later entries name"):
        ledger.read_verified(store, ledger.read_ledger_head(store), number)
    with pytest.raises(CorruptError, match=f"entry {number} is not the one"):
        list(ledger.iter_newest_first(store, end))


class Counting(Memory):
    def read(self, number):
        self.reads = [*getattr(self, "reads", []), number]
        return super().read(number)


def test_read_verified__first_of_many_in_few_reads():
    first = history([("promotion", 0)] * LONG, times=["2026-05-01T10:00:00Z"] * LONG)
    store = Counting(first.kept, files=first.files)
    end = ledger.read_ledger_head(store)
    store.reads = []
    assert ledger.read_verified(store, end, 1).number == 1
    assert len(store.reads) <= LONG // entries.LINKED + 2
    store.reads = []
    assert ledger.read_verified(store, end, LONG - entries.LINKED).number == LONG - entries.LINKED
    assert len(store.reads) == 1
    store.reads = []
    assert [entry.number for entry in ledger.iter_verified(store, end, range(1, LONG + 1))] == list(range(LONG, 0, -1))
    assert max(Counter(store.reads).values()) == 1


def test_state_digests__bounded():
    store = history([("promotion", 0)] * LONG, times=["2026-05-01T10:00:00Z"] * LONG)
    assert len(ledger.read_ledger_head(store).state.digests) == entries.LINKED
    assert len(store.kept[LONG]) - len(store.kept[2 * entries.LINKED]) < 20 * entries.LINKED


@pytest.mark.parametrize("number", [1, 2, entries.LINKED, LONG - entries.LINKED - 1, LONG - 2, LONG - 1])
def test_read_verified__any_of_many_changed(long, number):
    change_entry(long, number)
    with pytest.raises(CorruptError, match=f"entry {number} is not the one that later entries name"):
        ledger.read_verified(long, ledger.read_ledger_head(long), number)


def test_read_verified__changed_entry_in_between(long):
    for number in range(2, LONG):
        change_entry(long, number)
    with pytest.raises(CorruptError, match="is not the one that later entries name"):
        ledger.read_verified(long, ledger.read_ledger_head(long), 1)


def test_read_verified__one_read_after_a_rollback(long):
    Registry(long, stamp()).append(lambda state: Rollback(version=1, replaced=state.champion, reason="r"))
    for _ in range(3):
        Registry(long, stamp()).append(lambda state: choose(state, "verdict", 1))
    digests = ledger.read_ledger_head(long).state.digests
    assert digests["1"] == sha(long.kept[1])
    assert digests[str(LONG + 1)] == sha(long.kept[LONG + 1])
    assert verification.verify_ledger(long).entries == LONG + 4


def test_append_entry__adds_digests_to_an_old_ledger(long):
    Registry(long, stamp()).append(promotion)
    assert verification.verify_ledger(long).entries == LONG + 1
    kept = ledger.read_ledger_head(long).state.digests
    assert kept == {str(number): sha(long.kept[number]) for number in range(LONG + 1 - entries.LINKED, LONG + 1)}


def test_append_entry__old_ledger_changed():
    store = remove_digests(history([("promotion", 0)] * 5))
    change_entry(store, 2)
    with pytest.raises(CorruptError, match="entry 2 is not the one that later entries name"):
        Registry(store, stamp()).append(promotion)
    assert store.tail() == 5


@pytest.mark.parametrize("digests", [None, {}, {"1": "0" * 64}, {"1": "0" * 64, "2": "0" * 64}])
def test_verify_ledger__missing_or_invented_digests(digests):
    store = history([("promotion", 0)] * 3)
    last = ledger.read_entry(store, 3)
    store.kept[3] = entries.dump_entry(
        last.model_copy(update={"state": last.state.model_copy(update={"digests": digests})})
    )
    store.seen = None
    with pytest.raises(CorruptError, match="entry 3 has another state"):
        verification.verify_ledger(store)


def test_read_ledger_head__consistent_rewrite_found_by_the_checkpoint_alone():
    """The documented limit of the guarantee: the chain alone cannot detect it."""
    store = history([("promotion", 0)] * 5)
    forge(store, 2, lambda entry: entry.model_copy(update={"at": "2020-01-01T00:00:00+00:00"}))
    with pytest.raises(CorruptError, match="rewritten"):
        ledger.read_ledger_head(store)
    store.seen = None
    assert verification.verify_ledger(store).entries == 5


@pytest.mark.parametrize("number", [0, 6, 99])
def test_read_verified__number_out_of_range(number):
    store = history([("promotion", 0)] * 5)
    with pytest.raises(OutsideError, match=f"entry {number} is missing"):
        ledger.read_verified(store, ledger.read_ledger_head(store), number)
