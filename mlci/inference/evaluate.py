"""Evaluation of every metric in every scope and every disparity across every slice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlci.inference.class_curves import class_curves
from mlci.inference.disparity.disparity import measure_disparity
from mlci.inference.disparity.groups import GroupedValues
from mlci.inference.evidence import MeasureContext
from mlci.inference.measure import agreement, measure_metric
from mlci.inference.minimums import FRAGILE
from mlci.inference.plots import confusion, curves, residuals
from mlci.inference.result import Comparison, Disparity, EvaluationResult
from mlci.metrics.clustered_rows import ClusteredRows
from mlci.metrics.statistics import Statistics

MOST_CLASSES = 30
MOST_GROUPS_IN_FULL = 1_000
"""Groups of a slice up to which every metric is measured in each of them."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Metrics, disparities and settings of an evaluation.

    Attributes:
        task: ``binary``, ``multiclass`` or ``regression``.
        metrics: Names to measure in every scope.
        disparities: (metric, slice) pairs.
        references: Reference group by slice.
        baseline: Whether the statistics contain a baseline.
        confidence: Two-sided level of intervals.
        seed: Of every bootstrap.
        min_group_size: Minimum of rows for a group to be judged; smaller ones are only listed.
        per_class: Whether to add precision, recall and F1 of every class, on the whole set.
        named: Metrics and disparities that the configuration names, by slice; only these are measured across slices
            with very many groups.
    """

    task: str
    metrics: tuple[str, ...]
    baseline: bool
    disparities: tuple[tuple[str, str], ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.95
    seed: int = 7
    min_group_size: int = 30
    per_class: bool = False
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)


def evaluate(
    statistics: Sequence[Statistics], question: Question, *, fingerprint: str, notes: tuple[str, ...]
) -> EvaluationResult:
    """Evaluate the question; ``statistics[0]`` is the whole set, the others are groups of slices."""
    whole, large = statistics[0], _large_slices(statistics)
    if large:
        question = replace(question, disparities=_named_disparities(question, large))
    context = MeasureContext(
        whole=whole, confidence=question.confidence, seed=question.seed, baseline=question.baseline
    )
    return EvaluationResult(
        task=question.task,
        rows=whole.rows,
        fingerprint=fingerprint,
        has_baseline=question.baseline,
        confidence=question.confidence,
        seed=question.seed,
        comparisons=_comparisons(statistics, question, context, large),
        disparities=_disparities(statistics, question, context),
        agreement=agreement(whole.decisions) if whole.decisions is not None else None,
        curves=curves(whole),
        class_curves=class_curves(whole),
        residuals=residuals(whole),
        confusion=confusion(whole.decisions) if whole.decisions is not None else None,
        notes=(*notes, *_fragile_note(whole), *(_large_note(name, groups) for name, groups in large.items())),
        classes=whole.decisions.classes if whole.decisions is not None else (),
        **_grouping(whole.clustered),
    )


def _grouping(rows: ClusteredRows | None) -> dict[str, Any]:
    """Return the columns of clusters and weights, and the number of clusters."""
    if rows is None:
        return {}
    named = rows.table.cluster is not None
    return {
        "cluster": rows.table.cluster,
        "clusters": rows.count_clusters() if named else None,
        "weight": rows.table.weight,
    }


def _fragile_note(whole: Statistics) -> tuple[str, ...]:
    """Return the note about intervals from few clusters."""
    rows = whole.clustered
    if rows is None or rows.table.cluster is None or rows.count_clusters() >= FRAGILE:
        return ()
    return (f"only {rows.count_clusters()} clusters of `{rows.table.cluster}`: intervals are fragile below {FRAGILE}",)


def _large_slices(statistics: Sequence[Statistics]) -> dict[str, int]:
    """Return the slices with more groups than are measured in full, and the number of their groups."""
    counted = Counter(str(item.scope.slice) for item in statistics[1:])
    return {name: groups for name, groups in counted.items() if groups > MOST_GROUPS_IN_FULL}


def _named_disparities(question: Question, large: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    named = question.named
    return tuple(
        (metric, name)
        for metric, name in question.disparities
        if name not in large or metric in named.get(name, frozenset())
    )


def _large_note(name: str, groups: int) -> str:
    return (
        f"slice {name!r} has {groups:,} groups: only metrics that gates limit in it, or that `evaluation.metrics` "
        "lists, are measured across them"
    )


def _comparisons(
    statistics: Sequence[Statistics], question: Question, context: MeasureContext, large: Mapping[str, int]
) -> tuple[Comparison, ...]:
    everywhere = [
        measure_metric(name, scope, context)
        for scope in statistics
        for name in question.metrics
        if scope.scope.slice not in large or name in question.named.get(str(scope.scope.slice), frozenset())
    ]
    extra = [name for name in _by_class(statistics[0], question) if name not in question.metrics]
    return (*everywhere, *(measure_metric(name, statistics[0], context) for name in extra))


def _by_class(whole: Statistics, question: Question) -> list[str]:
    """Return the names of the classes' own metrics; none if there are too many classes for a report."""
    if not question.per_class or whole.decisions is None or len(whole.decisions.classes) > MOST_CLASSES:
        return []
    return [f"{metric}[{name}]" for name in whole.decisions.classes for metric in ("precision", "recall", "f1")]


def _disparities(
    statistics: Sequence[Statistics], question: Question, context: MeasureContext
) -> tuple[Disparity, ...]:
    slices: dict[str, list[Statistics]] = {}
    for item in statistics[1:]:
        slices.setdefault(str(item.scope.slice), []).append(item)
    across = {
        name: GroupedValues(
            slice=name,
            groups=tuple(groups),
            reference=question.references.get(name),
            min_group_size=question.min_group_size,
        )
        for name, groups in slices.items()
    }
    return tuple(
        measure_disparity(name, across[where], context) for name, where in question.disparities if where in across
    )
