"""Texts that an expression of mlci's source can have, with `…` for what is known only when it runs.

Follows names to their assignments, parameters to the calls that pass them, and functions to what they return or yield;
alternatives of conditions are separate texts. Nothing is imported or executed.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from itertools import islice, product
from pathlib import Path

UNKNOWN = "…"
_MOST = 12
_DEEPEST = 6
_WORD = re.compile(r"[A-Za-z]{2,}")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Bound = dict[str, list[str]]


class Module:
    """One file: its functions, constants and imports.

    Attributes:
        path: Where it lies, relative to the repository.
    """

    def __init__(self, path: Path, text: str) -> None:
        """Parse it."""
        self.path = path
        self.text = text

    @cached_property
    def tree(self) -> ast.Module:
        """Syntax tree, parsed when it is needed."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> dict[ast.AST, ast.AST]:
        """Every node with the node around it."""
        found: dict[ast.AST, ast.AST] = {}
        pending: list[ast.AST] = [self.tree]
        while pending:
            node = pending.pop()
            children = list(ast.iter_child_nodes(node))
            found |= dict.fromkeys(children, node)
            pending += children
        return found

    @cached_property
    def calls(self) -> dict[str, list[ast.Call]]:
        """Calls by the last name of what is called."""
        found: dict[str, list[ast.Call]] = defaultdict(list)
        for node in self.nodes:
            if isinstance(node, ast.Call):
                found[called(node)].append(node)
        return found

    @cached_property
    def functions(self) -> dict[str, list[Function]]:
        """Functions and methods by name."""
        found: dict[str, list[Function]] = defaultdict(list)
        for node in self.nodes:
            if isinstance(node, Function):
                found[node.name].append(node)
        return found

    @cached_property
    def _assignments(self) -> dict[Function | None, dict[str, list[ast.expr]]]:
        found: dict[Function | None, dict[str, list[ast.expr]]] = defaultdict(lambda: defaultdict(list))
        for node in self.nodes:
            for name, value in _targets(node):
                found[self.function_of(node)][name].append(value)
        return found

    @cached_property
    def imported(self) -> dict[str, tuple[str, str]]:
        """Names that come from other modules of the package: ``{name: (module, name there)}``."""
        nodes = (node for node in self.nodes if isinstance(node, ast.ImportFrom) and node.module)
        return {one.asname or one.name: (str(node.module), one.name) for node in nodes for one in node.names}

    def function_of(self, node: ast.AST) -> Function | None:
        """Return the function around a node."""
        while (node := self.nodes.get(node)) is not None:
            if isinstance(node, Function):
                return node
        return None

    def assigned(self, name: str, function: Function | None) -> list[ast.expr]:
        """Return what a name is set to in a function, or at the top of the module."""
        return self._assignments[function][name]


def _targets(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    pairs: list[tuple[ast.expr, ast.expr]] = []
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value) for target in node.targets]
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value:
        pairs = [(node.target, node.value)]
    elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Call):
        targets = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
        indices = range(len(targets)) if isinstance(node.target, ast.Tuple) else [-1]
        pairs = [
            (one, ast.Subscript(node.iter, ast.Constant(index))) for one, index in zip(targets, indices, strict=True)
        ]
    for target, value in pairs:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            yield from ((one.id, own) for one, own in zip(target.elts, value.elts, strict=False) if _is_name(one))
        elif isinstance(target, ast.Name):
            yield target.id, value


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


