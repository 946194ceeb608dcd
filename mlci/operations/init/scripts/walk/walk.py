"""Walk over the statements of a module and of its functions, in the order of execution."""

import ast
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from mlci.operations.init.scripts.batches import batch_values, is_epoch_loop
from mlci.operations.init.scripts.constants import parameter_defaults
from mlci.operations.init.scripts.traced_values import by_name
from mlci.operations.init.scripts.values import TracedValue, variable_of
from mlci.operations.init.scripts.walk.calls import Calls


class Walk(Calls):
    """One walk over a tree that collects its facts."""

    def module(self, tree: ast.Module, without: AbstractSet[str] = frozenset()) -> None:
        """Walk the module, then each function, apart from some, with the names of the module."""
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name not in without]
        for node in functions:
            self.functions.definitions[node.name] = node
        self.block(tree.body)
        shared = dict(self.names)
        for node in functions:
            if node.name not in without:
                self.names = shared
                self.names = {**shared, **self._parameters(node)}
                self.function, self.loops = node.name, int(node.name in self.functions.looped)
                self.epochs = int(node.name in self.functions.repeated)
                self.parameters = {item.arg for item in node.args.args} - {"self"}
                self.own = {
                    name
                    for item in ast.walk(node)
                    if isinstance(item, ast.Name | ast.Attribute)
                    and isinstance(item.ctx, ast.Store)
                    and (name := variable_of(item))
                }
                self.block(node.body)
                shared |= {name: value for name, value in self.names.items() if name.startswith("self.")}

    def _parameters(self, node: ast.FunctionDef) -> dict[str, TracedValue]:
        known = self.functions.arguments.get(node.name, {})
        defaults = {name: TracedValue(kind="constant", constant=value)
                    for name, value in parameter_defaults(node, self.names).items()}  # fmt: skip
        arguments = [*node.args.args, *node.args.kwonlyargs]
        return {item.arg: known.get(item.arg) or defaults.get(item.arg) or by_name(item.arg) for item in arguments}

    def block(self, statements: list[ast.stmt]) -> None:
        """Walk the statements of one block."""
        for statement in statements:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue  # functions, also those of classes, are walked after the module
            blocks = _blocks(statement)
            self._opened(statement)
            for call in _own_calls(statement):
                self._call(call, statement)
            self._compares(statement)
            self._assign(statement)
            loop = isinstance(statement, ast.For | ast.While | ast.AsyncFor)
            if loop and self.batches is None and (values := batch_values(statement, self.names)) is not None:
                self._batches(statement, values)
                continue
            epochs = is_epoch_loop(statement)
            self.loops += loop and not epochs
            self.epochs += epochs
            for block in blocks:
                self.block(block)
            self.loops -= loop and not epochs
            self.epochs -= epochs

    def _batches(self, statement: ast.stmt, values: dict[str, TracedValue]) -> None:
        """Walk a loop over batches; after it, only lists that it fills hold more than the last batch."""
        before, self.batches, self.lists = dict(self.names), statement, {}
        self.names |= values
        for block in _blocks(statement):
            self.block(block)
        self.batches, self.names = None, before | self.lists


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    """Return the blocks inside of a compound statement."""
    blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    blocks[1:1] = [handler.body for handler in getattr(statement, "handlers", [])]
    return [block for block in blocks if block]


def _own_calls(statement: ast.stmt) -> Iterator[ast.Call]:
    """Yield the calls of a statement in the order of evaluation, without those of its blocks."""
    inner = {id(item) for block in _blocks(statement) for item in block}

    def walk(node: ast.AST) -> Iterator[ast.Call]:
        for child in ast.iter_child_nodes(node):
            if id(child) not in inner and not isinstance(child, ast.Lambda):
                yield from walk(child)
        if isinstance(node, ast.Call):
            yield node

    yield from walk(statement)
