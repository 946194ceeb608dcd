"""Links out of `docs` and pipes in tables, as the documentation site needs them.

MkDocs calls :func:`on_page_markdown` for each page. On GitHub the same links lead to the files of the same commit.
"""

import posixpath
import re
from pathlib import PurePosixPath
from typing import Any

_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"(?P<text>\]\()(?P<target>\.\./[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")


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
