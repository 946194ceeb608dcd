"""Gates with margins that the evaluation set can decide with a power of 80 %.

No predictions exist yet, so the spread of a change is assumed: two equally good models disagree on 5 % of the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.inference.minimums import rows_needed
from mlci.operations.init.columns import LEAST_ROWS, ProposedSlice
from mlci.operations.init.scripts.addition import Task

CONFIDENCE = 0.95
DISAGREEMENT = 0.05
"""Share of rows on which two equally good models disagree."""
_AUC, _CORRELATION = 0.85, 0.9
"""Assumed ROC AUC of both models, and correlation of its errors between them."""
_RELATIVE_VARIANCE = 0.25
"""Assumed variance of the difference of two models' absolute errors, in units of the mean absolute error squared."""
_ABSOLUTE = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
_RELATIVE = (0.02, 0.05, 0.1, 0.15, 0.2)


@dataclass(frozen=True, kw_only=True)
class ProposedGate:
    """A gate on a change: metric, limit, slice and the reason for its margin."""

    metric: str
    limit: str
    value: str
    reason: str
    each: str | None = None


@dataclass(frozen=True)
class _Margin:
    value: float
    needed: int | None
    decided: bool


def smallest_margin(variance: float, rows: int, margins: Sequence[float], *, family: int = 1) -> _Margin:
    """Return the smallest margin that a number of rows decides; the largest one if none does.

    Args:
        variance: Variance of a change times the rows.
        rows: Rows of the evaluation set or of a group.
        margins: Margins to choose from, ascending.
        family: Gates that are judged together, whose level Holm's method divides.
    """
    level = 1 - (1 - CONFIDENCE) / family
    for margin in margins:
        needed = rows_needed(variance, distance=margin, confidence=level)
        if needed is not None and needed <= rows:
            return _Margin(margin, needed, decided=True)
    return _Margin(margins[-1], rows_needed(variance, distance=margins[-1], confidence=level), decided=False)


def auc_variance(positives: int, negatives: int) -> float:
    """Return the variance of a change of ROC AUC times the rows, by Hanley and McNeil (1982, 1983)."""
    q1, q2 = _AUC / (2 - _AUC), 2 * _AUC**2 / (1 + _AUC)
    spread = _AUC * (1 - _AUC) + (positives - 1) * (q1 - _AUC**2) + (negatives - 1) * (q2 - _AUC**2)
    return (positives + negatives) * 2 * (1 - _CORRELATION) * spread / (positives * negatives)


def propose_gates(
    task: Task, *, rows: int | None, positives: int | None, scored: bool, slices: Sequence[ProposedSlice], share: float
) -> list[ProposedGate]:
    """Return a gate on the whole set, and one on each group of sensitive slices that are large enough.

    Args:
        task: Task of the model.
        rows: Rows of the evaluation set; ``None`` if they are not known yet.
        positives: Labelled positives among them, if they are known.
        scored: Whether there are scores, for ROC AUC.
        slices: Proposed slices.
        share: Share of the summarized rows that is evaluated.
    """
    gates = [_whole(task, rows, positives, scored=scored)]
    for item in slices:
        counts = [count for _, count in item.column.counts if count * share >= LEAST_ROWS]
        if not item.sensitive or len(counts) < 2:
            continue
        least = int(min(counts) * share)
        metric, limit, margins, variance = _decisions(task)
        found = smallest_margin(variance, least, margins, family=len(counts))
        if found.decided:
            reason = _reason(found, least, "rows in the smallest group")
            shown = _shown(found.value, limit, task)
            gates.append(ProposedGate(metric=metric, limit=limit, value=shown, each=item.column.name, reason=reason))
    return gates


def _decisions(task: Task) -> tuple[str, str, Sequence[float], float]:
    if task == "regression":
        return "mean_absolute_error", "max_rise", _RELATIVE, _RELATIVE_VARIANCE
    return "accuracy", "max_drop", _ABSOLUTE, DISAGREEMENT


def _whole(task: Task, rows: int | None, positives: int | None, *, scored: bool) -> ProposedGate:
    metric, limit, margins, variance = _decisions(task)
    unit = "rows"
    if task == "binary" and scored:
        metric = "roc_auc"
        if rows:
            few = positives if positives and positives < rows else max(1, rows // 2)
            variance = auc_variance(few, max(1, rows - few))
            unit = f"rows, {few:,} of them {'positive' if few == positives else 'assumed to be positive'}"
    if rows is None:
        reason = "a guess: the number of rows is not known yet; `mlci run` shows if they decide it"
        return ProposedGate(metric=metric, limit=limit, value=_shown(margins[2], limit, task), reason=reason)
    found = smallest_margin(variance, rows, margins)
    return ProposedGate(
        metric=metric, limit=limit, value=_shown(found.value, limit, task), reason=_reason(found, rows, unit)
    )


def _shown(value: float, limit: str, task: Task) -> str:
    return f"{value:.0%}" if task == "regression" and limit == "max_rise" else f"{value:g}"


def _reason(margin: _Margin, rows: int, unit: str) -> str:
    needed = f"{margin.needed:,}" if margin.needed else "more"
    if margin.decided:
        return f"decidable with about {rows:,} {unit}: {needed} rows are needed"
    return f"about {rows:,} {unit} can't decide less, and {needed} rows are needed for this: it may be inconclusive"
