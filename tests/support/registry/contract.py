"""The contract of every store; an adapter's test module runs it in a subclass with a fixture ``store_factory``.

``store_factory(model="model")`` opens the same empty registry each time, as another process would.
``damage_checkpoint(store, data)`` overwrites the checkpoint, ``alter(store, number, data)`` an entry and
``spoil(store, digest, data)`` a file (``None`` deletes it), as any writer with access could.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mlci.errors import OutsideError
from mlci.operations.registry import preflight
from mlci.operations.registry.rollback import roll_back
from mlci.registry import ledger, verification
from mlci.registry.errors import CorruptError, UnknownOutcomeError
from mlci.registry.registry import Intent, Registry
from mlci.registry.stores.interface import Checkpoint
from tests.support.registry.histories import promote_versions, sha, stamp, swap_promotion, verdict
from tests.support.registry.record_contract import RecordContract

MODELS = [
    "credit-risk",
    "Credit-Risk",
    "credit_risk.v2",
    "CON",
    "..",
    "a/b",
    "a\\b",
    "\u00e9",
    "e\u0301",
    "with space",
    "x" * 100,
    "X" * 100,
    "a--b",
    "a..b",
    "%2e%2e",
    "?q=1#f",
]


def reading_threads():
    return [one.name for one in threading.enumerate() if one.name.startswith("mlci-read")]


class InDoubt:
    """A store whose appends arrive, and whose answers get lost."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def append(self, number, entry):
        assert self._store.append(number, entry)
        raise UnknownOutcomeError(f"whether entry {number} was written is not known")


