"""Values of a script's variables and expressions, and names in its syntax tree."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ValueKind = Literal[
    "frame", "series", "array", "split", "model", "predictions", "probabilities", "arguments", "loss", "constant",
    "unknown",
]  # fmt: skip
Part = Literal["train", "test"]


@dataclass(frozen=True, kw_only=True)
class TracedValue:
    """What an expression holds.

    Attributes:
        kind: Kind of object.
        part: Part of a split that it belongs to.
        path: File that its rows were read from.
        frame: Variable of the data frame that it was selected from.
        column: Name, or position from the end or the start, of the one column that it is.
        removed: Columns of the file that were dropped.
        changed: Columns of the file whose cells were assigned again.
        intact: Whether its columns are those of the file, except for ``removed``.
        reindexed: How often its index was replaced since it was read.
        encoded: Whether its cells were replaced by codes.
        equals: Text of the one value that its cells were compared with.
        estimator: Class of the model, such as ``LogisticRegression``.
        source: Text of the features that predictions were made from.
        model: Variable of the model that made the predictions.
        constant: Value of a constant.
        line: Line that it was made at.
        whole: Value that was split.
    """

    kind: ValueKind
    part: Part | None = None
    path: str | None = None
    frame: str | None = None
    column: str | int | None = None
    removed: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    intact: bool = True
    reindexed: int = 0
    encoded: bool = False
    equals: str | None = None
    estimator: str | None = None
    source: str | None = None
    model: str | None = None
    constant: object = None
    line: int = 0
    whole: "TracedValue | None" = None


UNKNOWN = TracedValue(kind="unknown")
Names = Mapping[str, TracedValue]


def variable_of(node: ast.AST) -> str | None:
    """Return the name of a variable, or of an attribute of ``self``; ``None`` for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return f"self.{node.attr}"
    return None


def called_name(node: ast.AST) -> str:
    """Return the last name of what a call calls: ``fit`` for ``model.fit(…)``; empty for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
