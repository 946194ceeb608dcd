"""Losses of a regression in PyTorch, by which a script that has no other metric compares predictions with labels."""

import ast

from mlci.operations.init.scripts.values import Names, TracedValue, called_name, variable_of

REGRESSION_LOSSES = {
    "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss",
}  # fmt: skip


def made_loss(node: ast.Call) -> TracedValue | None:
    """Return the loss that a call such as ``nn.MSELoss()`` makes; ``None`` if it makes none."""
    name = called_name(node)
    return TracedValue(kind="loss", estimator=name, line=node.lineno) if name in REGRESSION_LOSSES else None


def compared_by_loss(call: ast.Call, names: Names) -> tuple[str, ast.expr, ast.expr] | None:
    """Return the loss that a call computes, with predictions and labels; ``None`` for any other call.

    PyTorch takes the predictions first, as ``criterion(pred, y)`` and ``F.mse_loss(pred, y)`` do.
    """
    if len(call.args) != 2:
        return None
    held = names.get(variable_of(call.func) or "")
    made = made_loss(call.func) if isinstance(call.func, ast.Call) else None
    loss = held if held is not None and held.kind == "loss" else made
    name = loss.estimator if loss is not None else called_name(call)
    if name not in REGRESSION_LOSSES or name is None:
        return None
    return name, call.args[0], call.args[1]
