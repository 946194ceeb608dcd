"""Demands of a script on its command line: modules that Python has to find, and arguments."""

import ast

from mlci.operations.init.scripts.values import called_name

_OPENS = {"join", "open", "load", "load_model", "listdir", "makedirs", "Path"}


def imported_modules(tree: ast.Module) -> frozenset[str]:
    """Return the modules that a script imports, without what follows a dot; relative imports are left out."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return frozenset(names)


def find_argument(tree: ast.Module) -> int | None:
    """Return the line of the first argument that a script can't do without; ``None`` if it needs none.

    A script that tests if there are more arguments than none has a default for them.
    """
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.Compare) and _tests_for_more(node) for node in nodes):
        return None
    subscripts = (node for node in nodes if isinstance(node, ast.Subscript) and _is_argument(node))
    opened = _opened_arguments(nodes)
    calls = (node for node in nodes if isinstance(node, ast.Call) and _requires_argument(node, opened))
    return min((node.lineno for node in (*subscripts, *calls)), default=None)


def _is_argument(node: ast.Subscript) -> bool:
    return ast.unparse(node.value) == "sys.argv" and isinstance(node.slice, ast.Constant) and node.slice.value != 0


def _opened_arguments(nodes: list[ast.AST]) -> set[str]:
    """Return the attributes that a call takes as a path, such as ``data`` of ``pd.read_csv(args.data)``."""
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    opening = [node for node in calls if called_name(node) in _OPENS or called_name(node).startswith("read_")]
    return {argument.attr for node in opening for argument in node.args if isinstance(argument, ast.Attribute)}


def _requires_argument(node: ast.Call, opened: set[str]) -> bool:
    """Return whether a call declares an argument that is positional or required, or a path without a default."""
    if called_name(node) != "add_argument" or not node.args or not isinstance(node.args[0], ast.Constant):
        return False
    given = {item.arg: item.value.value for item in node.keywords if isinstance(item.value, ast.Constant)}
    optional = given.get("nargs") in {"?", "*"} or any(item.arg == "default" for item in node.keywords)
    positional = not str(node.args[0].value).startswith("-") and not optional
    path = str(node.args[0].value).lstrip("-").replace("-", "_") in opened and not optional
    return given.get("required") is True or positional or path


def _tests_for_more(node: ast.Compare) -> bool:
    return ast.unparse(node.left) == "len(sys.argv)" and isinstance(node.ops[0], ast.Gt | ast.GtE)
