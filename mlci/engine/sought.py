"""Whether a metric that is not mlci's own is there to be had, before anything is trained.

A module of the user's is looked at, not imported: nothing of a pull request runs before the baseline is made.
"""

import ast
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from mlci.engine.custom import row_metric
from mlci.errors import InputError


def lack(folder: Path) -> Callable[[str, str], str | None]:
    """Return a finder of what keeps a metric of a task from being measured, in words; ``None`` if nothing does.

    Args:
        folder: Where modules of the user's lie, beside ``mlci.yml``.
    """

    def find(name: str, task: str) -> str | None:
        if ":" in name:
            module, _, function = name.partition(":")
            return _own(module, function, folder.resolve())
        try:
            row_metric(folder)(name, task)
        except InputError as error:
            return str(error)
        return None

    return find


def _own(module: str, function: str, folder: Path) -> str | None:
    file = _file(module, folder)
    if file is None:
        if _installed(module):
            return None
        shown = f"{module.replace('.', '/')}.py"
        return f"`{module}:{function}` is not there: no file `{shown}` in the folder of this file ({folder})"
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        return f"`{module}:{function}` can't be read: {file.name}: {error}"
    names = set(_bound(tree.body))
    if function in names or "*" in names or "__getattr__" in names:
        return None
    public = ", ".join(sorted(name for name in names if not name.startswith("_"))[:5]) or "no function"
    return f"`{module}:{function}` is not there: `{file.name}` has {public}"


def _file(module: str, folder: Path) -> Path | None:
    """Return the source of a module in a folder, or of a package."""
    place = folder.joinpath(*module.split("."))
    files = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _installed(module: str) -> bool:
    """Say whether something that is installed may hold a module; its own parts are not looked at."""
    try:
        return PathFinder.find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements bind, those within ``if`` and ``try`` too; ``*`` for an import of everything."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        else:
            names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
            yield from (name.id for name in names if isinstance(name.ctx, ast.Store))
            for name in ("body", "orelse", "handlers", "finalbody", "cases"):
                for part in getattr(node, name, []):
                    yield from _bound([part] if isinstance(part, ast.stmt) else part.body)
