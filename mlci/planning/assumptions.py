"""Changes of metrics before there are predictions of two models: how much two equally good ones differ.

`mlci init`, `mlci doctor` and `mlci plan` share these figures, so that they agree on what the rows can decide.
"""

from mlci.planning.changes import ChangeModel, NormalChange, RateChange

DISAGREEMENT = 0.05
"""Share of rows on which two equally good models differ, if nothing is known."""
_AUC, _CORRELATION = 0.85, 0.9
"""Assumed ROC AUC of both models, and correlation of its errors between them."""
_RELATIVE_VARIANCE = 0.25
"""Assumed variance of the difference of two models' absolute errors, in units of the mean absolute error squared."""

ASSUMED_RATE = RateChange(disagreement=DISAGREEMENT)
ASSUMED_ERROR: ChangeModel = NormalChange(row_variance=_RELATIVE_VARIANCE)
"""Change of a mean absolute error, in per cent of it."""


def auc_variance(positives: int, negatives: int) -> float:
    """Return the variance of a change of ROC AUC times the rows, by Hanley and McNeil (1982, 1983)."""
    q1, q2 = _AUC / (2 - _AUC), 2 * _AUC**2 / (1 + _AUC)
    spread = _AUC * (1 - _AUC) + (positives - 1) * (q1 - _AUC**2) + (negatives - 1) * (q2 - _AUC**2)
    return (positives + negatives) * 2 * (1 - _CORRELATION) * spread / (positives * negatives)


def assumed_auc(positives: int, negatives: int) -> ChangeModel:
    """Return the change of a ROC AUC between two equally good models."""
    return NormalChange(row_variance=auc_variance(positives, negatives))
