"""The table, and the section of the documentation that contains it."""

import os
import platform
from pathlib import Path

from benchmarks.registry.measure import Figure
from benchmarks.registry.versions import MIB
from benchmarks.section import PAGE, write_section

BEGIN, END = "<!-- registry:begin -->", "<!-- registry:end -->"
_INTRO = """\
## What the registry costs

A version of {files}, in a ledger of {entries:,} entries, over the bare copy of the same bytes on the same medium.
Written by `make bench`, measured in one run on {cores} processors ({machine}, Python {python}). Ours and bare
copies take turns, each first in its turn; the fastest of {turns} counts. All in one warm process, without start and
configuration of `mlci`.

Each piece of work is what the command asks of the registry. *Promote* verifies the record from its first entry, reads
the version in production and the two newest others against their digests, puts the files and appends the entry; so it
reads three versions and writes one, and stands over a copy of its own files, and over a copy of all these bytes. *Roll
back* reads the version against its digests and appends; *load* reads the end of the record and the production version.

A folder's files and entries are flushed to the medium before they get their name; a bare copy is not, unless the table
says so. S3 is moto's server on the same machine, a Python process: its own time is in both figures, distance is in
none."""


def section(figures: list[Figure], *, entries: int, turns: int) -> str:
    """Return the section of the documentation."""
    files = f"{max(one.bytes for one in figures) / MIB:.0f} MiB in four files"
    intro = _INTRO.format(
        files=files,
        entries=entries,
        turns=turns,
        cores=os.cpu_count(),
        machine=platform.machine(),
        python=platform.python_version(),
    )
    lines = ["| medium | work | mlci, s | bare copy, s | ratio |", "|:--|:--|--:|--:|--:|"]
    lines += [f"| {one.medium} | {one.work} | {one.mlci:.4f} | {one.bare:.4f} | {one.ratio:.1f} |" for one in figures]
    return "\n\n".join((intro, "\n".join(lines)))


def write(text: str, page: Path = PAGE) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END, page)
