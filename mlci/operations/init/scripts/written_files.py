"""Tables and metrics files that a call writes, such as `open("scores.csv", "w")` or `numpy.savetxt`."""

import ast
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Literal

from mlci.operations.init.inventory import TABLES
from mlci.operations.init.scripts.values import called_name

_PATH_FIRST = {"to_csv", "to_parquet", "to_json", "to_feather", "savetxt", "savez", "savez_compressed"}
"""Methods of pandas and functions of NumPy that write a table."""
_PATH_FIRST_OR_SECOND = {
    "write_csv", "write_parquet", "write_json", "write_ndjson", "write_ipc", "write_table", "write_feather",
}  # fmt: skip
"""Methods of Polars, which take the path first, and functions of PyArrow, which take it after the table."""
_KEYWORDS = {"path_or_buf", "path", "fname", "file", "where", "dest", "output_file"}
_METRICS = {".json", ".yaml", ".yml", ".toml"}
PathOf = Callable[[ast.expr], str | None]
WrittenKind = Literal["table", "metrics"]


def find_written(call: ast.Call, path_of: PathOf) -> tuple[WrittenKind, str | None] | None:
    """Return the kind and the path of what a call writes; ``None`` if it writes neither a table nor metrics.

    Args:
        call: The call.
        path_of: Returns the path that an expression is; ``None`` if the tree does not show it.
    """
    name = called_name(call)
    if name in _PATH_FIRST | _PATH_FIRST_OR_SECOND:
        places = _places(call, 2 if name in _PATH_FIRST_OR_SECOND else 1)
        return ("table", next(filter(None, map(path_of, places)), None)) if places else None
    if name not in {"open", "write_text", "write_bytes"} or (name == "open" and not _opens_to_write(call)):
        return None
    path = opened_path(call, path_of) or ""
    if path.lower().endswith(TABLES):
        return "table", path
    return ("metrics", path) if PurePosixPath(path).suffix.lower() in _METRICS else None


def opened_path(call: ast.Call, path_of: PathOf) -> str | None:
    """Return the path of `open(path)`, `Path(path).open()` or `Path(path).write_text(…)`."""
    if isinstance(call.func, ast.Attribute) and (path := path_of(call.func.value)):
        return path
    return next(filter(None, map(path_of, _places(call, 1))), None)


def _places(call: ast.Call, positions: int) -> list[ast.expr]:
    """Return the arguments that may be the path: the first ones, and those with a keyword for it."""
    return [*call.args[:positions], *(item.value for item in call.keywords if item.arg in _KEYWORDS)]


def _opens_to_write(call: ast.Call) -> bool:
    """Return whether a call of `open` has a mode that writes."""
    named = [item.value for item in call.keywords if item.arg == "mode"]
    modes = [node.value for node in (*call.args[:2], *named) if isinstance(node, ast.Constant)]
    return any(isinstance(mode, str) and set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in modes)
