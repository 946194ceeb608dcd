"""``python -m tests.attacks.fuzz SECONDS [PARSER…]``: mutate inputs of each parser; a defect ends with its input.

An input whose refusal differs from all before is kept and mutated further. What is kept at the end, and is small, can
be written to the corpus with ``--keep``, which the tests replay.
"""

import argparse
import json
import random
import re
import sys
import time
import traceback
from pathlib import Path

from tests.attacks.parsers import PARSERS, try_input

CORPUS = Path(__file__).with_name("corpus")
SLOW = 5.0
FEWEST_KEPT, MOST_KEPT, LARGEST_KEPT = 4, 12, 600
TOKENS = (
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\r", b"\n", b"\x1b[", b"\xef\xbb\xbf"),
    *(b"NaN", b"Infinity", b"1e999", b"-0", b"9" * 400, b"null", b"true", b"{}", b"[]", b'""', b"[" * 50, b"{" * 50),
    *(b"::", b"##[", b"://", b"@", b"../", b"*a", b"&a", b"!!python/object:x ", b"<<: ", b"---\n", b"%YAML 1.1\n"),
    *(b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"\xff\xff\xff\xff", b"schema", b"model", b"sha"),
)


def mutate(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Return a variant of an input, by one to four changes."""
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randint(0, len(data)), chance.choice([1, 1, 2, 4, 16])
        kind = chance.randrange(6)
        if kind == 0 and data:
            at = min(at, len(data) - 1)
            data = data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + data[at + length :]
        elif kind == 2:
            data = data[:at] + chance.choice(TOKENS) + data[at:]
        elif kind == 3:
            data = data[:at] + data[at : at + length] * chance.choice([2, 3, 40]) + data[at:]
        elif kind == 4:
            start = chance.randint(0, len(other))
            data = data[:at] + other[start : start + chance.choice([4, 30, 300])] + data[at:]
        else:
            data = data[:at] + bytes(chance.randrange(256) for _ in range(length)) + data[at + length :]
    return data[:200_000]


def fuzz(name: str, seconds: float, seed: int) -> tuple[int, int, dict[str, bytes]]:
    """Mutate for a while; return the number of inputs, that of defects, and one input for each way to end.

    The input of the first defect of a kind is printed, and that of one that takes too long.
    """
    chance = random.Random(seed)
    kept = {f"seed {number}": data for number, data in enumerate(PARSERS[name].seeds)}
    kept |= {f"kept {number}": data for number, data in enumerate(corpus(name))}
    end, count, defects = time.monotonic() + seconds, 0, set[str]()
    while time.monotonic() < end:
        pool = list(kept.values())
        data = mutate(chance, chance.choice(pool), chance.choice(pool))
        begun, count = time.process_time(), count + 1
        try:
            ended = re.sub(r"/\S+|[\d,]+|'[^']*'|“[^”]*”|`[^`]*`|\"[^\"]*\"", "", try_input(name, data))[:120]
        except Exception as error:  # noqa: BLE001 - the input is printed, and others follow
            kind = f"{type(error).__name__} at {traceback.extract_tb(error.__traceback__)[-1][:2]}"
            if kind not in defects:
                print(f"DEFECT in {name}, {kind}, {error}: {data!r}", flush=True)
            defects.add(kind)
            continue
        if time.process_time() - begun > SLOW:
            print(f"SLOW in {name}, {time.process_time() - begun:.1f} s: {data[:300]!r}", flush=True)
        if ended not in kept and len(kept) < 2_000:
            kept[ended] = data
    return count, len(defects), kept


def corpus(name: str, folder: Path = CORPUS) -> list[bytes]:
    """Return the kept inputs of a parser; a file holds them as texts, a character for each byte."""
    path = folder / f"{name}.json"
    return [text.encode("latin-1") for text in json.loads(path.read_text("utf-8"))] if path.exists() else []


def keep(name: str, folder: Path, found: dict[str, bytes]) -> None:
    """Write the smallest few inputs, each with another end."""
    by_size = sorted(found.values(), key=len)
    small = [data for data in by_size if len(data) <= LARGEST_KEPT] or by_size[:FEWEST_KEPT]
    chosen = small[:: max(1, len(small) // MOST_KEPT)][:MOST_KEPT]
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(data.decode("latin-1")) for data in chosen)
    (folder / f"{name}.json").write_text(f"[\n{lines}\n]\n", "utf-8")


def main() -> int:
    """Fuzz the parsers one after the other."""
    options = argparse.ArgumentParser()
    options.add_argument("seconds", type=float)
    options.add_argument("parsers", nargs="*", default=list(PARSERS))
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="such as tests/attacks/corpus")
    given, bad = options.parse_args(), 0
    for name in given.parsers or list(PARSERS):
        begun = time.process_time()
        count, defects, found = fuzz(name, given.seconds, given.seed)
        spent = time.process_time() - begun
        ends = f"{len(found)} ways to end, {defects} defects"
        print(f"{name}: {count:,} inputs in {given.seconds:.0f} s, {spent:.0f} s of a processor, {ends}", flush=True)
        bad += defects
        if given.keep is not None:
            keep(name, given.keep, found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
