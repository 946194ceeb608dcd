"""Notebooks as scripts: code cells in their order, and a changed script written back into its cells.

Lines of IPython (``%matplotlib``, ``!pip``) become placeholders in the script, and return unchanged.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

_MAGIC = re.compile(r"^(\s*)(%|!|\?|[\w.]+\?)")
_MARK = "# %% mlci cell "
_HELD = "pass  # mlci line "
_INDENTS = (1, 2, 4, None)


@dataclass(frozen=True)
class NotebookScript:
    """A notebook's code as one script.

    Attributes:
        text: The script; a comment line with the number of the cell precedes each cell.
        lines: Lines that are not Python, by the number of their placeholder.
    """

    text: str
    lines: tuple[str, ...]


def notebook_script(text: str) -> NotebookScript | None:
    """Return the code of a notebook; ``None`` if it is not one, or could not be written back without other changes."""
    tree = _read(text)
    if tree is None or _form(text, tree) is None:
        return None
    parts: list[str] = []
    held: list[str] = []
    for number, cell in enumerate(tree["cells"]):
        if cell.get("cell_type") == "code":
            parts += [f"{_MARK}{number}", *_code(_source(cell), held)]
    return NotebookScript("\n".join(parts) + "\n", tuple(held))


def write_notebook(text: str, script: NotebookScript, changed: str) -> str:
    """Return the text of a notebook with the cells of a changed script; cells that did not change stay as they are."""
    tree = _read(text) or {}
    before, after = _cells(script.text, script), _cells(changed, script)
    for number, source in after.items():
        if source != before.get(number):
            cell = tree["cells"][number]
            cell["source"] = source.splitlines(keepends=True) if isinstance(cell["source"], list) else source
    form = _form(text, _read(text) or {})
    return text if form is None else _write(tree, *form)


def cell_of(script: str, line: int) -> tuple[int, int]:
    """Return the number of the cell, counted from 1, that has a line of the script, and the line in that cell."""
    marks = [number for number, item in enumerate(script.splitlines(), 1) if item.startswith(_MARK) and number <= line]
    start = marks[-1]
    return int(script.splitlines()[start - 1].removeprefix(_MARK)) + 1, line - start


def _read(text: str) -> dict[str, Any] | None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    cells = tree.get("cells") if isinstance(tree, dict) else None
    fitting = isinstance(cells, list) and all(isinstance(cell, dict) and "source" in cell for cell in cells)
    return tree if fitting else None


def _form(text: str, tree: dict[str, Any]) -> tuple[int | None, bool, str] | None:
    """Return indentation, escapes and ending with which the notebook was written; ``None`` if it was another writer."""
    ending = "\n" if text.endswith("\n") else ""
    forms = [(indent, ascii_only, ending) for indent in _INDENTS for ascii_only in (False, True)]
    return next((form for form in forms if _write(tree, *form) == text), None)


def _write(tree: dict[str, Any], indent: int | None, ascii_only: bool, ending: str) -> str:
    return json.dumps(tree, indent=indent, ensure_ascii=ascii_only) + ending


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _code(source: str, held: list[str]) -> list[str]:
    """Return the lines of a cell, with a placeholder for each line of IPython, or for all lines of a ``%%`` cell."""
    other = source.lstrip().startswith("%%")
    lines = []
    for line in source.split("\n"):
        found = _MAGIC.match(line)
        if other or found:
            held.append(line)
            lines.append(f"{'' if other or not found else found[1]}{_HELD}{len(held) - 1}")
        else:
            lines.append(line)
    return lines


def _cells(script: str, notebook: NotebookScript) -> dict[int, str]:
    """Return the source of each cell in a script."""
    cells: dict[int, list[str]] = {}
    number = -1
    for line in script.removesuffix("\n").split("\n"):
        if line.startswith(_MARK):
            number = int(line.removeprefix(_MARK))
            cells[number] = []
        else:
            bare = line.strip()
            kept = bare.startswith(_HELD) and notebook.lines[int(bare.removeprefix(_HELD))]
            cells[number].append(kept or line)
    return {number: "\n".join(lines) for number, lines in cells.items()}
