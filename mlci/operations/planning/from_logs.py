"""Plan of gates on scored items, from one or two evaluation logs: variance within, between items and of clusters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlci.config.models import ScoresConfig
from mlci.errors import InputError
from mlci.gates.limits import Limit, Rule
from mlci.inference.intervals.clusters import ClusterSums
from mlci.inference.scored_items import ItemScope, Mask
from mlci.metrics.statistics import WHOLE, Counts, Floats
from mlci.operations import evaluation_plan
from mlci.operations.scores import item_metrics
from mlci.operations.scores.compare import item_clusters, item_scopes
from mlci.operations.scores.item_metrics import ScoreRange
from mlci.planning.assumptions import DISAGREEMENT
from mlci.planning.changes import (
    DRAWS,
    BinaryAnswers,
    ChangeModel,
    ChangeSource,
    Clusters,
    ObservedChanges,
    RateChange,
    SimulatedChange,
)
from mlci.planning.changes import score_change as score_evidence
from mlci.planning.gate import PlannedGate
from mlci.planning.plan import NO_PRICES, GatePlan, Prices, plan_gate
from mlci.planning.result import EvaluationPlan, UnplannedGate
from mlci.scores.pairing import Acceptance, PairedItems, is_errored, pair_items
from mlci.scores.score_log import ScoredItem, ScoreLog

MARGIN = 0.02
_UNITS = (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class LogQuestion:
    """What is asked about logs.

    Attributes:
        config: Configuration with gates, slices and clusters; ``None`` plans a gate for each scorer.
        margin: Margin of these gates.
        drop: Drop that each gate has to find; ``None`` for twice its margin.
        disagreement: Share of items that change from one run to another, if one log without repeats is all there is.
        prices: Prices; that of an answer is the log's unless it is named.
        seed: Of simulations.
        draws: Simulated pull requests for each power.
    """

    config: ScoresConfig | None
    margin: float = MARGIN
    drop: float | None = None
    disagreement: float | None = None
    prices: Prices = NO_PRICES
    seed: int = 7
    draws: int = DRAWS


@dataclass(frozen=True, kw_only=True)
class ItemSpread:
    """The distribution of one metric's change in one scope.

    Attributes:
        change: The distribution.
        within: Variance of one answer around its item's mean; 0 if it is not known.
        notes: Assumptions.
    """

    change: ChangeModel
    within: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ItemLogs:
    """Items of one run or of two, and what all gates need of them."""

    question: LogQuestion
    pairs: PairedItems
    ranges: dict[str, ScoreRange]
    scopes: Sequence[ItemScope]
    clusters: Counts | None

    @property
    def repeats(self) -> int:
        """Answers to most items."""
        counts = np.bincount([len(answers) for answers in self.pairs.candidate])
        return int(counts.argmax())


def plan_logs(log: ScoreLog, other: ScoreLog | None, question: LogQuestion) -> EvaluationPlan:
    """Plan the gates of a configuration on logs, or one gate for each scorer.

    Args:
        log: A run.
        other: A run of another model, or of the same; ``None`` for equally good models.
        question: What is asked.

    Raises:
        InputError: if the runs can't be paired, or no gate can be planned.
    """
    logs = read_items(log, other, question)
    rules = _rules(log, logs)
    gates = [(rule, limit, scope) for rule in rules for limit in rule.limits for scope in _scopes_of(rule, logs)]
    family = len(gates)
    planned = [_plan(rule, limit, scope, logs, family) for rule, limit, scope in gates]
    plans = tuple(one for one in planned if isinstance(one, GatePlan))
    left_out = tuple(one for one in planned if isinstance(one, UnplannedGate))
    if not plans:
        reasons = "; ".join(f"{one.gate}: {one.reason}" for one in left_out[:5]) or "the log has no scorer"
        raise InputError(f"no gate can be planned on this log: {reasons}")
    title = question.config.model if question.config else log.task or "evaluation log"
    return EvaluationPlan(title=title, plans=plans, left_out=left_out, notes=logs.pairs.notes)


def _plan(rule: Rule, limit: Limit, scope: ItemScope, logs: ItemLogs, family: int) -> GatePlan | UnplannedGate:
    gate = _gate(rule, limit, scope, logs, family)
    if isinstance(gate, UnplannedGate):
        return gate
    spread = item_spread(logs, gate, scope)
    if isinstance(spread, UnplannedGate):
        return spread
    return plan_gate(
        gate,
        spread.change,
        repeats=logs.repeats,
        wanted=logs.question.drop,
        prices=_prices(logs),
        within=spread.within,
        notes=spread.notes,
    )


def read_items(log: ScoreLog, other: ScoreLog | None, question: LogQuestion) -> ItemLogs:
    """Pair the items, and find their scopes and clusters."""
    config = question.config
    accept = Acceptance(shared=True, partial=True, prompt=True)
    pairs = pair_items(log, other, accept)
    gates = config.gates if config else ()
    ranges = item_metrics.score_ranges([one for one in (log, other) if one is not None], gates)
    whole = [ItemScope(scope=WHOLE, items=np.arange(len(pairs.keys)))]
    return ItemLogs(
        question=question,
        pairs=pairs,
        ranges=ranges,
        scopes=item_scopes(config, pairs) if config else whole,
        clusters=item_clusters(config, pairs) if config else None,
    )


def _rules(log: ScoreLog, logs: ItemLogs) -> Sequence[Rule]:
    question = logs.question
    if question.config is not None:
        return evaluation_plan.gate_rules(question.config)
    return [
        Rule(
            metric=name,
            limits=(Limit("max_rise" if scorer.higher_is_better is False else "max_drop", question.margin),),
        )
        for name, scorer in log.scorers.items()
    ]


def _scopes_of(rule: Rule, logs: ItemLogs) -> list[ItemScope]:
    """Return the scopes of a rule, with the items that its metric is about."""
    applies = item_metrics.item_metric(rule.metric, logs.pairs, logs.ranges).applies
    scopes = [one for one in logs.scopes if one.scope.slice == rule.each]
    if applies is None:
        return scopes
    kept = [replace(one, items=one.items[applies[one.items]]) for one in scopes]
    return [one for one in kept if len(one.items)]


def _gate(rule: Rule, limit: Limit, scope: ItemScope, logs: ItemLogs, family: int) -> PlannedGate | UnplannedGate:
    """Return the gate, or why it has no plan."""
    name = limit.gate_id(rule.metric, str(scope.scope))
    config = logs.question.config
    if not limit.on_change or limit.proves_gain:
        return UnplannedGate(name, "it is not a margin on a change")
    if rule.judge == "estimate":
        return UnplannedGate(name, "it is judged on the estimate, so that any number of items decides it")
    metric = item_metrics.item_metric(rule.metric, logs.pairs, logs.ranges)
    if metric.missing is not None or metric.quantile is not None:
        return UnplannedGate(name, metric.missing or "a quantile's interval is a bootstrap, whose power is not planned")
    before = (metric.baseline or metric.candidate).observed[scope.items]
    known = before[np.isfinite(before)]
    bound = limit.bound(float(known.mean())) if len(known) else None
    if bound is None:
        return UnplannedGate(name, "no item has a value")
    share = 1 / len(scope.items) if metric.total and not limit.relative else 1.0
    return PlannedGate(
        metric=rule.metric,
        limit=limit,
        margin=abs(bound) * share,
        rows=len(scope.items),
        scope=scope.scope,
        unit="items",
        scope_rows=len(scope.items),
        confidence=config.judged_confidence if config else 0.95,
        family=max(1, family),
        min_group_size=config.evaluation.min_group_size if config else 1,
    )


def item_spread(logs: ItemLogs, gate: PlannedGate, scope: ItemScope) -> ItemSpread | UnplannedGate:
    """Return the distribution of a metric's change between two equally good models."""
    metric = item_metrics.item_metric(gate.metric, logs.pairs, logs.ranges)
    now = metric.candidate.observed[scope.items]
    before = None if metric.baseline is None else metric.baseline.observed[scope.items]
    known = np.isfinite(now) if before is None else np.isfinite(now) & np.isfinite(before)
    if not known.any():
        return UnplannedGate(gate.name, "no item has a value of both runs")
    answers = _answers(logs, gate.metric, scope)
    within, reach = _within(answers), metric.high - metric.low
    observed, notes = _observed(logs, now[known], None if before is None else before[known], answers)
    clusters, more = _clusters(logs, scope, known, observed if before is not None else now[known])
    notes += more
    values = {value for one in answers for value in one}
    binary = bool(values) and values <= set(_UNITS) and (metric.low, metric.high) == _UNITS
    if binary and clusters is None and within == 0 and logs.repeats == 1:
        assumed = logs.question.disagreement or DISAGREEMENT
        share = assumed if before is None else float(np.mean(observed != 0))
        if share == 0:
            share, notes = (
                assumed,
                [*notes, f"no item differs, so {assumed:.3g} of them are assumed to in the next run"],
            )
        return ItemSpread(change=RateChange(disagreement=share, evidence=score_evidence()), notes=tuple(notes))
    if binary and before is None and within == 0:
        changes: ChangeSource = BinaryAnswers(
            mean=_good(gate, now[known]), within=0.0, between=float(np.mean(observed**2))
        )
    elif binary:
        changes = _binary(logs, gate, now[known], before is not None, observed, within)
    else:
        changes = ObservedChanges(
            changes=tuple(observed.tolist()),
            repeats=logs.repeats if before is not None else 1,
            within=within,
            reach=reach,
        )
    change = SimulatedChange(
        changes=changes, reach=reach, clusters=clusters, seed=logs.question.seed, draws=logs.question.draws
    )
    return ItemSpread(change=change, within=within, notes=tuple(notes))


