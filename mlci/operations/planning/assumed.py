"""Plan of one gate from assumed figures, before there is a model or a log."""

import math
from dataclasses import dataclass

from mlci.errors import InputError
from mlci.gates.limits import Limit
from mlci.metrics.statistics import WHOLE, Scope
from mlci.planning.assumptions import DISAGREEMENT
from mlci.planning.changes import BinaryAnswers, ChangeModel, Clusters, NormalChange, RateChange, SimulatedChange
from mlci.planning.gate import PlannedGate
from mlci.planning.plan import NO_PRICES, Prices, plan_gate
from mlci.planning.result import EvaluationPlan


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """Figures of an evaluation; ``None`` where none was given.

    Attributes:
        rows: Rows, or items.
        margin: Drop that the gate allows.
        drop: Drop that it has to find; ``None`` for twice the margin.
        accuracy: Share of right answers.
        disagreement: Share of rows on which the models differ.
        sd: Standard deviation of one row's change, of a metric that is not a rate.
        within: Variance of one answer around its item's mean.
        between: Variance, over items, of the change of an item's mean.
        repeats: Answers of each model to each item.
        cluster_size: Items of a cluster.
        cluster_correlation: Correlation of the changes of two items of a cluster.
        gates: Gates of the run that the level is divided by for failing.
        confidence: Two-sided level of intervals.
        prices: Prices.
        seed: Of simulations.
    """

    rows: int
    margin: float
    drop: float | None = None
    accuracy: float | None = None
    disagreement: float | None = None
    sd: float | None = None
    within: float | None = None
    between: float | None = None
    repeats: int = 1
    cluster_size: int | None = None
    cluster_correlation: float | None = None
    gates: int = 1
    confidence: float = 0.95
    prices: Prices = NO_PRICES
    seed: int = 7


def plan_assumed(assumed: Assumptions) -> EvaluationPlan:
    """Plan a gate on assumed figures.

    Raises:
        InputError: if figures contradict each other or one is missing.
    """
    scored = _is_scored(assumed)
    change, notes = _scored_change(assumed) if scored else _row_change(assumed)
    metric = "accuracy" if assumed.sd is None else "mean"
    gate = PlannedGate(
        metric=metric,
        limit=Limit("max_drop", assumed.margin),
        margin=assumed.margin,
        rows=assumed.rows,
        scope_rows=assumed.rows,
        scope=WHOLE if assumed.gates == 1 else Scope("slice", "group"),
        unit="items" if scored else "rows",
        confidence=assumed.confidence,
        family=assumed.gates,
    )
    plan = plan_gate(
        gate,
        change,
        repeats=assumed.repeats,
        wanted=assumed.drop,
        prices=assumed.prices,
        within=assumed.within or 0.0,
    )
    return EvaluationPlan(title="assumed figures", plans=(plan,), notes=tuple(notes))


def _is_scored(assumed: Assumptions) -> bool:
    of_items = (assumed.within, assumed.between, assumed.cluster_size)
    return assumed.sd is None and (assumed.repeats > 1 or any(one is not None for one in of_items))


def _row_change(assumed: Assumptions) -> tuple[ChangeModel, list[str]]:
    """Return the change of a table's metric."""
    if assumed.sd is not None:
        if assumed.repeats > 1 or assumed.within is not None or assumed.cluster_size is not None:
            raise InputError(
                "`--sd` is the standard deviation of one row's change; leave out repeats, variances and clusters"
            )
        return NormalChange(row_variance=assumed.sd**2), ["the estimate is taken to be normal"]
    disagreement = assumed.disagreement
    notes = [] if disagreement is not None else [f"two equally good models differ on {DISAGREEMENT:.0%} of the rows"]
    share = DISAGREEMENT if disagreement is None else disagreement
    if assumed.accuracy is not None and share > 2 * min(assumed.accuracy, 1 - assumed.accuracy):
        raise InputError(
            f"two models with an accuracy of {assumed.accuracy:g} can't differ on {share:.3g} of the rows; the most is "
            f"{2 * min(assumed.accuracy, 1 - assumed.accuracy):.3g}. Name a smaller `--disagreement`"
        )
    return RateChange(disagreement=share), notes


def _scored_change(assumed: Assumptions) -> tuple[ChangeModel, list[str]]:
    """Return the change of scored items."""
    if assumed.accuracy is None:
        raise InputError("repeats, variances and clusters need the share of right answers:\n    --accuracy 0.8")
    within, between, notes = _variances(assumed)
    most = assumed.accuracy * (1 - assumed.accuracy)
    if within > most + 1e-12:
        raise InputError(
            f"the variance within items, {within:g}, is more than that of right and wrong answers at an accuracy of "
            f"{assumed.accuracy:g}, {most:.4g}"
        )
    if between > 2 * (most - within) + 1e-12:
        raise InputError(
            f"the variance between items, {between:g}, is more than these answers leave: 2 × ({most:.4g} - {within:g})"
        )
    clusters = None
    if assumed.cluster_size is not None:
        correlation = assumed.cluster_correlation
        if correlation is None:
            raise InputError("clusters need the correlation of two items' changes:\n    --cluster-correlation 0.3")
        clusters = Clusters(sizes=(assumed.cluster_size,), correlation=correlation)
    answers = BinaryAnswers(mean=assumed.accuracy, within=within, between=between)
    return SimulatedChange(changes=answers, clusters=clusters, seed=assumed.seed), notes


def _variances(assumed: Assumptions) -> tuple[float, float, list[str]]:
    """Return the variances within and between items; what is missing follows from the disagreement of two runs."""
    within, between = assumed.within, assumed.between
    if within is not None and between is not None:
        return within, between, []
    given = assumed.disagreement is not None
    share = assumed.disagreement if assumed.disagreement is not None else DISAGREEMENT
    notes = [] if given else [f"two runs of equally good models differ on {DISAGREEMENT:.0%} of the items"]
    if within is not None:
        left = max(0.0, share - 2 * within) if given else 0.0
        return within, left, [] if given else ["equally good models differ on no item but by the noise of answers"]
    if between is not None:
        return max(0.0, share - between) / 2, between, notes
    note = "all of the disagreement is between items, so that repeats do not help; `--within-variance` says how much is"
    return 0.0, share, [*notes, note] if not math.isclose(share, 0) else notes
