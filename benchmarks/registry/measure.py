"""Measure in turns, ours and the bare copy one after the other in alternating order; the fastest turn counts."""

import hashlib
import itertools
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.registry.media import Folder, s3
from mlci.registry import ledger
from mlci.registry.entries import By, Promotion, Rollback, State

MIB = 1 << 20
_numbers = itertools.count()


@dataclass(frozen=True)
class Figure:
    """Seconds of one piece of work and of the bare copy of its bytes."""

    medium: str
    work: str
    bytes: int
    ours: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.ours / self.bare


def stamp() -> ledger.Stamp:
    return ledger.Stamp(
        by=By(actor="bench"), now=lambda: "2026-01-01T00:00:00+00:00", nonce=lambda: f"{next(_numbers)}"
    )


def promote(state: State) -> Promotion:
    return Promotion(version=state.versions + 1, manifest="0" * 64, replaced=state.champion)


def roll_back(state: State) -> Rollback:
    return Rollback(version=2 if state.champion == 1 else 1, replaced=state.champion, reason="bench")


def files(folder: Path, model: int) -> list[Path]:
    """A version's files, new bytes each time: model, predictions, report, manifest."""
    made = []
    for name, size in (("model", model), ("predictions", MIB), ("report", 60_000), ("manifest", 5_000)):
        (folder / name).write_bytes(os.urandom(size))
        made.append(folder / name)
    return made


def digests(paths: list[Path]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(ours: Callable[[], object], bare: Callable[[], object], turns: int) -> tuple[float, float]:
    """Return the fastest turn of each."""
    mine, theirs = [], []
    for turn in range(turns):
        for work, taken in ((ours, mine), (bare, theirs))[:: 1 if turn % 2 else -1]:
            taken.append(seconds(work))
    return min(mine), min(theirs)


def medium(name: str, place, scratch: Path, *, model: int, entries: int, turns: int) -> list[Figure]:
    """Measure the three pieces of work on one medium, in a ledger of some length."""
    store = place.store()
    while ledger.tail(store).number < entries:
        ledger.append(store, stamp(), promote)
    source, target = scratch / "source", scratch / "target"
    source.mkdir(exist_ok=True)
    target.mkdir(exist_ok=True)
    made = [files(_new(source), model) for _ in range(2 * turns)]
    named = {id(paths): digests(paths) for paths in made}
    kept = iter(made)
    found = []

    def promotion() -> None:
        paths = next(kept)
        for path, digest in zip(paths, named[id(paths)], strict=True):
            store.put(path, digest)
        ledger.append(store, stamp(), promote)

    size = sum(path.stat().st_size for path in made[0])
    found.append(
        Figure(
            name, "promote: put the files, append", size, *in_turns(promotion, lambda: place.copy_in(next(kept)), turns)
        )
    )
    entry = scratch / "entry"
    entry.write_bytes(store.read(entries))
    one = in_turns(lambda: ledger.append(store, stamp(), roll_back), lambda: place.copy_in([entry]), turns)
    found.append(Figure(name, "roll back: append", entry.stat().st_size, *one))
    names = place.copy_in(made[0])
    for path, digest in zip(made[0], named[id(made[0])], strict=True):
        store.put(path, digest)

    def load() -> None:
        ledger.tail(store)
        for path, digest in zip(made[0], named[id(made[0])], strict=True):
            store.get(digest, target / path.name)

    found.append(
        Figure(
            name,
            "load: read the ledger, get the files",
            size,
            *in_turns(load, lambda: place.copy_out(names, target), turns),
        )
    )
    return found


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
