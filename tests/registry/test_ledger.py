"""The ledger's rules: random histories are valid, and every change to one is detected and named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.errors import OutsideError
from mlci.registry import entries, ledger, verification
from mlci.registry.entries import MOST_BYTES, Entry, LedgerState
from mlci.registry.entry_kinds import Actor, PredictionsAdded, Promotion, ReproductionRecorded, Rollback
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Checkpoint
from tests.support.registry.histories import DIGEST, Memory, choose, forge, history, promotion, stamp, verdict

KINDS = [
    "verdict",
    "promotion",
    "rollback",
    "rescored",
    "reproduced",
    "waived",
    "probed",
    "look",
    "monitored",
    "erased",
    "drilled",
]
steps = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 5)), min_size=1, max_size=12)
FIVE = [("promotion", 0), ("verdict", 1), ("promotion", 0), ("rollback", 0), ("verdict", 2)]
ONE = LedgerState(champion=1, versions=1, decided=1, promoted={"1": 1})
TWO = LedgerState(champion=2, versions=2, decided=2, promoted={"1": 1, "2": 2})


def five() -> Memory:
    return history(FIVE)


def walk_error(store) -> str:
    """Return the error of a walk through a damaged ledger."""
    with pytest.raises(CorruptError) as found:
        verification.verify_ledger(store)
    return str(found.value)


class TestHistories:
    @given(steps)
    def test_verify_ledger__any_history(self, taken):
        store = history(taken)
        verified = verification.verify_ledger(store)
        assert (verified.entries, verified.findings) == (len(taken), ())
        end = ledger.read_ledger_head(store)
        assert end.number == len(taken)
        assert store.read_checkpoint() == Checkpoint(number=end.number, digest=end.digest)

    @given(steps)
    def test_ledger_state__follows_from_the_entries(self, taken):
        seen = list(ledger.iter_all(history(taken)))
        state = seen[-1].state
        decisions = [entry for entry in seen if entry.body.kind in {"promotion", "rollback"}]
        promotions = [entry for entry in seen if entry.body.kind == "promotion"]
        assert state.versions == len(promotions)
        assert state.champion == (decisions[-1].body.version if decisions else None)
        assert state.decided == (decisions[-1].number if decisions else 0)
        assert state.promoted == {str(entry.body.version): entry.number for entry in promotions}
        assert sum(state.uses.values()) == sum(entry.body.kind in {"verdict", "look"} for entry in seen)

    @given(steps)
    def test_dump_entry__one_canonical_form(self, taken):
        store = history(taken)
        for number, data in store.kept.items():
            assert entries.dump_entry(ledger.parse_entry(data, number=number, shown="x")) == data
            spaced = json.dumps(json.loads(data)).encode()
            with pytest.raises(CorruptError, match=f"entry {number} is damaged"):
                ledger.parse_entry(spaced, number=number, shown="x")

    @given(steps, st.data())
    def test_verify_ledger__any_flipped_bit(self, taken, data):
        store = history(taken)
        number = data.draw(st.integers(1, len(taken)))
        kept = bytearray(store.kept[number])
        bit = data.draw(st.integers(0, 8 * len(kept) - 1))
        kept[bit // 8] ^= 1 << bit % 8
        store.kept[number] = bytes(kept)
        said = walk_error(store)
        assert any(f"entry {name}" in said for name in (number, number + 1)), said

    @given(steps, st.data())
    def test_verify_ledger__any_rewritten_history(self, taken, data):
        store = history(taken)
        number = data.draw(st.integers(1, len(taken)))
        forge(store, number, lambda entry: entry.model_copy(update={"at": "2026-05-01T23:59:59+00:00"}))
        assert f"entry {len(taken)} is not the one that was there before: it was rewritten" in walk_error(store)
        with pytest.raises(CorruptError, match="rewritten"):
            ledger.read_ledger_head(store)


class TestDamage:
    def test_verify_ledger__every_bit_of_an_entry(self):
        store = five()
        whole = dict(store.kept)
        for bit in range(8 * len(whole[3])):
            changed = bytearray(whole[3])
            changed[bit // 8] ^= 1 << bit % 8
            store.kept = {**whole, 3: bytes(changed)}
            said = walk_error(store)
            assert "entry 3" in said or "entry 4 does not follow" in said

    @pytest.mark.parametrize("number", range(1, 6))
    def test_verify_ledger__entry_truncated_at_every_byte(self, number):
        store = five()
        whole = store.kept[number]
        for length in range(len(whole)):
            store.kept[number] = whole[:length]
            assert f"entry {number}" in walk_error(store)

    @pytest.mark.parametrize("number", range(1, 5))
    def test_verify_ledger__missing_entry(self, number):
        store = five()
        del store.kept[number]
        assert f"entry {number} is missing" in walk_error(store)

    @pytest.mark.parametrize("first", range(1, 6))
    def test_verify_ledger__end_cut_off(self, first):
        store = five()
        for number in range(first, 6):
            del store.kept[number]
        said = f"ends at entry {first - 1}, but entry 5 was there: it was cut back"
        assert said in walk_error(store)
        with pytest.raises(CorruptError, match=said):
            ledger.read_ledger_head(store)

    @pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 3), (4, 5), (1, 5)])
    def test_verify_ledger__two_entries_swapped(self, one, other):
        store = five()
        store.kept[one], store.kept[other] = store.kept[other], store.kept[one]
        said = walk_error(store)
        assert f"entry {one} is damaged" in said or f"entry {other} is not the one" in said

    def test_verify_ledger__two_entries_swapped_with_their_numbers(self):
        store = five()
        two, three = (ledger.read_entry(store, number) for number in (2, 3))
        store.kept[2] = entries.dump_entry(three.model_copy(update={"number": 2}))
        store.kept[3] = entries.dump_entry(two.model_copy(update={"number": 3}))
        assert "entry 2 does not follow the one before it" in walk_error(store)

    def test_verify_ledger__entry_with_another_state(self):
        store = five()
        del store.kept[5]
        four = ledger.read_entry(store, 4)
        store.kept[4] = entries.dump_entry(four.model_copy(update={"state": TWO}))
        store.seen = None
        assert "entry 4 has another state" in walk_error(store)

    def test_verify_ledger__impossible_rollback(self):
        store = five()
        four = ledger.read_entry(store, 4)
        body = Rollback(version=7, replaced=2, reason="to none")
        store.kept[4] = entries.dump_entry(four.model_copy(update={"body": body}))
        assert "entry 4 can't be: roll-back from 2 to 7" in walk_error(store)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda text: text.replace('"number":3', '"number":4'), "entry 3 is damaged"),
            (lambda text: text.replace('"number":3', '"number":3,"number":3'), "entry 3 is damaged"),
            (lambda text: text.replace('"at"', '"extra":1,"at"'), "Extra inputs are not permitted"),
            (lambda text: text.replace('"decided":3', '"decided":NaN'), "entry 3 is damaged"),
            (lambda text: text.replace("mlci/ledger/1", "mlci/ledger/2"), "mlci/ledger/1"),
            (lambda text: text + "\n", "entry 3 is damaged"),
            (lambda _: "[" * 100_000, "entry 3 is damaged"),
            (lambda _: "", "entry 3 is damaged"),
            (lambda text: text + " " * MOST_BYTES, "an entry may have 262,144"),
        ],
    )
    def test_verify_ledger__content_no_writer_produces(self, change, said):
        store = five()
        store.kept[3] = change(store.kept[3].decode()).encode()
        assert said in walk_error(store)

    def test_read_ledger_head__all_entries_deleted(self):
        store = five()
        store.kept = {}
        with pytest.raises(CorruptError, match="ends at entry 0, but entry 5 was there"):
            ledger.read_ledger_head(store)

    def test_read_ledger_head__reads_no_other_entry(self):
        store = five()
        for number in range(1, 5):
            store.kept[number] = b"rubbish"
        assert ledger.read_ledger_head(store).number == 5


class TestFindings:
    def test_verify_ledger__clock_runs_backwards(self):
        times = [f"2026-05-01T10:{minute:02d}:00+00:00" for minute in (0, 9, 4, 5, 10)]
        found = verification.verify_ledger(history(FIVE, times=times)).findings
        assert [(one.number, "before that of entry 2" in one.message) for one in found] == [(3, True), (4, True)]
        assert "0:05:00" in found[0].message

    @pytest.mark.parametrize("at", ["", "yesterday", "2026-05-01T10:00:00", "2026-13-01T10:00:00Z", "9" * 2000])
    def test_verify_ledger__unreadable_time(self, at):
        found = verification.verify_ledger(history(FIVE[:2], times=["2026-05-01T10:00:00Z", at])).findings
        assert [one.number for one in found] == [2]
        assert "can't be read" in found[0].message

    def test_verify_ledger__time_zones(self):
        times = ["2026-05-01T10:00:00Z", "2026-05-01T12:00:01+02:00", "2026-05-01T05:00:02-05:00"]
        assert verification.verify_ledger(history(FIVE[:3], times=times)).findings == ()

    def test_verify_ledger__no_checkpoint(self):
        store = five()
        store.seen = None
        assert "checkpoint is missing" in verification.verify_ledger(store).findings[0].message
        assert verification.verify_ledger(Memory()).findings == ()


class TestStateAfter:
    """The entries that can follow a state, and the next state."""

    @pytest.mark.parametrize(
        ("state", "body", "now"),
        [
            (LedgerState(), Promotion(version=1, manifest=DIGEST, replaced=None), ONE),
            (ONE, Promotion(version=2, manifest=DIGEST, replaced=1), TWO),
            (TWO, Rollback(version=1, replaced=2, reason="r"), TWO.model_copy(update={"champion": 1, "decided": 9})),
            (ONE, verdict("f"), ONE.model_copy(update={"uses": {"f": 1}})),
            (
                ONE,
                PredictionsAdded(version=1, fingerprint="f", predictions=DIGEST),
                ONE.model_copy(update={"rescored": {"f": 9}}),
            ),
            (TWO, PredictionsAdded(version=1, fingerprint="f", predictions=DIGEST), TWO),
            (ONE, ReproductionRecorded(version=1, outcome="different", spread=DIGEST), ONE),
        ],
    )
    def test_state_after__allowed(self, state, body, now):
        number = now.decided if isinstance(body, Promotion) else 9
        assert entries.state_after(state, body, number=number) == now

    @pytest.mark.parametrize(
        ("state", "body"),
        [
            (LedgerState(), Promotion(version=2, manifest=DIGEST, replaced=None)),
            (LedgerState(), Promotion(version=1, manifest=DIGEST, replaced=1)),
            (ONE, Promotion(version=1, manifest=DIGEST, replaced=1)),
            (ONE, Promotion(version=2, manifest=DIGEST, replaced=None)),
            (TWO, Promotion(version=3, manifest=DIGEST, replaced=1)),
            (LedgerState(), Rollback(version=1, replaced=1, reason="r")),
            (TWO, Rollback(version=3, replaced=2, reason="r")),
            (TWO, Rollback(version=1, replaced=1, reason="r")),
            (TWO, Rollback(version=2, replaced=2, reason="to itself")),
            (ONE, PredictionsAdded(version=2, fingerprint="f", predictions=DIGEST)),
            (ONE, ReproductionRecorded(version=2, outcome="within", spread=DIGEST)),
        ],
    )
    def test_state_after__impossible(self, state, body):
        with pytest.raises(ValueError, match=r"champion|does not exist"):
            entries.state_after(state, body, number=9)

    def test_state_after__argument_is_not_changed(self):
        before = TWO.model_dump_json()
        entries.state_after(TWO, verdict("f"), number=3)
        entries.state_after(TWO, Promotion(version=3, manifest=DIGEST, replaced=2), number=3)
        assert TWO.model_dump_json() == before


class Faster(Memory):
    """Another writer appends first, a few times."""

    others: list

    def append(self, number, entry):
        if self.others:
            body = self.others.pop(0)
            other, self.others = self.others, []
            Registry(self, stamp(actor="other")).append(body)
            self.others = other
        return super().append(number, entry)


class TestAppend:
    def test_append_entry__another_writer_first(self):
        store, lost = Faster(), []
        store.others = [promotion, promotion]
        entry = Registry(store, stamp()).append(promotion, wait=lost.append)
        assert (entry.number, entry.body.version, entry.body.replaced) == (3, 3, 2)
        assert lost == [1, 2]
        assert [one.by.actor for one in ledger.iter_all(store)] == ["other", "other", "ada"]

    def test_append_entry__another_writer_first_and_nothing_to_write(self):
        store = Faster()
        store.others = [promotion]
        only_first = lambda state: None if state.champion else promotion(state)  # noqa: E731
        assert Registry(store, stamp()).append(only_first, wait=lambda _: None) is None
        assert store.tail() == 1

    def test_append_entry__gives_up(self):
        store = Faster()
        store.others = [promotion] * 9
        with pytest.raises(OutsideError, match="came first 4 times in a row"):
            Registry(store, stamp()).append(promotion, may=4, wait=lambda _: None)

    def test_append_entry__damaged_ledger(self):
        store = five()
        store.kept[5] = store.kept[5][:-1]
        with pytest.raises(CorruptError):
            Registry(store, stamp()).append(promotion)
        assert store.tail() == 5

    def test_append_entry__checkpoint_not_writable(self):
        store = five()

        def refused(_):
            raise OutsideError("no")

        store.write_checkpoint = refused
        assert Registry(store, stamp()).append(promotion).number == 6
        assert store.read_checkpoint().number == 5
        assert verification.verify_ledger(store).entries == 6

    def test_append_entry__too_large_to_be_read(self):
        store = Memory()
        uses = {f"{place:01000d}": 1 for place in range(259)}
        first = Entry(
            number=1, previous=None, at="", nonce="", by=Actor(), body=verdict(), state=LedgerState(uses=uses)
        )
        store.kept[1] = entries.dump_entry(first)
        assert MOST_BYTES - 2_000 < len(store.kept[1]) <= MOST_BYTES
        long = verdict("\U0001f642" * 1_900)
        first = first.model_copy(
            update={"state": LedgerState(uses={f"{place:0250d}" + "\U0001f642" * 1_000: 1 for place in range(60)})}
        )
        store.kept[1] = entries.dump_entry(first)
        with pytest.raises(OutsideError, match="too large for the ledger of memory"):
            Registry(store, stamp()).append(lambda _: long)
        assert store.tail() == 1

    @given(st.text(max_size=50))
    def test_append_entry__any_actor(self, actor):
        store = Memory()
        Registry(store, stamp(actor=actor)).append(lambda state: choose(state, "promotion", 0))
        assert ledger.read_entry(store, 1).by.actor == actor
