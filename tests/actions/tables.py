"""Tables of inputs and outputs, from the actions themselves; `python -m tests.actions.tables` writes them."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PAGE = "docs/github.md"
_MARK = re.compile(r"(<!-- table: (\S+) (inputs|outputs) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, tree: Path) -> str:
    """Return the page with every marked table written anew."""
    return _MARK.sub(lambda mark: f"{mark[1]}\n{table(tree / mark[2], mark[3])}\n{mark[4]}", page)


def table(path: Path, kind: str) -> str:
    """Return a table of an action's or a reusable workflow's inputs or outputs."""
    content = YAML(typ="safe").load(path.read_text("utf-8"))
    entries = (content if "runs" in content else content["on"]["workflow_call"]).get(kind, {})
    if not entries:
        return f"No {kind}.\n"
    if kind == "outputs":
        described = ((f"`{name}`", entry["description"]) for name, entry in entries.items())
        return _lines(("output", "what it is"), described)
    rows = ((f"`{name}`", _default(entry), entry["description"]) for name, entry in entries.items())
    return _lines(("input", "default", "what it is"), rows)


def _default(entry: dict[str, Any]) -> str:
    value = entry.get("default", "")
    return f"`{value}`" if value != "" else "empty"


def _lines(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [list(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (cells[0], ["---"] * len(cells[0]), *cells[1:]))


if __name__ == "__main__":
    (ROOT / PAGE).write_text(filled((ROOT / PAGE).read_text("utf-8"), ROOT), "utf-8")
