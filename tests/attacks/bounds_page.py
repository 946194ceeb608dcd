"""``python -m tests.attacks.bounds_page``: write docs/reference/bounds.md from mlci/util/bounds.py."""

from pathlib import Path

from mlci.util.bounds import BOUNDS, Bound

PAGE = Path(__file__).parents[2] / "docs/reference/bounds.md"
_INTRODUCTION = """\
# Bounds

Every limit on bytes from outside: what is counted, what usually exceeds it, and the parser that enforces it.

<!-- Written by `make docs` from mlci/util/bounds.py; change that. -->

An input beyond a limit is refused with an error that names the limit; where the table says so, the rest is left out.
The parsers are tested with generated inputs, and each of [these](../../tests/attacks/corpus/README.md) was fuzzed for
ten minutes (`python -m tests.attacks.fuzz 600`). The inputs that it found are beside that page, and tests read them.
Time-outs of your own commands are in [`mlci.yml`](configuration.md).

| limit | most | of | usually exceeded by | parser |
|---|--:|---|---|---|
"""


def page() -> str:
    """Return the page."""
    return _INTRODUCTION + "".join(map(_row, sorted(BOUNDS, key=lambda bound: bound.name)))


def _row(bound: Bound) -> str:
    return f"| {bound.name} | {_number(bound)} | {bound.of} | {bound.exceeds} | `{bound.parser}` |\n"


def _number(bound: Bound) -> str:
    """Write bytes in the largest unit that divides them."""
    if bound.unit != "bytes":
        return str(bound)
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if bound.value % (1 << power) == 0:
            return f"{bound.value >> power:,} {unit}"
    return str(bound)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
