"""The newest entry vouches for every older one that its state names, however long ago that was."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.errors import OutsideError
from mlci.registry import audit, entries, ledger, states, vouching
from mlci.registry.entries import Rollback, State
from mlci.registry.interface import CorruptError, Witness
from tests.registry.histories import Memory, choose, forge, history, promotion, sha, stamp

KINDS = st.sampled_from(["promotion", "rollback", "rescored", "reproduced", "verdict"])
steps = st.lists(st.tuples(KINDS, st.integers(0, 5)), min_size=1, max_size=15)
LONG = 3 * vouching.KEPT + 5


def planted(store: Memory, number: int) -> None:
    """Change an entry and nothing else, so that it still reads."""
    entry = ledger.read(store, number)
    store.kept[number] = entries.dump(entry.model_copy(update={"at": "2020-01-01T00:00:00+00:00"}))


def aged(store: Memory) -> Memory:
    """The same ledger from before states held digests."""
    previous, state = None, State()
    for number in sorted(store.kept):
        entry = ledger.read(store, number)
        state = states.after(state, entry.body, number=number)
        plain = {"previous": previous, "state": state, "writer": None, "reader": None}
        data = entries.dump(entry.model_copy(update=plain))
        store.kept[number], previous = data, sha(data)
    store.seen = Witness(number=max(store.kept), digest=sha(store.kept[max(store.kept)]))
    return store


@pytest.fixture(params=["as it is written", "from before"])
def long(request) -> Memory:
    store = history([("promotion", 0)] * LONG, times=[f"2026-05-01T10:00:00.{at:06d}+00:00" for at in range(LONG)])
    return store if request.param == "as it is written" else aged(store)


@given(steps, st.booleans())
def test_every_entry_that_is_named_is_read_as_it_was(taken, old):
    store = aged(history(taken)) if old else history(taken)
    end = ledger.tail(store)
    for number in vouching.named(end.state):
        assert ledger.named(store, end, number) == ledger.read(store, number)
    assert [entry.number for entry in ledger.back(store, end)] == list(range(len(taken), 0, -1))


@given(steps, st.booleans(), st.data())
def test_every_entry_that_is_named_and_was_changed_is_told(taken, old, data):
    store = aged(history(taken)) if old else history(taken)
    end = ledger.tail(store)
    names = sorted(vouching.named(end.state) - {end.number})
    if not names:
        return
    number = data.draw(st.sampled_from(names))
    planted(store, number)
    with pytest.raises(CorruptError, match=f"entry {number} is not the one that later entries name"):
        ledger.named(store, ledger.tail(store), number)
    with pytest.raises(CorruptError, match=f"entry {number} is not the one"):
        list(ledger.back(store, end))


class Counting(Memory):
    def read(self, number):
        self.reads = [*getattr(self, "reads", []), number]
        return super().read(number)


def test_the_first_of_many_is_a_few_reads_away():
    made = history([("promotion", 0)] * LONG, times=["2026-05-01T10:00:00Z"] * LONG)
    store = Counting(made.kept, files=made.files)
    end = ledger.tail(store)
    store.reads = []
    assert ledger.named(store, end, 1).number == 1
    assert len(store.reads) <= LONG // vouching.KEPT + 2
    store.reads = []
    assert ledger.named(store, end, LONG - vouching.KEPT).number == LONG - vouching.KEPT
    assert len(store.reads) == 1
    store.reads = []
    assert [entry.number for entry in ledger.trusted(store, end, range(1, LONG + 1))] == list(range(LONG, 0, -1))
    assert max(Counter(store.reads).values()) == 1


def test_an_entry_does_not_grow_with_the_versions_that_it_vouches_for():
    store = history([("promotion", 0)] * LONG, times=["2026-05-01T10:00:00Z"] * LONG)
    assert len(ledger.tail(store).state.digests) == vouching.KEPT
    assert len(store.kept[LONG]) - len(store.kept[2 * vouching.KEPT]) < 20 * vouching.KEPT


@pytest.mark.parametrize("number", [1, 2, vouching.KEPT, LONG - vouching.KEPT - 1, LONG - 2, LONG - 1])
def test_any_of_many_that_was_changed_is_told(long, number):
    planted(long, number)
    with pytest.raises(CorruptError, match=f"entry {number} is not the one that later entries name"):
        ledger.named(long, ledger.tail(long), number)


def test_a_change_on_the_way_is_told_and_not_followed(long):
    for number in range(2, LONG):
        planted(long, number)
    with pytest.raises(CorruptError, match="is not the one that later entries name"):
        ledger.named(long, ledger.tail(long), 1)


def test_the_way_back_from_a_roll_back_to_the_first_is_one_read(long):
    ledger.append(long, stamp(), lambda state: Rollback(version=1, replaced=state.champion, reason="r"))
    for _ in range(3):
        ledger.append(long, stamp(), lambda state: choose(state, "verdict", 1))
    digests = ledger.tail(long).state.digests
    assert digests["1"] == sha(long.kept[1])
    assert digests[str(LONG + 1)] == sha(long.kept[LONG + 1])
    assert audit.verify(long).entries == LONG + 4


def test_an_old_ledger_gets_its_digests_with_the_next_entry(long):
    ledger.append(long, stamp(), promotion)
    assert audit.verify(long).entries == LONG + 1
    kept = ledger.tail(long).state.digests
    assert kept == {str(number): sha(long.kept[number]) for number in range(LONG + 1 - vouching.KEPT, LONG + 1)}


def test_an_old_ledger_that_was_changed_is_not_appended_to():
    store = aged(history([("promotion", 0)] * 5))
    planted(store, 2)
    with pytest.raises(CorruptError, match="entry 2 is not the one that later entries name"):
        ledger.append(store, stamp(), promotion)
    assert store.tail() == 5


@pytest.mark.parametrize("digests", [None, {}, {"1": "0" * 64}, {"1": "0" * 64, "2": "0" * 64}])
def test_who_leaves_out_or_invents_digests_is_told_by_verify(digests):
    store = history([("promotion", 0)] * 3)
    last = ledger.read(store, 3)
    store.kept[3] = entries.dump(last.model_copy(update={"state": last.state.model_copy(update={"digests": digests})}))
    store.seen = None
    with pytest.raises(CorruptError, match="entry 3 tells another state"):
        audit.verify(store)


def test_a_history_written_again_consistently_is_only_told_by_the_witness():
    """What no chain can tell; the guarantee's limit, as it is documented."""
    store = history([("promotion", 0)] * 5)
    forge(store, 2, lambda entry: entry.model_copy(update={"at": "2020-01-01T00:00:00+00:00"}))
    with pytest.raises(CorruptError, match="rewritten"):
        ledger.tail(store)
    store.seen = None
    assert audit.verify(store).entries == 5


@pytest.mark.parametrize("number", [0, 6, 99])
def test_an_entry_that_can_not_be_is_missing(number):
    store = history([("promotion", 0)] * 5)
    with pytest.raises(OutsideError, match=f"entry {number} is missing"):
        ledger.named(store, ledger.tail(store), number)
