"""Generated tables of inputs and outputs, and the variant of a workflow with an identity.

`python -m tests.actions.tables` writes both. A called workflow can't ask for a permission that its caller lacks, not
even in a job that is skipped, so `id-token: write` needs a separate workflow.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PAGE = "docs/reference/actions.md"
PLAIN, OIDC = ".github/workflows/model-ci.yml", ".github/workflows/model-ci-oidc.yml"
_TRAINS = "      contents: read # to check the code out; this job runs it, and can write nothing\n"
_IDENTITY = "      id-token: write # for a cloud's short-lived credentials, which training asks for\n"
_MARK = re.compile(r"(<!-- table: (\S+) (inputs|outputs) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill_tables(page: str, tree: Path) -> str:
    """Return the page with every marked table rewritten."""
    return _MARK.sub(lambda mark: f"{mark[1]}\n{table(tree / mark[2], mark[3])}\n{mark[4]}", page)


def with_identity(workflow: str) -> str:
    """Return model-ci.yml with `id-token: write` in the job that trains."""
    head = (
        "# Generated from model-ci.yml by `make docs`: the same, with an identity for clouds in the job that trains.\n"
    )
    return head + workflow.replace("name: model-ci\n", "name: model-ci-oidc\n").replace(_TRAINS, _TRAINS + _IDENTITY)


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
    (ROOT / PAGE).write_text(fill_tables((ROOT / PAGE).read_text("utf-8"), ROOT), "utf-8")
    (ROOT / OIDC).write_text(with_identity((ROOT / PLAIN).read_text("utf-8")), "utf-8")