class Contract(RecordContract):
    writers = 50
    racers = 20
    rounds = 5
    long = 40

    def test_store__empty(self, store_factory):
        store = store_factory()
        assert store.tail() == 0
        assert store.read(1) is None
        assert store.read_checkpoint() is None
        assert not store.holds("0" * 64)
        assert not store.holds("0" * 64, 0)
        assert ledger.read_ledger_head(store) == ledger.EMPTY

    def test_append__entries_read_by_a_second_process(self, store_factory):
        data = [b"first", b"second \xff\x00 entry", b""]
        for number, entry in enumerate(data, 1):
            assert store_factory().append(number, entry)
            assert store_factory().tail() == number
        assert [store_factory().read(number) for number in range(1, 5)] == [*data, None]

    def test_append__number_taken(self, store_factory):
        store = store_factory()
        assert store.append(1, b"mine")
        assert not store.append(1, b"another")
        assert not store.append(1, b"min")
        assert store.read(1) == b"mine"

    def test_append__same_bytes_twice(self, store_factory):
        assert store_factory().append(1, b"mine")
        assert store_factory().append(1, b"mine")

    def test_append__many_writers_race_for_one_number(self, store_factory):
        stores = [store_factory() for _ in range(self.racers)]
        for number in range(1, self.rounds + 1):
            together = threading.Barrier(self.racers)

            def race(racer, number=number, together=together):
                together.wait()
                return stores[racer].append(number, b"by %d" % racer)

            with ThreadPoolExecutor(self.racers) as pool:
                won = [racer for racer, first in enumerate(pool.map(race, range(self.racers))) if first]
            assert len(won) == 1
            assert stores[0].read(number) == b"by %d" % won[0]

    def test_append_entry__many_writers(self, store_factory):
        def write(writer):
            return Registry(store_factory(), stamp(actor=f"writer {writer}")).append(lambda _: verdict())

        with ThreadPoolExecutor(self.writers) as pool:
            written = list(pool.map(write, range(self.writers)))
        self.holds_all(store_factory(), written)

    def holds_all(self, store, written):
        """Every writer's entry is there once, and the chain holds."""
        assert sorted(entry.number for entry in written) == list(range(1, len(written) + 1))
        assert sorted(ledger.iter_all(store), key=lambda entry: entry.number) == sorted(written, key=lambda e: e.number)
        assert verification.verify_ledger(store).entries == len(written)
        assert ledger.read_ledger_head(store).state.uses == {"sha256:rows": len(written)}

    def test_write_checkpoint__older_number(self, store_factory):
        store = store_factory()
        for number, now in [(3, 3), (5, 5), (4, 5), (5, 5), (6, 6)]:
            store.write_checkpoint(Checkpoint(number=number, digest=sha(b"%d" % number)))
            assert store_factory().read_checkpoint() == Checkpoint(number=now, digest=sha(b"%d" % now))

    def test_write_checkpoint__another_digest_for_the_same_number(self, store_factory):
        store_factory().write_checkpoint(Checkpoint(number=1, digest="a" * 64))
        store_factory().write_checkpoint(Checkpoint(number=1, digest="b" * 64))
        assert store_factory().read_checkpoint().digest == "a" * 64

    def test_read_ledger_head__ledger_shorter_than_its_checkpoint(self, store_factory):
        store = store_factory()
        for number in (1, 2):
            store.append(number, b"x")
        store.write_checkpoint(Checkpoint(number=4, digest="a" * 64))
        assert store.tail() == 2
        with pytest.raises(CorruptError, match="ends at entry 2, but entry 4 was there"):
            ledger.read_ledger_head(store)

    def test_tail__missing_entries_in_between(self, store_factory):
        store = store_factory()
        for number in (1, 2, 3, 5, 6, 9):
            store.append(number, b"x")
        store.write_checkpoint(Checkpoint(number=3, digest=sha(b"x")))
        assert store.tail() == 9
        assert store.read(4) is None

    def test_read_to__missing_and_changed_entries(self, store_factory, alter):
        for number in (1, 2, 3, 5, 6, 9):
            store_factory().append(number, b"entry %d" % number)
        alter(store_factory(), 3, b"changed")
        wanted = [b"entry 1", b"entry 2", b"changed", None, b"entry 5", b"entry 6", None, None, b"entry 9", None, None]
        assert [store_factory().read(number) for number in range(1, 12)] == wanted
        for last in range(12):
            assert list(store_factory().read_to(last)) == wanted[:last]

    def test_read_to__long_ledger_left_early(self, store_factory):
        store = store_factory()
        for number in range(1, self.long + 1):
            assert store.append(number, b"entry %d" % number)
        wanted = [b"entry %d" % number for number in range(1, self.long + 1)]
        assert list(store_factory().read_to(self.long + 1)) == [*wanted, None]
        found = store_factory().read_to(self.long)
        assert [next(found), next(found)] == wanted[:2]
        found.close()
        assert not reading_threads()

    def test_iter_all__stops_at_a_changed_entry(self, store_factory, alter):
        for _ in range(5):
            Registry(store_factory(), stamp()).append(lambda _: verdict())
        alter(store_factory(), 4, b'{"number":4}')
        found = ledger.iter_all(store_factory())
        assert [next(found).number for _ in range(3)] == [1, 2, 3]
        with pytest.raises(CorruptError, match="entry 4 is damaged") as caught:
            next(found)
        assert caught.tb  # holds on to all that the walk had open
        assert not reading_threads()

    @pytest.mark.parametrize("size", [0, 1, 5_000_000, 20_000_001], ids=str)
    def test_put_and_get__same_bytes(self, store_factory, tmp_path, size):
        data = os.urandom(size)
        (tmp_path / "model.bin").write_bytes(data)
        store = store_factory()
        assert not store.get(sha(data), tmp_path / "got")
        assert not (tmp_path / "got").exists()
        store.put(tmp_path / "model.bin", sha(data))
        store.put(tmp_path / "model.bin", sha(data))
        assert store_factory().holds(sha(data))
        assert store_factory().get(sha(data), tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == data
        assert store.tail() == 0

    @pytest.mark.parametrize("size", [0, 1, 14], ids=str)
    def test_holds__file_of_another_size(self, store_factory, tmp_path, size):
        data = os.urandom(size)
        (tmp_path / "model.bin").write_bytes(data)
        store_factory().put(tmp_path / "model.bin", sha(data))
        sizes = [other for other in range(32) if store_factory().holds(sha(data), other)]
        assert sizes == [size]

    def test_files__listed_and_deleted(self, store_factory, tmp_path):
        assert list(store_factory().files()) == []
        store_factory().delete_file("0" * 64)
        data = [b"one", b"another", b""]
        for one in data:
            (tmp_path / "loose").write_bytes(one)
            store_factory().put(tmp_path / "loose", sha(one))
        found = {file.digest: file for file in store_factory().files()}
        assert {digest: file.bytes for digest, file in found.items()} == {sha(one): len(one) for one in data}
        now = datetime.now(UTC)
        assert all(abs((now - file.written_at).total_seconds()) < 3600 for file in found.values())
        store = store_factory()
        store.delete_file(sha(b"one"))
        assert not store.holds(sha(b"one"))
        assert not store_factory().get(sha(b"one"), tmp_path / "got")
        assert {file.digest for file in store_factory().files()} == {sha(b"another"), sha(b"")}
        (tmp_path / "loose").write_bytes(b"one")
        store.put(tmp_path / "loose", sha(b"one"))
        assert store_factory().holds(sha(b"one"), 3)

    @pytest.mark.parametrize("size", [10, 20_000_001], ids=str)
    def test_put__bytes_with_another_digest(self, store_factory, tmp_path, size):
        (tmp_path / "model.bin").write_bytes(os.urandom(size))
        store = store_factory()
        with pytest.raises(OutsideError, match="changed while it was being stored"):
            store.put(tmp_path / "model.bin", sha(b"what it was before"))
        assert not store.holds(sha(b"what it was before"))
        assert not store.get(sha(b"what it was before"), tmp_path / "got")
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["model.bin"]

    def test_put__file_not_found(self, store_factory, tmp_path):
        with pytest.raises(OutsideError, match=r"no\.bin"):
            store_factory().put(tmp_path / "no.bin", "0" * 64)

    def test_put__many_writers_of_one_file(self, store_factory, tmp_path):
        data = os.urandom(300_000)
        (tmp_path / "model.bin").write_bytes(data)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: store_factory().put(tmp_path / "model.bin", sha(data)), range(8)))
        assert store_factory().get(sha(data), tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == data

    def test_store__models_are_separate(self, store_factory):
        for place, model in enumerate(MODELS):
            assert store_factory(model).tail() == 0, model
            assert store_factory(model).append(1, b"%d" % place)
        for place, model in enumerate(MODELS):
            assert store_factory(model).read(1) == b"%d" % place
        assert len({store_factory(model).shown for model in MODELS}) == len(MODELS)

    def test_read_checkpoint__damaged(self, store_factory, damage_checkpoint):
        store = store_factory()
        store.append(1, b"x")
        damage_checkpoint(store, b'{"number": 1, "dig')
        for look in (store.read_checkpoint, lambda: ledger.read_ledger_head(store)):
            with pytest.raises(CorruptError, match=r"witness\.json is damaged"):
                look()

    def test_read_verified__old_entry_changed(self, store_factory, alter, tmp_path):
        """An attacker replaces version 1 in its entry alone and waits for a rollback."""
        promote_versions(store_factory(), tmp_path, 3)
        alter(store_factory(), 1, swap_promotion(store_factory(), tmp_path, 1))
        for look in (
            lambda store: roll_back(Registry(store, stamp()), to=1, reason="it drifts"),
            lambda store: Registry(store).view().version(1),
            lambda store: list(Registry(store).view().decisions()),
        ):
            with pytest.raises(CorruptError, match="entry 1 is not the one that later entries name"):
                look(store_factory())
        assert (store_factory().tail(), ledger.read_ledger_head(store_factory()).state.champion) == (3, 3)
        assert roll_back(Registry(store_factory(), stamp()), to=2, reason="this one is whole").version == 2

    def test_rollback__run_again_after_an_unknown_outcome(self, store_factory, tmp_path):
        promote_versions(store_factory(), tmp_path, 3)
        first = replace(stamp(), intent=Intent(id="one", repeated=False))
        with pytest.raises(UnknownOutcomeError) as found:
            roll_back(Registry(InDoubt(store_factory()), first), to=None, reason="it drifts")
        assert "`mlci rollback --to 2 --reason …`" in found.value.remedy
        again = replace(stamp(), intent=Intent(id="one", repeated=True))
        done = roll_back(Registry(store_factory(), again), to=None, reason="it drifts")
        assert (done.version, done.replaced, done.entry, done.earlier) == (2, 3, None, 4)
        assert ledger.read_ledger_head(store_factory()).number == 4

    def test_read_champion__its_entry_was_changed(self, store_factory, alter, tmp_path):
        promote_versions(store_factory(), tmp_path, 2)
        Registry(store_factory(), stamp()).append(lambda _: verdict())
        alter(store_factory(), 2, swap_promotion(store_factory(), tmp_path, 2))
        store = store_factory()
        with pytest.raises(CorruptError, match="entry 2 is not the one that later entries name"):
            _ = Registry(store).view().champion
        with pytest.raises(CorruptError, match="entry 2 is not the one that later entries name"):
            roll_back(Registry(store, stamp()), to=None, reason="to what it says it replaced")

    def test_promotion_checks__damaged_files_and_entry(self, store_factory, spoil, alter, tmp_path):
        """Files of three versions are missing or changed; then an old entry changes."""
        promote_versions(store_factory(), tmp_path, 3)
        assert self.wrong(store_factory()) == ()
        for number, data in ((1, None), (2, b"X"), (3, b"Y")):
            spoil(store_factory(), sha(b"%d" % number), data)
        lines = self.wrong(store_factory(), despite="a test")
        assert len(lines) == 3
        for line, number in zip(lines, (3, 2, 1), strict=True):
            assert f"`model.txt` of version {number} " in line or "artifact" in line
        with pytest.raises(CorruptError, match="Nothing was promoted"):
            self.wrong(store_factory())
        alter(store_factory(), 1, swap_promotion(store_factory(), tmp_path, 1))
        with pytest.raises(CorruptError, match="entry 2 does not follow the one before it"):
            self.wrong(store_factory(), despite="a test")

    def wrong(self, store, despite=None):
        return preflight.check_registry(Registry(store).view(), now=stamp().now(), despite=despite).wrong
