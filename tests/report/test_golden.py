"""Golden files of comments, summaries and terminal reports, and GitHub's rendering of them.

After an intended change write the files again with ``MLCI_GOLDEN=write pytest tests/report/test_golden.py`` and review
the difference: it is the text that users see.
"""

import os
from pathlib import Path

import pytest

from mlci.report.comment import render_comment, render_summary
from mlci.report.render import render_all
from mlci.report.terminal import render_terminal
from mlci.report.text.markup import Links
from tests.support.rendered import Page
from tests.support.report_cases import GOLDEN

FOLDER = Path(__file__).parent / "golden"
LINKS = Links(
    repository="https://github.com/example/credit-risk",
    commit="3f9c2ab4d5e6f708192a3b4c5d6e7f8091a2b3c4",
    report="https://example.com/report.html",
    guide="https://example.com/reading-a-report",
)


def written(name, text):
    path = FOLDER / name
    if os.environ.get("MLCI_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8", newline="\n")
    return path.read_bytes().decode()


@pytest.mark.parametrize("name", GOLDEN)
def test_render_comment__golden(name):
    text = render_comment(GOLDEN[name](), links=LINKS, run="1842.1")
    assert text == written(f"{name}.comment.md", text)


@pytest.mark.parametrize("name", ["mixed"])
def test_render_summary__golden(name):
    text = render_summary(GOLDEN[name](), links=LINKS)
    assert text == written(f"{name}.summary.md", text)


@pytest.mark.parametrize("name", GOLDEN)
def test_render_terminal__golden(name):
    text = render_terminal(GOLDEN[name](), width=110)
    assert text == written(f"{name}.terminal.txt", text)


@pytest.mark.parametrize("name", ["mixed", "hostile"])
def test_render_junit__golden(name):
    text = render_all(GOLDEN[name]())["junit.xml"]
    assert text == written(f"{name}.junit.xml", text)


@pytest.mark.parametrize("write", [render_comment, render_summary])
@pytest.mark.parametrize("name", GOLDEN)
def test_render__by_github(name, write):
    report = GOLDEN[name]()
    page = Page(write(report, links=LINKS))
    assert page.unclosed == []
    assert page.tags.count("details") == page.tags.count("summary")
    assert page.references() == []
    assert set(page.tags) <= ALLOWED
    assert all(
        link.startswith(("https://github.com/example/credit-risk/", "https://example.com/")) for link in page.links
    )
    for table in page.tables:
        assert len({len(row) for row in table}) == 1, table
    rows = [row for table in page.tables for row in table if row[0].split(" ")[0] in GLYPHS]
    assert len(rows) == sum(row.outcome != "passed" for row in report.gates)
    assert all(len(row) == 3 for row in rows)
    passed = sum(row.outcome == "passed" for row in report.gates)
    assert [title.split(" ")[0] for title in page.summaries if " passed: " in title] == [str(passed)] * bool(passed)


ALLOWED = {
    *("h2", "p", "strong", "a", "code", "sub", "br", "span", "details", "summary", "ul", "li"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
GLYPHS = {"❌", "🟡", "⛔", "🆕"}


def test_golden_files__one_for_every_case():
    names = {f"{name}.{kind}" for name in GOLDEN for kind in ("comment.md", "terminal.txt")}
    names |= {"mixed.summary.md", "mixed.junit.xml", "hostile.junit.xml"}
    assert {path.name for path in FOLDER.iterdir()} == names