def _good(gate: PlannedGate, values: Floats) -> float:
    """Return the mean in the direction in which more is better."""
    mean = float(values.mean())
    return mean if gate.limit.is_floor else 1 - mean


def _binary(
    logs: ItemLogs, gate: PlannedGate, now: Floats, paired: bool, observed: Floats, within: float
) -> BinaryAnswers:
    """Return right and wrong answers with the variances of the logs, within what their mean allows."""
    mean = _good(gate, now)
    most = mean * (1 - mean)
    within = min(within, most)
    between = max(0.0, float(np.mean(observed**2)) - 2 * within / logs.repeats) if paired else 0.0
    return BinaryAnswers(mean=mean, within=within, between=min(between, 2 * (most - within)))


def _answers(logs: ItemLogs, metric: str, scope: ItemScope) -> list[list[float]]:
    """Return the scores of each item's answers, of one run after the other; none for metrics of usage or of repeats."""
    sides = [logs.pairs.candidate, *([] if logs.pairs.baseline is None else [logs.pairs.baseline])]
    return [
        [item.scores[metric] for item in side[int(index)] if metric in item.scores]
        for side in sides
        for index in scope.items
    ]


def _within(answers: Sequence[Sequence[float]]) -> float:
    """Return the mean variance of one answer around its item's mean; 0 without repeats."""
    variances = [float(np.var(one, ddof=1)) for one in answers if len(one) > 1]
    return math.fsum(variances) / len(variances) if variances else 0.0


