"""Names of the numbers that a script writes to a metrics file, read from its syntax tree."""

import ast
from collections.abc import Iterator

from mlci.execution.metrics_history import COUNTERS
from mlci.operations.init.scripts.values import called_name

_DUMPS = {"dump", "dumps", "safe_dump"}
_LOGS = {"log_metric"}
_MOST_DEEP = 3


def written_names(text: str) -> list[str]:
    """Return the names of the numbers that a script dumps or logs, such as ``val.auc`` for a nested one.

    What is dumped is a dictionary in the call, or a variable with the keys that the script gives it, or that each entry
    of its list of epochs has.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    dumped = [call.args[0] for call in calls if called_name(call) in _DUMPS]
    logged = [call.args[0] for call in calls if called_name(call) in _LOGS]
    names = [name for node in dumped for name in _names_of(node, tree)]
    names += [
        node.value.replace("/", ".")
        for node in logged
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return list(dict.fromkeys(names))


def _names_of(node: ast.expr, tree: ast.Module) -> Iterator[str]:
    if isinstance(node, ast.Dict):
        yield from _keys(node, "", 0)
    elif isinstance(node, ast.Name):
        for statement in ast.walk(tree):
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    yield from _assigned(target, statement.value, node.id)
            elif isinstance(statement, ast.Call) and called_name(statement) == "append":
                yield from _appended(statement, node.id)


def _assigned(target: ast.expr, value: ast.expr, variable: str) -> Iterator[str]:
    """Yield the keys that an assignment to a variable, or to one of its keys, gives it."""
    if isinstance(target, ast.Name) and target.id == variable and isinstance(value, ast.Dict):
        yield from _keys(value, "", 0)
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == variable:
        key = target.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield from _keys(value, f"{key.value}.", 1) if isinstance(value, ast.Dict) else [key.value]


def _appended(call: ast.Call, variable: str) -> Iterator[str]:
    """Yield the keys of an object that a list gets for each epoch."""
    home = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(home, ast.Name) and home.id == variable and call.args and isinstance(call.args[0], ast.Dict):
        names = list(_keys(call.args[0], "", 0))
        yield from (name for name in names if name not in COUNTERS) if COUNTERS & set(names) else ()


def _keys(node: ast.Dict, before: str, depth: int) -> Iterator[str]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            if isinstance(value, ast.Dict) and depth < _MOST_DEEP:
                yield from _keys(value, f"{before}{key.value}.", depth + 1)
            elif not isinstance(value, ast.Constant) or isinstance(value.value, int | float):
                yield before + key.value
