"""Ledgers of many versions and evaluation sets: entries of bounded size, promotions of bounded requests."""

import contextlib
import json
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.operations.registry import preflight
from mlci.operations.registry.rollback import roll_back
from mlci.registry import entries, ledger, verification
from mlci.registry.entries import LedgerState
from mlci.registry.entry_kinds import PredictionsAdded, Rollback
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from mlci.registry.stores import object_store_uri
from mlci.registry.stores.object_store import ObjectStore
from mlci.util.digests import canonical_json
from tests.support.registry.histories import DIGEST, Memory, choose, promote_versions, promotion, stamp, verdict

KINDS = st.sampled_from(["promotion", "rollback", "rescored", "reproduced", "verdict"])


def whole(store) -> list[LedgerState]:
    """Return the state after each entry, by the entries' bodies alone."""
    found, state = [], LedgerState()
    for number in sorted(store.kept):
        state = entries.state_after(
            state, ledger.parse_entry(store.kept[number], number=number, shown="x").body, number=number
        )
        found.append(state)
    return found


def bare(state: LedgerState) -> LedgerState:
    return state.model_copy(update={"digests": None})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(KINDS, st.integers(0, 40)), min_size=1, max_size=40), st.integers(1, 4))
def test_tail__the_whole_state_behind_any_number_of_snapshots(steps, most):
    before, entries.MOST_ITEMS = entries.MOST_ITEMS, most
    try:
        store = Memory()
        for kind, pick in steps:
            Registry(store, stamp()).append(lambda state, k=kind, p=pick: choose(state, k, p))
            assert bare(ledger.read_ledger_head(store).state) == whole(store)[-1]
        assert verification.verify_ledger(store).entries == len(steps)
    finally:
        entries.MOST_ITEMS = before


def test_append__entries_of_thousands_of_sets_stay_small():
    store = Memory()
    old = LedgerState(uses={f"sha256:{number:064x}": 1 for number in range(3_000)})
    first = entries.Entry(number=1, previous=None, at="", nonce="", by=stamp().by, body=verdict(), state=old)
    store.kept[1] = entries.dump_entry(first)
    for number in range(3_000, 3_200):
        Registry(store, stamp()).append(lambda _, n=number: verdict(f"sha256:{n:064x}"))
    Registry(store, stamp()).append(lambda _: verdict(f"sha256:{7:064x}"))
    assert max(len(store.kept[number]) for number in range(2, 203)) < 10_000
    assert len(store.files) == 4
    state = ledger.read_ledger_head(store).state
    assert (len(state.uses), state.uses[f"sha256:{7:064x}"], state.uses[f"sha256:{8:064x}"]) == (3_200, 2, 1)


def test_snapshot__that_is_missing_is_named():
    store = Memory()
    for number in range(entries.MOST_ITEMS + 2):
        Registry(store, stamp()).append(lambda _, n=number: verdict(f"sha256:{n}"))
    assert len(store.files) == 1
    store.files.clear()
    with pytest.raises(CorruptError, match=f"the snapshot of the state after entry {entries.MOST_ITEMS} is missing"):
        ledger.read_ledger_head(store)
    assert verification.verify_ledger(store).entries == entries.MOST_ITEMS + 2  # the chain needs no snapshot


def test_snapshot__additions_of_an_earlier_champion_do_not_return(monkeypatch):
    monkeypatch.setattr(entries, "MOST_ITEMS", 3)
    store = Memory()
    for body in (
        promotion,
        *(lambda _, n=n: PredictionsAdded(version=1, fingerprint=f"sha256:{n}", predictions=DIGEST) for n in range(4)),
        promotion,
        lambda _: Rollback(version=1, replaced=2, reason="r"),
    ):
        Registry(store, stamp()).append(body)
    assert ledger.read_ledger_head(store).state.rescored == {}
    assert verification.verify_ledger(store).entries == 7


@dataclass
class Counted:
    """obstore's store in memory, with its requests counted."""

    requests: Counter = field(default_factory=Counter)

    def store(self, monkeypatch) -> ObjectStore:
        import obstore  # noqa: PLC0415
        from obstore.store import MemoryStore  # noqa: PLC0415

        memory = MemoryStore()
        monkeypatch.setattr(object_store_uri, "store_client", lambda *_: memory)
        for name in ("get", "put", "head"):
            monkeypatch.setattr(obstore, name, self.counting(name, getattr(obstore, name)))
        monkeypatch.setattr(obstore, "list", self.listing(obstore.list))
        return ObjectStore("s3://bucket/prefix", "model", {})

    def counting(self, name, real):
        def call(*words, **named):
            self.requests[name] += 1
            return real(*words, **named)

        return call

    def listing(self, real):
        def call(*words, **named):
            for page in real(*words, **named):
                self.requests["list"] += 1
                yield page

        return call


@pytest.fixture(scope="module")
def counted_bucket(tmp_path_factory):
    """A bucket with 110 versions, each judged before, its requests counted."""
    counted, folder = Counted(), tmp_path_factory.mktemp("many")
    with pytest.MonkeyPatch.context() as patch:
        store = counted.store(patch)
        for number in range(110):
            Registry(store, stamp()).append(lambda _, n=number: verdict(f"sha256:{n:064x}"))
            promote_versions(store, folder)
        yield store, counted.requests


@pytest.fixture
def many(counted_bucket):
    counted_bucket[1].clear()
    return counted_bucket


@contextlib.contextmanager
def alter_entry(store, number):
    """Change an entry for a while."""
    data, name = store.read(number), f"ledger/{number:09d}.json"
    changed = canonical_json(json.loads(data) | {"nonce": "x"})
    store._bucket.write(name, changed, "overwrite", what="alter")
    yield
    store._bucket.write(name, data, "overwrite", what="restore")


def check_promotion(store):
    return preflight.check_registry(Registry(store).view(), now=stamp().now(), despite=None)


def test_promotion__damage_behind_the_last_verified_promotion_is_left_to_ledger_verify(many):
    store, _ = many
    with alter_entry(store, 5):
        assert check_promotion(store).wrong == ()
        with pytest.raises(CorruptError, match="entry 6 does not follow the one before it"):
            verification.verify_ledger(store)


def test_promotion__damage_since_is_named(many):
    store, _ = many
    with alter_entry(store, 210), pytest.raises(CorruptError, match=r"entry 21[01] "):
        check_promotion(store)


def test_promotion__its_requests_and_those_of_readers(many, tmp_path):
    store, requests = many
    end = ledger.read_ledger_head(store)
    assert check_promotion(store).wrong == ()
    promote_versions(store, tmp_path)
    assert requests.total() < 200, requests
    requests.clear()
    assert ledger.read_page(store, end, 171, 220)[0].number == 171
    assert requests.total() < 60, requests
    requests.clear()
    assert roll_back(Registry(store, stamp()), to=3, reason="r").version == 3
    assert requests.total() < 60, requests
    assert verification.verify_ledger(store).entries == 222
    assert set(range(80, 112)) <= set(check_promotion(store).rolled_back)
