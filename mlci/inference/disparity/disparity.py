"""Disparities of one slice: comparison of the groups for both models, and the change."""

from dataclasses import replace

import numpy as np

from mlci.inference import minimums
from mlci.inference.disparity import simultaneous
from mlci.inference.disparity.change import change_of
from mlci.inference.disparity.groups import DisparityOptions, GroupedValues, share_of
from mlci.inference.disparity.largest_shift import shift_of
from mlci.inference.disparity.simultaneous import Groups, Kind
from mlci.inference.evidence import Cause, Evidence, MeasureContext, Point, Triple, Undefined
from mlci.inference.measure import measure_metric
from mlci.inference.minimums import attribute_causes, missing_models
from mlci.inference.result import Comparison, Disparity, GroupRate
from mlci.metrics import catalogue
from mlci.metrics.statistics import Floats


def measure_disparity(name: str, across: GroupedValues, context: MeasureContext) -> Disparity:
    """Return one disparity over one slice for both models, with the change between them."""
    parts = catalogue.find_disparity(name)
    if parts is None:
        raise ValueError(f"{name} is not a disparity")
    measured = [[measure_metric(base, group, context) for group in across.groups] for base in parts.bases]
    small = tuple(str(group.scope.group) for group in across.groups if group.rows < across.min_group_size)
    smallest = min((group.rows for group in across.groups), default=0)
    kind: Kind = "ratio" if parts.kind == "ratio" else "difference"
    options = DisparityOptions(parts.bases, kind, across, context, measured)
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
    value = _value(values, options)
    if not np.isfinite(value):
        return Undefined("0/0: the metric is 0 in every group")
    bases = [_groups(options, model, k) for k in range(len(options.bases))]
    if any(item is None for item in bases):
        return Point(value, "measured", "the groups' values have no standard errors")
    ready = [item for item in bases if item is not None]
    return simultaneous.compare_groups(
        ready,
        value=value,
        reference=across.index,
        rows=smallest,
        confidence=context.confidence,
        kind=options.kind,
        most=most,
    )


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


def _value(values: Floats, options: DisparityOptions) -> float:
    each = [simultaneous.disparity_evidence(row, reference=options.across.index, kind=options.kind) for row in values]
    return float(np.max(each) if options.kind == "difference" else np.min(each))


def _groups(options: DisparityOptions, model: str, k: int) -> Groups | None:
    seed = options.context.seed + k
    if options.counted:
        counted = [share_of(group.decisions, options.bases[k], model) for group in options.across.groups]
        part, base = np.array([c.part for c in counted], float), np.array([c.base for c in counted], float)
        return simultaneous.group_proportions(part, base, kind=options.kind, seed=seed)
    values, errors = options.values(model)[k], options.errors(model)[k]
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
