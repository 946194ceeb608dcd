"""Surroundings of a script: the repository's own modules that it imports, files of parameters, and arguments."""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from mlci.operations.init.scripts.values import called_name

_MOST_MODULES = 20
_QUIET = {"getLogger", "Path", "compile"}
_OPENS = {"join", "open", "load", "load_model", "listdir", "makedirs", "Path"}


def imported_modules(tree: ast.Module) -> frozenset[str]:
    """Return the modules that a script imports, without what follows a dot; relative imports begin with one."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            names.add("." * node.level + (node.module or node.names[0].name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return frozenset(names)


def own_modules(tree: ast.Module, path: str, files: Collection[str]) -> list[str]:
    """Return the files of the repository that a script imports, in the order of their names.

    Modules are looked for at the top, in the script's folder and in ``src``, and relative imports from that folder.
    """
    home = PurePosixPath(path).parent
    found: dict[str, None] = {}
    for level, names in _imports(tree):
        start = home.parents[level - 2] if level > 1 and len(home.parents) > level - 2 else home
        places = [start] if level else [PurePosixPath(), home, PurePosixPath("src")]
        for name in names:
            parts = (place.joinpath(*name.split(".")).as_posix() for place in places)
            tried = (text for part in parts for text in (f"{part}.py", f"{part}/__init__.py"))
            if (one := next((text for text in tried if text in files), None)) is not None and one != path:
                found[one] = None
    return sorted(found)


def _imports(tree: ast.Module) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of dots of each import, and the modules that it may name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield 0, [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            before = f"{node.module}." if node.module else ""
            yield node.level, [*([node.module] if node.module else []), *(f"{before}{one.name}" for one in node.names)]


def does_something(tree: ast.Module) -> bool:
    """Return whether a module, when it is run, does more than to define and to import."""
    quiet = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Pass
    return any(not isinstance(node, quiet) and not _is_plain(node) for node in tree.body)


def reaches_line(tree: ast.Module, line: int) -> bool:
    """Return whether a line may be executed when the module is run: not in a function that nothing names."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    started = [
        node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    named = {name for node in started for name in _names_in(node)}
    waiting = list(functions)
    while found := [node for node in waiting if node.name in named or node.name.startswith("__")]:
        named |= {name for node in found for name in _names_in(node)}
        waiting = [node for node in waiting if node not in found]
    return not any(node.lineno <= line <= (node.end_lineno or node.lineno) for node in waiting)


def _names_in(node: ast.AST) -> set[str]:
    found = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return found | {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}


def _is_plain(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) else node
    calls = [one for one in ast.walk(value) if isinstance(one, ast.Call)] if value is not None else []
    return not isinstance(value, ast.stmt) and all(called_name(one) in _QUIET for one in calls)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a script finds beside it: the repository's own modules, and files of parameters such as ``params.yaml``.

    Attributes:
        texts: Texts of Python files by path.
        parameters: Contents of files of parameters by path.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """Syntax trees of the files that are Python."""
        read = {path: parse_script(text) for path, text in self.texts.items()}
        return {path: tree for path, tree in read.items() if tree is not None}

    def reached(self, path: str, tree: ast.Module) -> dict[str, ast.Module]:
        """Return the repository's modules that a script imports, also by way of others; the innermost first."""
        found: dict[str, ast.Module] = {}
        waiting = [(path, tree)]
        while waiting and len(found) < _MOST_MODULES:
            home, one = waiting.pop(0)
            for name in own_modules(one, home, self.trees):
                if name not in found and name != path:
                    found[name] = self.trees[name]
                    waiting.append((name, self.trees[name]))
        return dict(reversed(found.items()))


def parse_script(text: str) -> ast.Module | None:
    """Return the syntax tree of a script; ``None`` if it is not Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


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
