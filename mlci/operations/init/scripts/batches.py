"""Loops over batches and epochs, and comparisons by which a script counts right decisions without a metric function."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from mlci.operations.init.scripts.traced_values import by_name, trace
from mlci.operations.init.scripts.values import Names, TracedValue, called_name, variable_of

COLLECTED_LABELS, COLLECTED_DECISIONS = "mlci_labels", "mlci_decisions"
"""Lists that are added to a loop over batches."""
_LOADER = re.compile(r"load|batch|iter\b|dataset|(^|_|\.)d[ls]\b", re.IGNORECASE)
_NOT_BATCHES = {"zip", "items", "split", "range", "iterrows", "itertuples", "groupby"}
_COUNTS = {"sum", "mean", "count_nonzero"}
_WRAPPERS = {"enumerate", "tqdm"}


def is_epoch_loop(statement: ast.stmt) -> bool:
    """Return whether a loop repeats a training, so that what its last turn writes is that of the final model."""
    if not isinstance(statement, ast.For):
        return False
    return (
        re.search(r"epoch", f"{ast.unparse(statement.target)} {ast.unparse(statement.iter)}", re.IGNORECASE) is not None
    )


def batch_values(statement: ast.stmt, names: Names) -> dict[str, TracedValue] | None:
    """Return what the variables of a loop over the batches of one part hold; ``None`` for any other loop."""
    if not isinstance(statement, ast.For):
        return None
    source, target = statement.iter, statement.target
    while called_name(source) in _WRAPPERS and isinstance(source, ast.Call) and source.args:
        if called_name(source) == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) > 1:
            target = target.elts[1]
        source = source.args[0]
    part = trace(source, names).part
    text = ast.unparse(source)
    if part is None or called_name(source) in _NOT_BATCHES or not _LOADER.search(text):
        return None
    items = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    values = {name: TracedValue(kind="unknown", part=part) for item in items if (name := variable_of(item))}
    if len(items) > 1 and (label := variable_of(items[-1])):
        values[label] = TracedValue(kind="unknown", part=part, column="label", encoded=True)
    return values


def evaluates_batches(value: ast.expr) -> bool:
    """Return whether an expression passes batches on, as `predict(model, test_loader)` does; `next` takes one."""
    names = (variable_of(node) or "" for node in ast.walk(value))
    return called_name(value) != "next" and any(_LOADER.search(name) for name in names)


def unpacked_values(targets: list[str | None], value: TracedValue) -> list[TracedValue]:
    """Return what the names hold that a batch, or the result of a call, is unpacked into: its part, by their names."""
    known = [by_name(name or "") for name in targets]
    return [replace(one, part=one.part or value.part) for one in known]


def collected_list(statement: ast.stmt, names: Names) -> tuple[str, TracedValue] | None:
    """Return the list that a statement in a loop adds a batch to, with what it holds then; ``None`` for any other."""
    home: ast.AST | None = None
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if called_name(call) in {"extend", "append"} and isinstance(call.func, ast.Attribute) and call.args:
            home, added = call.func.value, call.args[0]
    elif isinstance(statement, ast.AugAssign) and called_name(statement.value) in {"tolist", "list"}:
        home, added = statement.target, statement.value
    elif isinstance(statement, ast.Assign) and called_name(statement.value) in {
        "append",
        "concatenate",
        "cat",
        "hstack",
    }:
        home, added = statement.targets[0], statement.value
    name = variable_of(home) if home is not None else None
    if name is None or (value := trace(added, names)).part is None:
        return None
    return name, replace(value, kind="unknown")


def comparisons(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr, str | None]]:
    """Yield the two sides of each comparison whose hits a statement counts, as `(decisions == labels).sum()` does.

    The third part is the metric of averaged differences: `mean_squared_error` for `((predicted - y) ** 2).mean()`.
    """
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Return):
        return
    nodes = list(ast.walk(statement))
    if not any(called_name(node) in _COUNTS for node in nodes):
        return
    for node in nodes:
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            yield node.left, node.comparators[0], None
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and (error := _error_metric(nodes)):
            yield node.left, node.right, error
        elif isinstance(node, ast.Call) and called_name(node) == "eq" and node.args:
            first = (
                node.args[0]
                if len(node.args) > 1
                else node.func.value
                if isinstance(node.func, ast.Attribute)
                else None
            )
            if first is not None:
                yield first, node.args[-1], None


def _error_metric(nodes: list[ast.AST]) -> str | None:
    """Return the metric of a statement that averages differences, by what it does with them; ``None`` for others."""
    squared = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) for node in nodes)
    if squared or any(called_name(node) == "square" for node in nodes):
        return "mean_squared_error"
    return "mean_absolute_error" if any(called_name(node) in {"abs", "absolute"} for node in nodes) else None


def as_list(node: ast.expr, text: str) -> str:
    """Return Python for the values of a tensor or an array as a list, on whatever device it is."""
    simple = isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript)
    return f"{text if simple else f'({text})'}.flatten().tolist()"
