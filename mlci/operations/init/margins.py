"""Gates with margins that the evaluation set can decide.

With the margin, at least 80 % of the models that are as good as the last one pass, and 80 % of those that are worse by
twice the margin are blocked. No predictions exist yet, so the spread of a change is assumed: two equally good models
disagree on 5 % of the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.gates.limits import Kind, Limit
from mlci.metrics.statistics import WHOLE, Scope
from mlci.operations.init.columns import LEAST_ROWS, ProposedSlice
from mlci.operations.init.scripts.addition import Task
from mlci.planning.assumptions import ASSUMED_ERROR, ASSUMED_RATE, assumed_auc
from mlci.planning.changes import ChangeModel
from mlci.planning.gate import TWICE, PlannedGate
from mlci.planning.plan import has_power, rows_for_power

_ABSOLUTE = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
_WIDEST = 0.15
"""Margin of a rate in small groups, where only a large drop is found."""
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


@dataclass(frozen=True, kw_only=True)
class MarginQuestion:
    """The gate whose margin is chosen.

    Attributes:
        metric: The metric.
        limit: ``max_drop`` or ``max_rise``.
        change: Change of the metric between two equally good models.
        rows: Rows of the evaluation set, or of the smallest group.
        family: Gates that are judged together, whose level Holm's method divides.
        unit: What the rows are.
        grouped: Whether it is a gate on each group.
    """

    metric: str
    limit: Kind
    change: ChangeModel
    rows: int
    family: int = 1
    unit: str = "rows"
    grouped: bool = False

    def gate(self, margin: float) -> PlannedGate:
        """Return the gate with a margin."""
        return PlannedGate(
            metric=self.metric,
            limit=Limit(self.limit, margin),
            margin=margin,
            rows=self.rows,
            scope_rows=self.rows,
            scope=Scope("slice", "group") if self.grouped else WHOLE,
            family=self.family,
            unit=self.unit,
        )


def smallest_margin(question: MarginQuestion, margins: Sequence[float]) -> _Margin:
    """Return the smallest margin that the rows decide; the largest one if they decide none.

    Args:
        question: The gate.
        margins: Margins to choose from, ascending.
    """
    chosen = next((one for one in margins if has_power(question.gate(one), question.change)), None)
    margin = margins[-1] if chosen is None else chosen
    needed = rows_for_power(question.gate(margin), question.change)
    return _Margin(margin, needed, decided=chosen is not None)


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
        metric, limit, margins, change = _decisions(task)
        asked = MarginQuestion(metric=metric, limit=limit, change=change, rows=least, family=len(counts), grouped=True)
        found = smallest_margin(asked, margins if task == "regression" else (*margins, _WIDEST))
        if found.decided:
            reason = _reason(found, least, "rows in the smallest group")
            shown = _shown(found.value, limit, task)
            gates.append(ProposedGate(metric=metric, limit=limit, value=shown, each=item.column.name, reason=reason))
    return gates


def _decisions(task: Task) -> tuple[str, Kind, Sequence[float], ChangeModel]:
    if task == "regression":
        return "mean_absolute_error", "max_rise", _RELATIVE, ASSUMED_ERROR
    return "accuracy", "max_drop", _ABSOLUTE, ASSUMED_RATE


def _whole(task: Task, rows: int | None, positives: int | None, *, scored: bool) -> ProposedGate:
    metric, limit, margins, change = _decisions(task)
    unit = "rows"
    if task == "binary" and scored:
        metric = "roc_auc"
        if rows:
            few = positives if positives and positives < rows else max(1, rows // 2)
            change = assumed_auc(few, max(1, rows - few))
            unit = f"rows, {few:,} of them {'positive' if few == positives else 'assumed to be positive'}"
    if rows is None:
        reason = "a guess: the number of rows is not known yet; `mlci run` shows if they decide it"
        return ProposedGate(metric=metric, limit=limit, value=_shown(margins[2], limit, task), reason=reason)
    found = smallest_margin(MarginQuestion(metric=metric, limit=limit, change=change, rows=rows), margins)
    return ProposedGate(
        metric=metric, limit=limit, value=_shown(found.value, limit, task), reason=_reason(found, rows, unit)
    )


def _shown(value: float, limit: str, task: Task) -> str:
    return f"{value:.0%}" if task == "regression" and limit == "max_rise" else f"{value:g}"


def _reason(margin: _Margin, rows: int, unit: str) -> str:
    needed = f"{margin.needed:,}" if margin.needed else "more"
    powers = f"to pass 8 of 10 equal models and block 8 of 10 that are worse by {TWICE * margin.value:g}"
    if margin.decided:
        return f"decidable with about {rows:,} {unit}: {needed} rows are needed {powers}"
    return f"about {rows:,} {unit} can't decide less, and {needed} rows are needed {powers}: it may be inconclusive"
