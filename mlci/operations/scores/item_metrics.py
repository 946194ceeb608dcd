"""Metrics of scored items by name: a scorer's mean, all or any of the repeats right, cost, tokens, latency, errors."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlci.config.checks.scores import describe_improvement_limit, improvement_limits
from mlci.config.models import Gate
from mlci.errors import InputError
from mlci.inference.scored_items import ItemColumn, ItemMetric
from mlci.scores.join_tasks import TASK
from mlci.scores.pairing import PairedItems, group_of, is_errored, item_mean
from mlci.scores.score_log import ScoredItem, ScoreLog, Scorer

_PASS = re.compile(r"pass_(all|any)\((.+)\)")
_LATENCY = re.compile(r"latency_seconds_p([1-9][0-9]?)")
ERRORED = "errored_share"
_UNITS = (0.0, 1.0)
_USAGE: Mapping[str, str] = {
    "cost_usd": "cost_usd",
    "cost_usd_per_item": "cost_usd",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "latency_seconds": "latency_seconds",
}
"""Metrics of usage, and the field of an answer that each is computed from."""
REPORTED: Mapping[str, str] = {
    "cost_usd": "cost_usd",
    "output_tokens": "output_tokens",
    "latency_seconds_p95": "latency_seconds",
}
"""Metrics of usage that are reported if the log has them, and the field of an answer that each needs."""
Answers = Sequence[ScoredItem]


@dataclass(frozen=True, kw_only=True)
class ScoreRange:
    """Bounds of a scorer's values, infinite if it has none, and its direction; ``None`` if it is not known."""

    low: float
    high: float
    assumed: bool = False
    higher_is_better: bool | None = None

    @property
    def best(self) -> float:
        """The best score; the highest one if the direction is not known."""
        return self.low if self.higher_is_better is False else self.high


def is_usage(name: str) -> bool:
    """Return whether a metric is computed from cost, tokens, latency or errors, and not from scores."""
    return name in _USAGE or name == ERRORED or _LATENCY.fullmatch(name) is not None


def scorer_of(name: str) -> str:
    """Return the scorer that a metric is computed from."""
    match = _PASS.fullmatch(name)
    return match[2] if match else name


def item_metric(name: str, pairs: PairedItems, scorers: Mapping[str, ScoreRange]) -> ItemMetric:
    """Return the metric of a name over the paired items.

    Args:
        name: As a gate names it.
        pairs: The items of both models.
        scorers: Bounds of each scorer of both runs.
    """
    if name == ERRORED:
        return _plain(name, pairs, _errored_share, *_UNITS)
    if match := _LATENCY.fullmatch(name):
        return _of_usage(name, pairs, "latency_seconds", quantile=int(match[1]) / 100)
    if name in _USAGE:
        return _of_usage(name, pairs, _USAGE[name], total=name == "cost_usd")
    if match := _PASS.fullmatch(name):
        return _of_repeats(name, pairs, match[1], match[2], scorers)
    if name not in scorers:
        return _missing(name, pairs, _unknown(name, scorers, pairs.totals))
    bounds = scorers[name]

    def column(answers: Sequence[Answers]) -> ItemColumn:
        values = np.array([item_mean(one, name, bounds.low, bounds.high) for one in answers]).reshape(-1, 3)
        return ItemColumn(values[:, 0], values[:, 1], values[:, 2])

    return ItemMetric(
        name=name,
        candidate=column(pairs.candidate),
        baseline=None if pairs.baseline is None else column(pairs.baseline),
        low=bounds.low,
        high=bounds.high,
        higher_is_better=bounds.higher_is_better,
        applies=_asked_of(pairs, name),
    )


def _asked_of(pairs: PairedItems, scorer: str) -> NDArray[np.bool_] | None:
    """Return the items of tasks that have a scorer; ``None`` if all have.

    A task lacks a scorer if neither run names it for one of the task's items. An item without any score is kept: it may
    be one that the scorer was asked about.
    """
    both = [
        [*now, *before] for now, before in zip(pairs.candidate, pairs.baseline or [()] * len(pairs.keys), strict=True)
    ]
    named = {group_of(one, TASK) for one in both if any(scorer in (*item.scores, *item.unscored) for item in one)}
    mask = np.array([group_of(one, TASK) in named or not any(item.scores for item in one) for one in both])
    return None if mask.all() else mask


def score_ranges(logs: Sequence[ScoreLog], gates: Sequence[Gate]) -> dict[str, ScoreRange]:
    """Return the bounds of every scorer, a gate's, the log's, or 0 to 1 if all scores are there, and its direction.

    Raises:
        InputError: if a score is beyond the range that a gate or the log names, or directions contradict each other.
    """
    set_ranges = {scorer_of(gate.metric): gate.range for gate in gates if gate.range is not None}
    names = dict.fromkeys(name for log in logs for name in log.scorers)
    return {
        name: replace(_score_range(name, logs, set_ranges.get(name)), higher_is_better=_direction(name, logs, gates))
        for name in names
    }


def _direction(name: str, logs: Sequence[ScoreLog], gates: Sequence[Gate]) -> bool | None:
    """Return whether more is better, by the logs or else by the gates; ``None`` if neither says it."""
    written = {one for log in logs if name in log.scorers and (one := log.scorers[name].higher_is_better) is not None}
    set_ones = {
        gate.higher_is_better for gate in gates if scorer_of(gate.metric) == name and gate.higher_is_better is not None
    }
    if len(written | set_ones) > 1:
        where = "two logs" if len(written) > 1 else "two gates" if len(set_ones) > 1 else "the log and a gate"
        raise InputError(f"{where} differ in `higher_is_better` of {name}; remove it from the gates that are wrong")
    found = next(iter(written or set_ones), None)
    of_scorer = [(index, gate) for index, gate in enumerate(gates) if gate.metric == name]
    for index, gate in of_scorer if found is not None else ():
        for kind in improvement_limits(gate, higher_is_better=bool(found)):
            raise InputError(f"`gates[{index}].{kind}` {describe_improvement_limit(gate, kind, 'the log says')}")
    return found


