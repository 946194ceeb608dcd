"""Plan of a run's gates on rows, from its report: each with its metric's own interval, margin and scope."""

import math

from mlci.errors import InputError
from mlci.inference.intervals.distributions import two_sided
from mlci.inference.intervals.score_intervals import Tango
from mlci.metrics import catalogue
from mlci.metrics.statistics import Scope
from mlci.planning.assumptions import DISAGREEMENT
from mlci.planning.changes import ChangeModel, NormalChange, RateChange
from mlci.planning.gate import PlannedGate
from mlci.planning.plan import NO_PRICES, Prices, plan_gate
from mlci.planning.result import EvaluationPlan, UnplannedGate
from mlci.report.document import GateRow, MetricRow, Report

_TURNS = 60
_AGREED = "the models agreed on every row, so 5 % of the rows are assumed to differ in the next pull request"


def plan_report(
    report: Report,
    *,
    min_group_size: int,
    disagreement: float | None = None,
    drop: float | None = None,
    prices: Prices = NO_PRICES,
) -> EvaluationPlan:
    """Plan the gates of a report that limit a change.

    Args:
        report: The report.
        min_group_size: Rows that a group needs.
        disagreement: Share of rows on which the models differ, in place of the report's.
        drop: Drop that each gate has to find; ``None`` for twice its margin.
        prices: Prices of rows.

    Raises:
        InputError: if the report has no gate on a change.
    """
    family = sum(gate.p is not None for gate in report.gates)
    rows = {(one.metric, one.slice, one.group): one for one in report.metrics}
    plans, left_out = [], []
    for gate in report.gates:
        row = rows.get((gate.metric, gate.scope.slice, gate.scope.group))
        planned = _plannable(gate, row, report, disagreement)
        if isinstance(planned, UnplannedGate):
            left_out.append(planned)
            continue
        change, notes = planned
        described = _gate(gate, row, report, family, min_group_size)
        plans.append(plan_gate(described, change, wanted=drop, prices=prices, notes=notes))
    if not plans:
        reasons = "; ".join(f"{one.gate}: {one.reason}" for one in left_out[:5]) or "it has no gates"
        raise InputError(f"no gate of this report can be planned: {reasons}")
    return EvaluationPlan(title=report.model, plans=tuple(plans), left_out=tuple(left_out))


def _gate(gate: GateRow, row: MetricRow | None, report: Report, family: int, min_group_size: int) -> PlannedGate:
    carried = _carried(row)
    return PlannedGate(
        metric=gate.metric,
        limit=gate.limit,
        margin=abs(gate.bound or 0.0),
        rows=carried,
        scope=Scope(gate.scope.slice, gate.scope.group),
        unit=(row.support_unit if row else None) or "rows",
        scope_rows=(row.rows if row else None) or carried,
        confidence=report.policy.confidence,
        family=max(1, family),
        min_group_size=min_group_size,
    )


def _carried(row: MetricRow | None) -> int:
    return 0 if row is None else row.support or row.rows or 0


def _plannable(
    gate: GateRow, row: MetricRow | None, report: Report, disagreement: float | None
) -> tuple[ChangeModel, list[str]] | UnplannedGate:
    """Return the change's distribution with its assumptions, or why there is none."""
    limit = gate.limit
    if gate.test or not limit.on_change:
        return UnplannedGate(gate.id, "it limits one model's value, and not a change")
    if limit.proves_gain:
        return UnplannedGate(gate.id, "it asks for the proof of a gain, and not for a margin")
    if gate.judge == "estimate":
        return UnplannedGate(gate.id, "it is judged on the estimate, so that any number of rows decides it")
    if gate.scope.across is not None or row is None:
        return UnplannedGate(gate.id, "it limits a disparity or a metric without rows")
    if gate.bound is None:
        return UnplannedGate(gate.id, "its limit in per cent needs a baseline")
    return _change(gate, row, report.policy.confidence, disagreement)


def _change(
    gate: GateRow, row: MetricRow, confidence: float, disagreement: float | None
) -> tuple[ChangeModel, list[str]] | UnplannedGate:
    info = catalogue.find(gate.metric)
    counted, rows = info is not None and info.kind == "rate", _carried(row)
    if rows == 0:
        return UnplannedGate(gate.id, "no row carries the metric")
    if counted and row.method in {"tango", "identical"}:
        if disagreement is not None:
            return RateChange(disagreement=disagreement), []
        found = _disagreement(row, rows, confidence)
        return RateChange(disagreement=found or DISAGREEMENT), [] if found else [_AGREED]
    if row.change_interval is None or row.method == "identical":
        return UnplannedGate(gate.id, "the report has no interval of its change")
    reach = (row.change_interval[1] - row.change_interval[0]) / 2
    if reach == 0:
        return UnplannedGate(gate.id, "the models are identical, so that nothing is known of the spread of its change")
    unused = [] if disagreement is None or not counted else [f"the interval of {gate.id}, and not the disagreement"]
    return NormalChange(row_variance=(reach / two_sided(confidence)) ** 2 * rows), unused


def _disagreement(row: MetricRow, rows: int, confidence: float) -> float:
    """Return the share of rows on which the models differ, which Tango's interval contains."""
    if row.change_interval is None or row.change is None or row.method == "identical":
        return 0.0
    moved, wanted = round(row.change * rows), row.change_interval[1] - row.change_interval[0]
    low, high = 0, (rows - abs(moved)) // 2

    def length(pairs: int) -> float:
        ends = Tango(pairs + max(moved, 0), pairs + max(-moved, 0), rows).interval(confidence)
        return ends[1] - ends[0]

    while low < high:
        middle = (low + high) // 2
        if length(middle) >= wanted or math.isclose(length(middle), wanted, rel_tol=1e-9):
            high = middle
        else:
            low = middle + 1
    return (2 * low + abs(moved)) / rows
