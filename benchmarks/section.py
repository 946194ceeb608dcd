"""A section of the page of benchmarks, between two marks."""

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"


def write_section(text: str, begin: str, end: str, page: Path = PAGE) -> None:
    """Write a section between its marks, at the end of a page without them, and keep the rest of the page."""
    old = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    if begin not in old or end not in old:
        old = f"{old.rstrip()}\n\n{begin}\n{end}\n"
    before, rest = old.split(begin, maxsplit=1)
    after = rest.split(end, maxsplit=1)[1]
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
