"""Summary of an evaluation log: items, repeats, scorers, means, errors, usage."""

import math
from collections.abc import Iterable
from typing import Any

from mlci.scores.score_log import ScoredItem, ScoreLog, State

_LISTED = 5


def summarize(log: ScoreLog) -> dict[str, Any]:
    """Return the summary as a document; a scorer without a score has a mean of ``None``."""
    return {
        "tool": log.tool,
        "task": log.task,
        "items": len(log.keys),
        "repeats": log.repeats,
        "scores": {name: _scorer(log, name) for name in log.scorers},
        "errored": _without_score(log, State.ERRORED),
        "not_scored": _without_score(log, State.NOT_SCORED),
        "usage": _usage(log.items),
        "settings": {name: setting.value for name, setting in log.settings.items()},
        "metadata": sorted({name for item in log.items for name in item.metadata}),
        "incomplete": log.incomplete,
        "notes": list(log.notes),
    }


def _scorer(log: ScoreLog, name: str) -> dict[str, Any]:
    means, scorer = log.means(name), log.scorers[name]
    return {
        "mean": math.fsum(means.values()) / len(means) if means else None,
        "items": len(means),
        "low": scorer.low,
        "high": scorer.high,
        "higher_is_better": scorer.higher_is_better,
    }


def _without_score(log: ScoreLog, state: State) -> dict[str, Any]:
    items = [item for item in log.items if item.state is state]
    return {
        "answers": len(items),
        "first": [{"item": item.key, "repeat": item.repeat, "reason": item.reason} for item in items[:_LISTED]],
    }


def _usage(items: Iterable[ScoredItem]) -> dict[str, float | None]:
    usages = [item.usage for item in items]

    def total(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return math.fsum(known) if known else None

    seconds = sorted(one.latency_seconds for one in usages if one.latency_seconds is not None)
    return {
        "cost_usd": total(one.cost_usd for one in usages),
        "input_tokens": total(one.input_tokens for one in usages),
        "output_tokens": total(one.output_tokens for one in usages),
        "latency_seconds_p50": seconds[(len(seconds) - 1) // 2] if seconds else None,
        "latency_seconds_p95": seconds[math.ceil(0.95 * len(seconds)) - 1] if seconds else None,
    }
