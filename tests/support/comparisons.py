"""Comparisons and rules for gates, without tables."""

from dataclasses import replace

from mlci.gates.judge import judge_rules
from mlci.gates.limits import Limit, Rule
from mlci.inference.intervals.score_intervals import Proportion, Tango
from mlci.inference.result import Comparison, Disparity, EvaluationResult, GroupRate
from mlci.metrics.statistics import WHOLE, Scope


def rule(metric="accuracy", *, each=None, across=None, judged=None, percent=False, line=3, policy=None, **limits):
    """Return a rule such as ``rule(max_drop=0.02)``; ``percent`` makes limits relative."""
    bounds = tuple(Limit(kind, value, relative=percent) for kind, value in limits.items())
    doubt = policy or {}
    return Rule(metric=metric, limits=bounds, each=each, across=across, judge=judged, line=line, **doubt)


def compare(rows=1000, *, right=None, gained=30, lost=30, scope=WHOLE, metric="accuracy", **changes):
    """Return two models of which the candidate is right on ``right`` rows, gaining and losing some."""
    right = rows * 17 // 20 if right is None else right
    found = Comparison(
        metric=metric,
        scope=scope,
        rows=rows,
        support=rows,
        unit="rows",
        candidate=Proportion(right, rows),
        baseline=Proportion(right - gained + lost, rows),
        change=Tango(gained, lost, rows),
        disagreements=gained + lost,
    )
    return replace(found, **changes)


def alone(found: Comparison) -> Comparison:
    """Return a comparison without a baseline."""
    return replace(found, baseline=None, change=None, disagreements=None)


def group(name, rows=1000, **parts) -> Comparison:
    return compare(rows, scope=Scope("region", name), **parts)


def spread(candidate, *, baseline=None, change=None, small=(), smallest=1000, metric="recall_difference", sizes=()):
    groups = [GroupRate(group=g, rows=n, baseline=None, candidate=None, ratio=None, difference=None) for g, n in sizes]
    return Disparity(
        metric=metric,
        across="sex",
        reference=None,
        groups=tuple(groups),
        small=tuple(small),
        smallest=smallest,
        candidate=candidate,
        baseline=baseline,
        change=change,
    )


def result(*found, confidence=0.95, disparities=()):
    return EvaluationResult(
        task="binary",
        rows=1000,
        fingerprint="sha256:0",
        has_baseline=True,
        confidence=confidence,
        seed=7,
        comparisons=tuple(found),
        disparities=tuple(disparities),
    )


def judge(rules, *found, confidence=0.95, disparities=(), smallest=30):
    """Judge rules (or one) against comparisons; return all cases."""
    rules = rules if isinstance(rules, list) else [rules]
    return judge_rules(rules, result(*found, confidence=confidence, disparities=disparities), min_group_size=smallest)


def one(rules, *found, **more):
    """Judge what has to be exactly one case."""
    (only,) = judge(rules, *found, **more)
    return only
