"""``make examples``: run the commands of the pages that train a model; ``--table`` lists all pages and their blocks."""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.documents.pages.catalogue import LONG_PROJECTS, read_pages


def main(arguments: list[str]) -> int:
    """Run pages, or print the table; return 1 if the commands of a page do something else than it says."""
    return print_table() if "--table" in arguments else run_pages()


def run_pages() -> int:
    """Run the pages that train a model; print the time, and what differs."""
    differing = 0
    for page in (page for page in read_pages() if page.name in LONG_PROJECTS):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mlci-page-") as folder:
            try:
                page.run(Path(folder))
            except AssertionError as error:
                differing = 1
                sys.stdout.write(f"{error}\n")
        sys.stdout.write(f"{page.name}: {time.monotonic() - begun:.0f} s\n")
    return differing


def print_table() -> int:
    """Print how many blocks of commands each page has, what carries them out, and which are marked and why."""
    sums: Counter[str] = Counter()
    for page in read_pages():
        found = Counter(page.place if block.reason is None else f"not run: {block.reason}" for block in page.blocks)
        sums += found
        sys.stdout.write(f"{page.name:55} {', '.join(f'{count} {name}' for name, count in found.items())}\n")
    sys.stdout.writelines(f"{count:4} {name}\n" for name, count in sums.most_common())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
