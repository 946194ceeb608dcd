"""The benchmark's page: sections in order, and the part of ``docs/reference/benchmarks.md`` that belongs to them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.characteristics import (
    coverage,
    disparity_changes,
    family_wise,
    few_rows,
    function_coverage,
    group_gaps,
    identical,
    many_slices,
    misses,
    point_rules,
    row_counts,
    single_gate,
)
from benchmarks.characteristics.figures import Figure, Section
from benchmarks.characteristics.pool import Outcome, Work
from benchmarks.section import PAGE, write_section

BEGIN, END = "<!-- characteristics:begin -->", "<!-- characteristics:end -->"
LONGEST_FIRST = (
    family_wise,
    many_slices,
    coverage,
    function_coverage,
    few_rows,
    disparity_changes,
    group_gaps,
    misses,
    single_gate,
    identical,
    point_rules,
)


def works(scale: float) -> list[Work]:
    """Return every simulation, the longest first so that no process is left with it at the end."""
    return [work for module in LONGEST_FIRST for work in module.works(scale)]


def sections(outcomes: Mapping[str, Outcome], *, allowed: float) -> tuple[list[Section], list[Figure]]:
    """Return the sections, and every figure with bounds, whether a table shows it or not."""
    plain = [single_gate.section(outcomes), many_slices.section(outcomes), family_wise.section(outcomes)]
    plain.append(row_counts.section())
    plain += [misses.section(outcomes), point_rules.section(outcomes)]
    parts = [
        module.section(outcomes, allowed=allowed) for module in (coverage, function_coverage, few_rows, group_gaps)
    ]
    parts.append(disparity_changes.section(outcomes))
    last = identical.section(outcomes)
    figures = [figure for section in [*plain, last] for figure in section.figures]
    figures += [figure for _, more in parts for figure in more]
    return [*plain, *(section for section, _ in parts), last], figures


def page(found: Sequence[Section], figures: Sequence[Figure], style: str) -> str:
    """Return all sections as one text, with the count of what holds at its end."""
    kept = sum(figure.kept for figure in figures)
    texts = [section.text(style) for section in found]
    return "\n\n".join([*texts, f"{kept:,} of {len(figures):,} figures are within their bounds."])


def write_part(section: Section, path: Path = PAGE) -> None:
    """Write one section over the one with its title, or after all others; the rest of the page stays as it is."""
    page = path.read_text(encoding="utf-8")
    old = page.split(BEGIN, maxsplit=1)[1].split(END, maxsplit=1)[0]
    parts = old.strip().split("\n### ")
    last, _, count = parts[-1].rpartition("\n\n")
    parts[-1] = last
    new = section.text("github").removeprefix("### ")
    kept = [part for part in parts if part.split("\n", maxsplit=1)[0] != section.title]
    place = next((n for n, part in enumerate(parts) if part.split("\n", maxsplit=1)[0] == section.title), len(kept))
    kept.insert(place, new)
    write("\n\n### ".join(part.strip() for part in kept) + f"\n\n{count}", path)


def write(text: str, path: Path = PAGE) -> None:
    """Put the text between its markers; everything else on the page stays as it is."""
    write_section(text, BEGIN, END, path)
