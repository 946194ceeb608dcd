from pathlib import Path

from tests.documents.site_hooks import bare_pipes, navigation, outside_links

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


INDEX = """
# D
[T](t.md), [E](../e/README.md)
## How
**Files**
- [A](h/a.md); [B](h/b.md)
- [C](https://example.org/c.md)
## Why
- [D](w/d.md)
"""


def test_navigation__sections_and_parts_of_the_index():
    assert navigation(INDEX) == [
        "README.md",
        "t.md",
        {"How": [{"Files": ["h/a.md", "h/b.md"]}]},
        {"Why": ["w/d.md"]},
    ]


def flat(nav):
    for entry in nav:
        yield from [entry] if isinstance(entry, str) else flat(next(iter(entry.values())))


def test_navigation__every_page_once():
    pages = sorted(page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md"))
    assert sorted(flat(navigation((ROOT / "docs" / "README.md").read_text("utf-8")))) == pages


def test_folders__few_pages():
    folders = [folder for folder in (ROOT / "docs").rglob("*") if folder.is_dir()]
    assert all(len(list(folder.glob("*.md"))) <= 15 for folder in folders)
    assert list((ROOT / "docs" / "how-to").glob("*.md")) == [], "how-to pages stand in a folder by task"
