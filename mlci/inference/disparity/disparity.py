"""Disparities of one slice: comparison of the groups for both models, the change, and the largest shift.

The largest shift is the largest distance of two groups' changes. Unlike the change of a disparity, its changes are
paired by row, so that it has power with few rows, and a group that was ahead and is now behind counts in full:

- All pairs share the allowed error (Bonferroni; Dunn 1961, JASA 56:52).
- It is above a limit if one pair is, which is tested against all distances up to the limit (Hodges & Lehmann 1954,
  J. R. Stat. Soc. B 16:261).
- It is below a limit if every pair is. With many rows each could be tested at the nominal level (Berger 1982); that
  misses 3.5 % instead of 2.5 % if only a small group changes.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from mlci.inference import minimums
from mlci.inference.disparity import simultaneous
from mlci.inference.disparity.change import change_of, is_unchanged
from mlci.inference.disparity.groups import (
    DisparityOptions,
    GroupChanges,
    GroupedValues,
    moments_of,
    rates_of,
    share_of,
)
from mlci.inference.disparity.simultaneous import GroupDistance, Groups, Kind, unordered
from mlci.inference.disparity.to_overall import WeightedGroups, compare_with_overall, distance_to_overall
from mlci.inference.evidence import Cause, Evidence, Interval, MeasureContext, Point, Tie, Triple, Undefined
from mlci.inference.intervals.distributions import cdf, quantile
from mlci.inference.measure import measure_metric
from mlci.inference.minimums import attribute_causes, missing_models
from mlci.inference.result import Comparison, Disparity, GroupRate
from mlci.metrics import catalogue
from mlci.metrics.statistics import Floats

_SMALLEST = 1e-15
_STEPS = 60


@dataclass(frozen=True)
class LargestShift:
    """The largest distance between two groups' changes.

    Attributes:
        value: Largest distance of the raw changes.
        pairs: The pairs of groups that can decide at some limit, with their distances and standard errors.
        compared: Number of pairs.
        rows: Rows in the smallest group.
        most: Largest possible shift.
    """

    value: float
    pairs: tuple[GroupDistance, ...]
    compared: int
    rows: int
    most: float
    method: str = "paired pairs"
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return both ends, which are nested in the confidence; the value lies between them."""
        alpha = (1 - confidence) / 2
        reach = -quantile(alpha / self.compared)
        high = max(pair.distance + reach * pair.error for pair in self.pairs)
        return min(self._low(alpha), self.value), min(self.most, max(high, self.value))

    def above(self, limit: float) -> float:
        """Test that some pair of groups shifted by more than the limit."""
        if limit < 0:
            return 0.0
        tails = [
            cdf((limit - each.distance) / each.error) + cdf(-(limit + each.distance) / each.error)
            for each in self.pairs
        ]
        return min(1.0, self.compared * min(tails))

    def below(self, limit: float) -> float:
        """Test that every pair of groups shifted by less than the limit."""
        if limit < 0:
            return 1.0
        return min(1.0, self.compared * max(cdf((pair.distance - limit) / pair.error) for pair in self.pairs))

    def scaled_variance(self) -> float:
        """Return the widest pair's variance times the rows of the smallest group."""
        return max(pair.error for pair in self.pairs) ** 2 * self.rows

    def _low(self, alpha: float) -> float:
        """Return the largest limit that the shift is above with a p-value of ``alpha`` or less; 0 if there is none."""
        low, high = 0.0, max(pair.distance for pair in self.pairs)
        if self.above(low) > alpha:
            return low
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.above(middle) <= alpha else (low, middle)
        return low


def shift_of(options: DisparityOptions, *, most: float | None) -> Evidence:
    """Return the largest shift over all pairs of groups of each base metric, or of each group with the reference.

    Args:
        options: The groups, of which every one has a value for both models.
        most: Largest possible shift.
    """
    if is_unchanged(options):
        return Tie()
    if unknown := _unknown(options):
        return unknown
    changes = options.values("candidate") - options.values("baseline")
    reference = options.across.index
    value = float(
        np.max([simultaneous.disparity_evidence(row, reference=reference, kind="difference") for row in changes])
    )
    moments = moments_of(options)
    if moments is None:
        return Point(value, "difference", "the groups' changes have no standard errors")
    rows = min(group.rows for group in options.across.groups)
    pairs, compared = _pairs(moments[1], reference)
    return LargestShift(value, pairs, compared, rows, math.inf if most is None else most)


def _unknown(options: DisparityOptions) -> Undefined | None:
    """Return why a group's change is undefined; ``None`` if all are defined."""
    for base in options.measured:
        for item in base:
            if isinstance(item.change, Undefined):
                return Undefined(f"{item.scope.group}: {item.change.reason}", method=item.change.method)
    return None