def _observed(
    logs: ItemLogs, now: Floats, before: Floats | None, answers: Sequence[Sequence[float]]
) -> tuple[Floats, list[str]]:
    """Return one change of each item, between two runs, two repeats, or with an assumed share of changed items."""
    random = np.random.default_rng(logs.question.seed)
    if before is not None:
        return now - before, []
    pairs = [random.choice(one, 2, replace=False) for one in answers if len(one) > 1]
    if pairs:
        return np.array([float(one[0] - one[1]) for one in pairs]), [
            "from one run: two equally good models differ as two repeats of this one do"
        ]
    share = logs.question.disagreement or DISAGREEMENT
    other = now[random.integers(len(now), size=(max(1, 20_000 // len(now)), len(now)))]
    differs = float(np.mean(other != now))
    rate = min(1.0, share / differs) if differs else 0.0
    found = np.where(random.random(other.shape) < rate, other - now, 0.0).ravel()
    return found, [
        f"one run without repeats: two equally good models are assumed to differ on {share:.3g} of the items"
    ]


def _clusters(logs: ItemLogs, scope: ItemScope, known: Mask, values: Floats) -> tuple[Clusters | None, list[str]]:
    """Return sizes and correlation of the clusters; with one run, the correlation of its scores stands in."""
    if logs.clusters is None:
        return None, []
    codes = logs.clusters[scope.items][known]
    sizes = np.unique(codes, return_counts=True)[1]
    found = ClusterSums.of(values, codes).correlation
    paired = logs.pairs.baseline is not None
    note = [] if paired else [f"changes are taken to correlate in clusters as scores do ({found:.2g})"]
    return Clusters(sizes=tuple(sizes.tolist()), correlation=found), note


def _prices(logs: ItemLogs) -> Prices:
    """Return the prices that were named, and the log's mean cost of an answer."""
    named = logs.question.prices
    if named.answer is not None:
        return named
    return Prices(answer=_mean_cost(logs.pairs.candidate), new_item=named.new_item)


def _mean_cost(side: Sequence[Sequence[ScoredItem]]) -> float | None:
    costs = [item.usage.cost_usd for one in side for item in one if not is_errored(item)]
    known = [cost for cost in costs if cost is not None]
    return math.fsum(known) / len(known) if known else None
