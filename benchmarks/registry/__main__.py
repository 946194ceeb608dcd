"""``python -m benchmarks.registry``: measure and show."""

import argparse
import sys

from benchmarks.registry import measure, page
from benchmarks.registry.versions import MIB


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.registry", description=__doc__)
    parser.add_argument("--mib", type=int, default=100, help="size of the model")
    parser.add_argument("--entries", type=int, default=500, help="length of the ledger")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a small model, a short ledger, few turns")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    size, entries, turns = (1, 5, 2) if chosen.quick else (chosen.mib, chosen.entries, chosen.turns)
    figures = measure.everything(model=size * MIB, entries=entries, turns=turns, say=_say)
    text = page.section(figures, entries=entries, turns=turns)
    print(text)
    if chosen.write:
        page.write(text)
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
