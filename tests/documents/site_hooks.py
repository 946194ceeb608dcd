"""Hooks of MkDocs for the documentation site: navigation, links out of `docs`, and pipes in tables.

The navigation is the list of pages in ``docs/README.md``. Links out of the folder lead to the repository on GitHub.
"""

import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import Any

_ENTRY = re.compile(r"^## (?P<section>.+)$|^\*\*(?P<part>[^*]+)\*\*$|\]\((?P<page>[\w/-]+\.md)\)", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"(?P<text>\]\()(?P<target>\.\./[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Set the navigation."""
    config["nav"] = navigation((Path(config["docs_dir"]) / "README.md").read_text("utf-8"))
    return config


def navigation(index: str) -> list[Any]:
    """Return the tree of pages that an index lists: its sections, their parts in bold, and the pages."""
    nav: list[Any] = ["README.md"]
    section = part = nav
    for found in _ENTRY.finditer(index):
        if found["section"]:
            section = part = _branch(nav, found["section"])
        elif found["part"]:
            part = _branch(section, found["part"])
        elif found["page"]:
            part.append(found["page"])
    return nav


def _branch(parent: list[Any], title: str) -> list[Any]:
    parent.append({title: (pages := [])})
    return pages


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Return a page's text whose links out of the documents' folder are addresses of the repository."""
    return bare_pipes(outside_links(markdown, page.file.src_uri, config["repo_url"]))


def bare_pipes(markdown: str) -> str:
    """Return Markdown without the backslash that GitHub needs before a pipe in the code of a table's cell."""
    lines = markdown.split("\n")
    return "\n".join(_CODE.sub(_without_backslash, line) if line.startswith("|") else line for line in lines)


def _without_backslash(code: re.Match[str]) -> str:
    return code[0].replace("\\|", "|")


def outside_links(markdown: str, source: str, repository: str) -> str:
    """Return Markdown whose links out of the folder are absolute; ``source`` is the page's path in the folder."""

    def replace(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(source), found["target"]))
        if path == "docs" or path.startswith("docs/"):
            return found[0]
        kind = "blob" if PurePosixPath(path).suffix else "tree"
        return f"{found['text']}{repository}/{kind}/main/{path}{found['anchor'] or ''})"

    return _LINK.sub(replace, markdown)