def _pairs(changes: GroupChanges, reference: int | None) -> tuple[tuple[GroupDistance, ...], int]:
    """Return the decisive pairs, and the number of all pairs.

    Groups in which nothing changed have a variance of 0, which no test can divide by.
    """
    smallest = _SMALLEST * float(changes.variance.max())
    distance, error, compared = np.empty(0), np.empty(0), 0
    for values, variances in zip(changes.value, changes.variance, strict=True):
        for first, second in unordered(changes.value.shape[1], reference):
            apart = np.abs(values[first] - values[second])
            errors = np.sqrt(np.maximum(variances[first] + variances[second], smallest))
            distance, error = simultaneous.decisive_pairs(np.append(distance, apart), np.append(error, errors))
            compared += len(first)
    return tuple(map(GroupDistance, distance.tolist(), error.tolist())), compared


def measure_disparity(name: str, across: GroupedValues, context: MeasureContext) -> Disparity:
    """Return one disparity over one slice for both models, with the change between them."""
    parts = catalogue.find_disparity(name)
    if parts is None:
        raise ValueError(f"{name} is not a disparity")
    across = replace(across, reference=None) if parts.to_overall else across
    measured = [[measure_metric(base, group, context) for group in across.groups] for base in parts.bases]
    small = tuple(str(group.scope.group) for group in across.groups if group.rows < across.min_group_size)
    smallest = min((group.rows for group in across.groups), default=0)
    kind: Kind = "ratio" if parts.kind == "ratio" else "difference"
    options = DisparityOptions(parts.bases, kind, across, context, measured, to_overall=parts.to_overall)
    info = catalogue.find(name)
    most = None if info is None else info.high
    if parts.kind == "shift":
        candidate, baseline, change = _shift(options, most)
    else:
        candidate = _evidence(options, "candidate", smallest, most)
        baseline = _evidence(options, "baseline", smallest, most) if context.baseline else None
        change = None if baseline is None else change_of(name, options, candidate, baseline)
        candidate, baseline, change = attribute_causes((candidate, baseline, change), labels=None)
    return Disparity(
        metric=name,
        across=across.slice,
        reference=across.reference,
        groups=_rates(measured, across),
        small=small,
        smallest=smallest,
        candidate=candidate,
        baseline=baseline,
        change=change,
    )


def _shift(options: DisparityOptions, most: float | None) -> Triple:
    """Return the largest shift as the change; a single model has none."""
    if not options.context.baseline:
        return Undefined("a shift compares two models, and no baseline exists"), None, None
    alone = Undefined("a shift compares two models; a single model has none")
    problems = [_problem(options, options.values(model), model) for model in ("candidate", "baseline")]
    problem = next((each for each in problems if each is not None), None)
    if problem is None:
        return alone, alone, shift_of(options, most=most)
    cause = problem.cause or missing_models(candidate=problems[0] is not None, baseline=problems[1] is not None)
    return alone, alone, replace(problem, cause=cause)


def _evidence(options: DisparityOptions, model: str, smallest: int, most: float | None) -> Evidence:
    values = options.values(model)
    if problem := _problem(options, values, model):
        return problem
    across, context = options.across, options.context
    value = _value(values, options, model)
    if not np.isfinite(value):
        return Undefined("0/0: the metric is 0 in every group")
    bases = [_groups(options, model, k) for k in range(len(options.bases))]
    if any(item is None for item in bases):
        return Point(value, "measured", "the groups' values have no standard errors")
    ready = [item for item in bases if item is not None]
    if options.to_overall:
        return _to_overall(options, ready, model, value=value, most=most)
    return simultaneous.compare_groups(
        ready,
        value=value,
        reference=across.index,
        rows=smallest,
        confidence=context.confidence,
        kind=options.kind,
        most=most,
    )


def _to_overall(
    options: DisparityOptions, bases: list[Groups], model: str, *, value: float, most: float | None
) -> Evidence:
    """Return the evidence of the groups' distances to the whole set."""
    if options.clustered:
        return Point(value, "measured", "no interval: groups share clusters with the whole set, or rows have weights")
    if sum(group.rows for group in options.across.groups) != options.context.whole.rows:
        return Point(value, "measured", "no interval: the groups do not have all rows of the whole set")
    weighted = [WeightedGroups(one, _weights(options, model, k)) for k, one in enumerate(bases)]
    rows = min(group.rows for group in options.across.groups)
    return compare_with_overall(
        weighted, value=value, rows=rows, confidence=options.context.confidence, kind=options.kind, most=most
    )