def _score_range(name: str, logs: Sequence[ScoreLog], chosen: tuple[float, float] | None) -> ScoreRange:
    values = [item.scores[name] for log in logs for item in log.items if name in item.scores]
    scorer = next((log.scorers[name] for log in logs if name in log.scorers), Scorer())
    named = chosen or ((scorer.low, scorer.high) if scorer.low is not None and scorer.high is not None else None)
    if named is not None:
        low, high = named
        beyond = next((value for value in values if not low <= value <= high), None)
        if beyond is not None:
            raise InputError(
                f"the score {beyond:g} of {name} is beyond its range of {low:g} to {high:g}; set it on the gate:\n"
                f"    - {{metric: {name}, range: [LOW, HIGH], max_drop: …}}"
            )
        return ScoreRange(low=low, high=high)
    if all(0 <= value <= 1 for value in values):
        return ScoreRange(low=0.0, high=1.0, assumed=True)
    return ScoreRange(low=-math.inf, high=math.inf)


def _unknown(name: str, scorers: Mapping[str, ScoreRange], totals: Sequence[str]) -> str:
    if name in totals:
        return (
            f"the tool computes {name} over the whole task, so no item has a score and it has no interval; gate a "
            f"score of the items instead ({', '.join(scorers) or 'the log has none'})"
        )
    return f"no scorer of the log is called {name}; there are {', '.join(scorers) or 'none'}"


def _plain(
    name: str, pairs: PairedItems, value: Callable[[Answers], float], low: float = -math.inf, high: float = math.inf
) -> ItemMetric:
    """Return a metric that no missing score changes."""
    return ItemMetric(
        name=name,
        candidate=_known(pairs.candidate, value),
        baseline=None if pairs.baseline is None else _known(pairs.baseline, value),
        low=low,
        high=high,
    )


def _known(answers: Sequence[Answers], value: Callable[[Answers], float]) -> ItemColumn:
    values = np.array([value(one) for one in answers], dtype=np.float64)
    return ItemColumn(values, values, values)


def _errored_share(answers: Answers) -> float:
    return sum(map(is_errored, answers)) / len(answers)


def _of_usage(
    name: str, pairs: PairedItems, field: str, *, total: bool = False, quantile: float | None = None
) -> ItemMetric:
    """Return a metric of usage; an answer that should have it and does not leaves it undefined."""

    def value(answers: Answers) -> float:
        known = [found for item in answers if (found := getattr(item.usage, field)) is not None]
        return math.fsum(known) / (1 if total else len(known)) if known else math.nan

    sides = [pairs.candidate, *([] if pairs.baseline is None else [pairs.baseline])]
    for whose, side in zip(("candidate", "baseline"), sides, strict=False):
        lacking = sum(getattr(item.usage, field) is None and not is_errored(item) for one in side for item in one)
        if lacking:
            of = sum(map(len, side))
            return _missing(name, pairs, f"the {whose}'s log has no {field} for {lacking:,} of {of:,} answers")
    plain = _plain(name, pairs, value)
    return ItemMetric(name=name, candidate=plain.candidate, baseline=plain.baseline, total=total, quantile=quantile)


def _of_repeats(
    name: str, pairs: PairedItems, which: str, scorer: str, scorers: Mapping[str, ScoreRange]
) -> ItemMetric:
    """Return the share of items of which all, or any, of the repeats have the best score."""
    if scorer not in scorers:
        return _missing(name, pairs, _unknown(scorer, scorers, pairs.totals))
    best = scorers[scorer].best
    if not math.isfinite(best):
        return _missing(name, pairs, f"{scorer} has no best score; set its `range` on the gate")
    counts = [sorted({len(one) for one in side}) for side in (pairs.candidate, pairs.baseline or []) if side]
    if len(counts) == 2 and counts[0] != counts[1]:
        now, before = (" or ".join(map(str, one)) for one in counts)
        return _missing(name, pairs, f"the runs have {now} and {before} repeats of an item, and {name} depends on that")
    combine = all if which == "all" else any

    def of(answers: Answers, unscored: bool) -> float:
        return float(combine(item.scores[scorer] == best if scorer in item.scores else unscored for item in answers))

    def column(side: Sequence[Answers]) -> ItemColumn:
        lowest = np.array([of(one, unscored=False) for one in side])
        highest = np.array([of(one, unscored=True) for one in side])
        return ItemColumn(np.where(lowest == highest, lowest, np.nan), lowest, highest)

    return ItemMetric(
        name=name,
        candidate=column(pairs.candidate),
        baseline=None if pairs.baseline is None else column(pairs.baseline),
        low=0.0,
        high=1.0,
        higher_is_better=True,
        applies=_asked_of(pairs, scorer),
    )


def _missing(name: str, pairs: PairedItems, why: str) -> ItemMetric:
    nothing = np.full(len(pairs.keys), np.nan)
    column = ItemColumn(nothing, nothing, nothing)
    return ItemMetric(name=name, candidate=column, baseline=None if pairs.baseline is None else column, missing=why)
