"""Check that custom metrics exist before training starts.

The user's modules are parsed, not imported: no code of a pull request runs before the baseline is made.
"""

import ast
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path

_BY_PARAMETERS = frozenset({"quadratic_weighted_kappa", "linear_weighted_kappa"})
"""mlci's names for functions of scikit-learn with fixed parameters."""


def missing_metric_reason(folder: Path) -> Callable[[str], str | None]:
    """Return a function from a metric to the reason why it can't be imported; ``None`` if it can.

    Args:
        folder: Folder of ``mlci.yml``, which has the user's modules.
    """

    def find(name: str) -> str | None:
        if ":" in name:
            module, _, function = name.partition(":")
            return _find_function(module, function, folder.resolve())
        return _find_sklearn(name)

    return find


def _find_sklearn(name: str) -> str | None:
    try:
        from sklearn import metrics  # noqa: PLC0415 (seconds, and only for such a metric)
    except ImportError:
        return f"`{name}` is one of scikit-learn's metrics, which is not installed: pip install 'mlci[metrics]'"
    if name in _BY_PARAMETERS or hasattr(metrics, name) or name in metrics.get_scorer_names():
        return None
    return f"`{name}` is not in the installed version of scikit-learn"


def _find_function(module: str, function: str, folder: Path) -> str | None:
    file = _file(module, folder)
    if file is None:
        if _is_installed(module):
            return None
        shown = f"{module.replace('.', '/')}.py"
        return f"`{module}:{function}` does not exist: no file `{shown}` in the folder of this file ({folder})"
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        return f"`{module}:{function}` can't be read: {file.name}: {error}"
    names = set(_bound_names(tree.body))
    if function.partition(".")[0] in names or "*" in names or "__getattr__" in names:
        return None
    public = ", ".join(sorted(name for name in names if not name.startswith("_"))[:5]) or "no function"
    return f"`{module}:{function}` does not exist: `{file.name}` has {public}"


def _file(module: str, folder: Path) -> Path | None:
    """Return the source file of a module or package in a folder."""
    place = folder.joinpath(*module.split("."))
    files = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _is_installed(module: str) -> bool:
    """Return whether an installed package may contain a module; its submodules are not checked."""
    try:
        return PathFinder.find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _bound_names(body: list[ast.stmt]) -> Iterator[str]:
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
                    yield from _bound_names([part] if isinstance(part, ast.stmt) else part.body)
