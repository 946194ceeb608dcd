"""Measure in turns, mlci and bare copies one after the other, each first in its turn; the fastest turn counts."""

import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.registry.media import S3, Folder, s3
from benchmarks.registry.versions import candidate, load, promote
from mlci.operations.registry.rollback import roll_back
from mlci.registry import ledger, registry
from mlci.registry.entries import LedgerState
from mlci.registry.entry_kinds import Actor, VerdictRecord
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Store

Place = Folder | S3
_numbers = itertools.count()


@dataclass(frozen=True)
class Figure:
    """Seconds of one piece of work and of the bare copy of its bytes."""

    medium: str
    work: str
    bytes: int
    mlci: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.mlci / self.bare


def stamp() -> registry.Author:
    return registry.Author(
        by=Actor(actor="bench"), now=lambda: "2026-01-01T00:00:00+00:00", nonce=lambda: f"{next(_numbers)}"
    )


def verdict(_: LedgerState) -> VerdictRecord:
    number = next(_numbers)
    some = f"{number:064x}"
    return VerdictRecord(
        verdict="pass", report=some, policy=some, fingerprint=f"{number % 9}", predictions=some, against=1
    )


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(works: Sequence[Callable[[], object]], turns: int) -> list[float]:
    """Return the fastest turn of each; whose turn is first goes round."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(turns):
        for place in range(len(works)):
            index = (turn + place) % len(works)
            taken[index].append(seconds(works[index]))
    return [min(times) for times in taken]


def medium(name: str, place: Place, scratch: Path, *, model: int, entries: int, turns: int) -> list[Figure]:
    """Measure the three pieces of work on one medium, in a ledger of some length that has three versions before."""
    store, target = place.store(), scratch / "target"
    target.mkdir(exist_ok=True)
    before = [candidate(_new(scratch), model) for _ in range(3)]
    for made in before:
        promote(store, stamp(), made)
    while ledger.read_ledger_head(store).number < entries:
        Registry(store, stamp()).append(verdict)
    there = [name for made in before for name in place.copy_in(made.files)]
    one = there[: len(before[0].files)]
    new = iter([candidate(_new(scratch), model) for _ in range(3 * turns)])
    size = before[0].bytes

    def put() -> None:
        place.copy_in(next(new).files)

    def moved() -> None:
        place.copy_out(there, target)
        put()

    def both(work: str, mlci: Callable[[], object]) -> Figure:
        return Figure(name, work, size, *in_turns((mlci, lambda: place.copy_out(one, target)), turns))

    mlci, own, every = in_turns((lambda: promote(store, stamp(), next(new)), put, moved), turns)
    return [
        Figure(name, "promote, over a copy of its files", size, mlci, own),
        Figure(name, "promote, over a copy of all bytes that it reads and writes", size, mlci, every),
        both("roll back", lambda: _back(store)),
        both("load the baseline", lambda: load(store, target)),
    ]


def _back(store: Store) -> None:
    """Go to another version, every byte of which is read before."""
    to = 2 if ledger.read_ledger_head(store).state.champion == 1 else 1
    roll_back(Registry(store, stamp()), to=to, reason="bench")


def _new(folder: Path) -> Path:
    place = folder / f"{next(_numbers)}"
    place.mkdir()
    return place


def everything(*, model: int, entries: int, turns: int, say: Callable[[str], None]) -> list[Figure]:
    """Measure on all media."""
    found = []
    with tempfile.TemporaryDirectory(prefix="mlci-registry-") as folder:
        for name, flushed in (
            ("folder, against a copy that is flushed", True),
            ("folder, against a copy that is not", False),
        ):
            say(name)
            scratch = _new(Path(folder))
            found += medium(name, Folder(scratch, flushed), scratch, model=model, entries=entries, turns=turns)
        say("S3")
        with s3() as bucket:
            found += medium("S3 (moto)", bucket, _new(Path(folder)), model=model, entries=entries, turns=turns)
    return found
