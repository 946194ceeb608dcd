import re
from pathlib import Path

from tests.documents.site_links import bare_pipes, outside_links

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://example.org/o/r"


def test_outside_links__point_at_the_repository():
    text = "[a](../../mlci/x.py) [b](../reference/m.md#k) [c](../../examples/e) ![d](../images/c.png) [e](x.md)"
    assert outside_links(text, "how-to/p.md", REPOSITORY) == (
        f"[a]({REPOSITORY}/blob/main/mlci/x.py) [b](../reference/m.md#k) [c]({REPOSITORY}/tree/main/examples/e) "
        "![d](../images/c.png) [e](x.md)"
    )
    assert outside_links("[a](../README.md#on-github)", "p.md", REPOSITORY) == (
        f"[a]({REPOSITORY}/blob/main/README.md#on-github)"
    )


def test_bare_pipes__code_in_tables_only():
    assert bare_pipes("| `a\\|b` | c\\|d |\n`a\\|b`") == "| `a|b` | c\\|d |\n`a\\|b`"


def test_navigation__every_page_once():
    listed = re.findall(r"^ +- (?:[\w ]+: )?([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    pages = sorted(page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md"))
    assert sorted(listed) == pages
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    assert [page for page in pages if f"({page})" not in index and page != "README.md"] == []
