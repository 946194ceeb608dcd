"""Imports in source files, found without looking into expressions, which are most of a syntax tree."""

import ast
from collections.abc import Callable, Iterable, Iterator

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def statements(nodes: Iterable[ast.AST], skipped: Callable[[ast.AST], bool] | None = None) -> Iterator[ast.AST]:
    """Yield all statements in these nodes, also those in functions and classes; ``skipped`` leaves out whole ones."""
    for node in nodes:
        if skipped is None or not skipped(node):
            yield node
            for block in _BLOCKS:
                yield from statements(getattr(node, block, ()), skipped)


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the absolute names that import statements among these name."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