def _weights(options: DisparityOptions, model: str, k: int) -> Floats:
    """Return each group's share of the rows that a base metric is a mean of."""
    groups = options.across.groups
    counted = [
        share_of(group.decisions, options.bases[k], model).base if options.counted else group.rows for group in groups
    ]
    return np.array(counted, float) / sum(counted)


def _problem(options: DisparityOptions, values: Floats, model: str) -> Undefined | None:
    """Return why the disparity is undefined; ``None`` if it is not."""
    names = options.across.names
    if len(names) < 2:
        return Undefined("fewer than two groups", cause=Cause.LABELS)
    if options.across.reference is not None and options.across.index is None:
        listed = ", ".join(names[:8])
        message = f"the reference group {options.across.reference!r} does not occur; there are {listed}"
        return Undefined(message, cause=Cause.NAME)
    undefined = [g for g in range(len(names)) if not np.isfinite(values[:, g]).all()]
    if undefined:
        return _undefined_groups(options, undefined, model)
    if options.kind == "ratio" and values.min() < 0:
        return Undefined("a ratio of negative values is not meaningful")
    return None


def _undefined_groups(options: DisparityOptions, undefined: list[int], model: str) -> Undefined:
    """Return the message for groups without a value, caused by their labels or by the model's predictions."""
    missing = [
        (options.across.names[g], evidence)
        for g in undefined
        for base in options.measured
        if (evidence := getattr(base[g], model)).value is None
    ]
    causes = [getattr(evidence, "cause", None) for _, evidence in missing]
    if Cause.MISSING in causes:
        return Undefined(str(missing[causes.index(Cause.MISSING)][1].reason), cause=Cause.MISSING)
    if set(causes) == {Cause.LABELS}:
        lacking = dict.fromkeys(f"{name} has {evidence.reason}" for name, evidence in missing)
        return Undefined(", ".join(list(lacking)[:5]), cause=Cause.LABELS)
    named = ", ".join(list(dict.fromkeys(name for name, _ in missing))[:5])
    return Undefined(f"0/0 in {named}: {' and '.join(options.bases)} can't be computed there")


def _value(values: Floats, options: DisparityOptions, model: str) -> float:
    if options.to_overall:
        whole = [getattr(measure_metric(base, options.context.whole, options.context), model) for base in options.bases]
        distances = [distance_to_overall(row, one.value, options.kind) for row, one in zip(values, whole, strict=True)]
        return max(distances) if options.kind == "difference" else min(distances)
    each = [simultaneous.disparity_evidence(row, reference=options.across.index, kind=options.kind) for row in values]
    return float(np.max(each) if options.kind == "difference" else np.min(each))


def _groups(options: DisparityOptions, model: str, k: int) -> Groups | None:
    seed = options.context.seed + k
    if options.counted:
        counted = [
            [share_of(group.decisions, rate, model) for group in options.across.groups]
            for rate in rates_of(options.bases[k])
        ]
        part = np.array([[share.part for share in shares] for shares in counted], float)
        base = np.array([[share.base for share in shares] for shares in counted], float)
        return simultaneous.group_proportions(part, base, kind=options.kind, seed=seed)
    values, errors = (part[k] for part in options.estimates(model))
    if not np.isfinite(errors).all() or (errors <= 0).any() or (options.kind == "ratio" and (values <= 0).any()):
        return None
    return simultaneous.group_estimates(values, errors, kind=options.kind, seed=seed)


def _rates(measured: list[list[Comparison]], across: GroupedValues) -> tuple[GroupRate, ...]:
    """List every group's value of the first base metric, with its distance from the reference if there is one."""
    first = measured[0]
    anchor = first[across.index].candidate.value if across.index is not None else None
    return tuple(
        GroupRate(
            group=str(item.scope.group),
            rows=item.rows,
            baseline=None if item.baseline is None else item.baseline.value,
            candidate=item.candidate.value,
            ratio=_divide(item.candidate.value, anchor),
            difference=None if anchor is None or item.candidate.value is None else item.candidate.value - anchor,
            shortage=_shortage([base[g] for base in measured]),
        )
        for g, item in enumerate(first)
    )


def _shortage(comparisons: list[Comparison]) -> str | None:
    """Return which carriers of a group's values are too few to be judged, apart from all rows."""
    lacking = (minimums.missing_rows(item.metric, item.carriers) for item in comparisons)
    return next((str(lack) for lack in lacking if lack is not None and lack.unit != "rows"), None)


def _divide(value: float | None, anchor: float | None) -> float | None:
    return None if value is None or not anchor else value / anchor