class Texts:
    """Texts of expressions in a package."""

    def __init__(self, root: Path, package: str) -> None:
        """Read every file of a package."""
        paths = sorted((root / package).rglob("*.py"))
        modules = (Module(path.relative_to(root), path.read_text("utf-8")) for path in paths)
        self.modules = {_dotted(module.path): module for module in modules}
        self._calls: dict[str, list[tuple[Module, ast.Call]]] = {}

    def calls(self, name: str) -> list[tuple[Module, ast.Call]]:
        """Return the calls of a function or class, with their files."""
        if name not in self._calls:
            modules = [module for module in self.modules.values() if f"{name}(" in module.text]
            self._calls[name] = [(module, call) for module in modules for call in module.calls[name]]
        return self._calls[name]

    def of(self, node: ast.expr | None, module: Module, bound: Bound | None = None, depth: int = 0) -> list[str]:
        """Return the texts that an expression can have."""
        if depth > _DEEPEST or node is None:
            return [UNKNOWN]
        found = self._of(node, module, bound or {}, depth + 1)
        return list(islice(dict.fromkeys(found), _MOST)) or [UNKNOWN]

    def _of(self, node: ast.expr, module: Module, bound: Bound, depth: int) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield from self._joined(parts, module, bound, depth)
            case ast.FormattedValue(value=value, conversion=-1):
                found = self.of(value, module, bound, depth)
                yield from found if any(map(is_sentence, found)) else [UNKNOWN]  # short texts are values
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from self._joined([left, right], module, bound, depth)
            case ast.IfExp(body=body, orelse=other):
                yield from self.of(body, module, bound, depth)
                yield from self.of(other, module, bound, depth)
            case ast.BoolOp(values=values):
                for value in values:
                    yield from self.of(value, module, bound, depth)
            case ast.Name(id=name):
                yield from self._named(name, node, module, bound, depth)
            case _:
                yield from self._elsewhere(node, module, bound, depth)

    def _elsewhere(self, node: ast.expr, module: Module, bound: Bound, depth: int) -> Iterator[str]:
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if other := self._module(owner, module):
                for value in other.assigned(name, None):
                    yield from self.of(value, other, None, depth)
            case ast.Call():
                yield from self._returned(node, module, bound, depth)
            case ast.Subscript(value=ast.Call() as call, slice=ast.Constant(value=int(index))):
                yield from self._yielded(call, index, module, depth)
            case _:
                yield UNKNOWN

    def _joined(self, parts: list[ast.expr], module: Module, bound: Bound, depth: int) -> Iterator[str]:
        choices = [self.of(part, module, bound, depth) for part in parts]
        yield from map("".join, islice(product(*choices), _MOST))

    def _named(self, name: str, node: ast.expr, module: Module, bound: Bound, depth: int) -> Iterator[str]:
        function = module.function_of(node)
        if name in bound:
            yield from bound[name]
        elif function and (values := module.assigned(name, function)):
            for value in values:
                yield from self.of(value, module, bound, depth)
        elif function and name in (parameters := _parameters(function)):
            inside = isinstance(module.nodes.get(node), ast.FormattedValue)
            yield from [UNKNOWN] if inside else self._passed(module, function, parameters.index(name), name, depth)
        elif values := module.assigned(name, None):
            for value in values:
                yield from self.of(value, module, None, depth)
        elif (home := self._home(name, module)) is not None:
            for value in home[0].assigned(home[1], None):
                yield from self.of(value, home[0], None, depth)
        else:
            yield UNKNOWN

    def _passed(self, home: Module, function: Function, index: int, name: str, depth: int) -> Iterator[str]:
        """Yield the texts that calls pass as a parameter; a private function is called in its own file."""
        for module, call in self.calls(function.name):
            if function.name.startswith("_") and module is not home:
                continue
            shift = int(_parameters(function)[:1] in (["self"], ["cls"]))
            keyword = next((one.value for one in call.keywords if one.arg == name), None)
            position = index - shift
            given = keyword or (call.args[position] if 0 <= position < len(call.args) else None)
            if given is not None:
                yield from self.of(given, module, None, depth)

    def _returned(self, call: ast.Call, module: Module, bound: Bound, depth: int) -> Iterator[str]:
        """Yield the texts that a called function returns."""
        home, name = self._home(called(call), module) or (module, called(call))
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            home = self._module(call.func.value.id, module) or home
        known = home.functions.get(name, []) if not _is_text_method(call) else []
        for function in known:
            parameters = [one for one in _parameters(function) if one not in ("self", "cls")]
            values = {
                name: self.of(value, module, bound, depth) for name, value in zip(parameters, call.args, strict=False)
            }
            values |= {one.arg: self.of(one.value, module, bound, depth) for one in call.keywords if one.arg}
            unset = {name: [UNKNOWN] for name in parameters}
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value and home.function_of(node) is function:
                    yield from self.of(node.value, home, unset | values, depth)
        if not known:
            yield UNKNOWN

    def _yielded(self, call: ast.Call, index: int, module: Module, depth: int) -> Iterator[str]:
        """Yield the texts at a place of the tuples that a generator yields; at -1, those that it yields itself."""
        home, name = self._home(called(call), module) or (module, called(call))
        for function in home.functions.get(name, []):
            for node in ast.walk(function):
                value = node.value if isinstance(node, ast.Yield) else None
                if index < 0:
                    yield from self.of(value, home, None, depth) if value else []
                elif isinstance(value, ast.Tuple) and index < len(value.elts):
                    yield from self.of(value.elts[index], home, None, depth)
                elif isinstance(node, ast.YieldFrom) and isinstance(node.value, ast.Call) and depth < _DEEPEST:
                    yield from self._yielded(node.value, index, home, depth + 1)

    def _module(self, name: str, module: Module) -> Module | None:
        """Return the module of the package that an imported name is."""
        where, own = module.imported.get(name, ("", ""))
        return self.modules.get(f"{where}.{own}")

    def _home(self, name: str, module: Module) -> tuple[Module, str] | None:
        """Return the module of the package in which an imported name is defined."""
        for _ in range(_DEEPEST):
            if name not in module.imported:
                return None
            where, name = module.imported[name]
            if where not in self.modules:
                return None
            module = self.modules[where]
            if name in module.functions or module.assigned(name, None):
                return module, name
        return None


def called(call: ast.Call) -> str:
    """Return the last name of what is called: ``problem`` of ``loaded.problem(…)``."""
    function = call.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def is_sentence(text: str) -> bool:
    """Return if a text has enough words of its own to be a message."""
    return len(_WORD.findall(text)) >= 3


def _is_text_method(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in {"join", "format", "replace", "strip", "lower"}


def _parameters(function: Function) -> list[str]:
    known = function.args
    return [one.arg for one in (*known.posonlyargs, *known.args, *known.kwonlyargs)]


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")
