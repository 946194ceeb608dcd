"""Builders of reports: ``a_report(gates=[failed("recall", region="north", max_drop=0.01, ...)])``."""

from mlci.gates.limits import Limit
from mlci.report.document import (
    AgreementRow,
    BaselineRef,
    Candidate,
    DisparityRow,
    EvaluationSet,
    GateRow,
    GroupRow,
    MetricRow,
    PolicyRef,
    Provenance,
    Report,
    ScopeRef,
    Seconds,
    Waiver,
)
from mlci.report.lineage_rows import Lineage, LineageItem, LineageRow, TrendPoint, TrendRow

HEAD = "3f9c2ab4d5e6f708192a3b4c5d6e7f8091a2b3c4"
BASE = "8d01e77aa1b2c3d4e5f60718293a4b5c6d7e8f90"
LIMITS = {"min", "max", "max_drop", "max_rise"}
BLOCKING = {"failed", "error"}


def gate(outcome, metric, *, was=None, now=None, value=None, low=None, high=None, scope=None, **more):
    """One gate; the limit is given as ``min=``…, the scope as ``region="north"`` or ``across="sex"``."""
    limit = {key: more.pop(key) for key in list(more) if key in LIMITS}
    relative = more.pop("relative", False)
    named = {key: more.pop(key) for key in list(more) if key not in GateRow.model_fields}
    across = named.pop("across", None)
    where = scope or next(({"slice": key, "group": value} for key, value in named.items()), {"across": across})
    (kind, size) = next(iter(limit.items()))
    on = "change" if kind in {"max_drop", "max_rise"} else "value"
    if value is None:
        value = now if on == "value" else None if was is None or now is None else round(now - was, 12)
    more.setdefault("id", _identity(metric, where, kind))
    more.setdefault("judge", "interval" if on == "change" or where.get("slice") or where.get("across") else "estimate")
    more.setdefault("blocks", outcome in BLOCKING)
    return GateRow(
        metric=metric,
        scope=ScopeRef(**where),
        limit=Limit(kind, size, relative),
        outcome=outcome,
        on=on,
        baseline=was,
        candidate=now,
        value=value,
        interval=None if low is None else (low, high),
        bound=Limit(kind, size, relative).bound(was),
        **more,
    )


def passed(metric, **more):
    return gate("passed", metric, **more)


def failed(metric, **more):
    return gate("failed", metric, **more)


def inconclusive(metric, **more):
    return gate("inconclusive", metric, **more)


def no_baseline(metric, **more):
    return gate("no_baseline", metric, **more)


def broken(metric, **more):
    return gate("error", metric, **more)


def waived(metric, *, by="dana", until="2026-12-01", because="known label noise in May", **more):
    return gate("waived", metric, waived=Waiver(by=by, until=until, reason=because), **more)


def required(outcome, name, **more):
    """A gate on a behavioural test."""
    return GateRow(
        id=f"{name}.pass",
        metric=name,
        scope=ScopeRef(),
        limit=Limit("present"),
        judge="estimate",
        outcome=outcome,
        blocks=outcome in BLOCKING,
        test=True,
        line=40,
        **more,
    )


def measured(metric, *, was=None, now=None, span=None, moved=None, **more):
    """One metric row; ``span`` is the candidate's interval, ``moved`` that of the change."""
    named = {key: more.pop(key) for key in list(more) if key not in MetricRow.model_fields}
    scope = next(({"slice": key, "group": value} for key, value in named.items()), {})
    change = None if was is None or now is None else round(now - was, 12)
    return MetricRow(
        metric=metric,
        baseline=was,
        candidate=now,
        candidate_interval=span,
        change=change,
        change_interval=moved,
        **{**scope, **more},
    )


def group(name, rows, *, was=None, now=None, **more):
    return GroupRow(group=name, rows=rows, baseline=was, candidate=now, **more)


def spread(metric, across, *, groups=(), was=None, now=None, span=None, moved=None, change=None, **more):
    change = change if was is None or now is None else round(now - was, 12)
    return DisparityRow(
        metric=metric,
        across=across,
        groups=tuple(groups),
        baseline=was,
        candidate=now,
        candidate_interval=span,
        change=change,
        change_interval=moved,
        **more,
    )


def a_report(*, gates=(), metrics=(), disparities=(), baseline=True, **more):
    """A report whose verdict is the join of its gates, as the gates' own module makes it."""
    blocked = any(row.blocks for row in gates)
    doubtful = any(row.outcome != "passed" for row in gates)
    evaluation = {"rows": 12_408, "fingerprint": "sha256:a81c55e0" + "0" * 56, "uses": 14, "budget": 32, "sealed": True}
    references = {True: BaselineRef(source="production", version="7", commit=BASE), False: BaselineRef(source="none")}
    values = {
        "model": "credit-risk",
        "task": "binary",
        "verdict": "block" if blocked else "warn" if doubtful else "pass",
        "candidate": Candidate(commit=HEAD),
        "baseline": references.get(baseline, baseline),
        "evaluation": EvaluationSet(**{**evaluation, **more.pop("evaluation", {})}),
        "policy": PolicyRef(confidence=0.95, inconclusive="warn", no_baseline="warn"),
        "metrics": tuple(metrics),
        "disparities": tuple(disparities),
        "gates": tuple(gates),
        "provenance": Provenance(
            config="sha256:" + "c0" * 32,
            config_path="mlci.yml",
            seed=7,
            versions={"mlci": "0.1.0", "python": "3.11.7"},
            seconds=Seconds(train=61.2, predict=3.4, evaluate=0.4),
        ),
    }
    return Report(**{**values, **more})


def agreement(**more):
    return AgreementRow(
        **{"both": 11_000, "baseline_only": 180, "candidate_only": 231, "neither": 997, "exact_p": 0.0137, **more}
    )


def _identity(metric, scope, kind):
    inside = (
        f"{scope.get('slice')}={scope.get('group')}"
        if scope.get("slice")
        else f"across={scope['across']}"
        if scope.get("across")
        else ""
    )
    return f"{metric}[{inside}].{kind}" if inside else f"{metric}.{kind}"


def differs(kind, was, now, *items, changed=True, **more):
    """One row of a lineage; items are ``(name, how, before, after)``."""
    listed = tuple(
        LineageItem(**dict(zip(("name", "how", "baseline", "candidate"), item, strict=False))) for item in items
    )
    return LineageRow(kind=kind, baseline=was, candidate=now, changed=changed, items=listed, **more)


def same(kind, digest, **more):
    return differs(kind, digest, digest, changed=False, **more)


def lineage(*rows, **more):
    return Lineage(rows=rows, **more)


def history(metric, *values, first=1, other_rows=0):
    """A metric over versions from ``first``; the oldest ``other_rows`` were judged on another evaluation set."""
    points = (
        TrendPoint(version=first + index, value=value, same_rows=index >= other_rows)
        for index, value in enumerate(values)
    )
    return TrendRow(metric=metric, points=tuple(points))
