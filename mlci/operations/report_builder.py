"""Build a report from an evaluation and its judged gates. Pure."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mlci.config.models import Config
from mlci.gates.judge import join_verdicts
from mlci.gates.outcomes import JudgedGate, Outcome, cause_of
from mlci.gates.waivers import is_waivable
from mlci.inference.class_curves import ClassCurves
from mlci.inference.evidence import Evidence
from mlci.inference.result import BehaviourTest, Comparison, Disparity, EvaluationResult
from mlci.lineage.rows import SCHEME
from mlci.report.curve_rows import ClassCurvesRow, ConfusionRow, CurvesRow, ResidualsRow
from mlci.report.document import (
    AgreementRow,
    BaselineRef,
    BehaviourRow,
    Candidate,
    CostBudgetRow,
    DisparityRow,
    EvaluationSet,
    GateRow,
    GroupRow,
    HoldoutLook,
    Judging,
    MetricRow,
    PolicyRef,
    Provenance,
    Report,
    RowsChanged,
    RunCost,
    ScopeRef,
    SearchedSlicesRow,
    Seconds,
    SharedRows,
    Waiver,
)
from mlci.report.item_rows import GraderAgreement, ItemsChanged
from mlci.report.lineage_rows import Lineage, TrendRow

Interval = tuple[float, float]
FIRST = {
    "production": "no baseline yet; it is recorded when this merges",
    "ref": "no baseline yet; there is one when this merges",
}
"""Reasons of gates without a baseline, by the baseline's source."""


@dataclass(frozen=True, kw_only=True)
class ReportContext:
    """Facts of a report beside its numbers.

    Attributes:
        model, task: From the configuration.
        candidate, baseline: The two models' origins.
        policy: Policy of the gates.
        config_digest, config_path: The configuration.
        seconds: Wall time by stage.
        versions: Versions of mlci and of its numerical libraries.
        uses: Number of holdout uses, by the ledger.
        lineage: Changes since the baseline was made.
        trend: Gated metrics over the versions that were in production.
        made_by_training: Whether the candidate's training made the evaluation set.
        shared: Rows that both models are compared on, if the baseline's own evaluation set differs.
        judging: What the pull request changed about its own judging, if that is known.
        records_waivers: Whether a registry can record that a gate is waived.
        cost: What this run has cost so far.
        training_label: Label that asks for training, if nothing was trained because it was not asked for.
        labels_sealed: Whether only a key opens the labels of the evaluation set.
        anchor: Newest entry of the registry's ledger, if the registry was read.
        grader: A judge against human labels, if the configuration has some.
        look: This run's look at the evaluation set, if the looks are counted.
    """

    model: str
    candidate: Candidate
    baseline: BaselineRef
    policy: PolicyRef
    config_digest: str | None
    config_path: str | None
    seconds: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    uses: int | None = None
    lineage: Lineage | None = None
    trend: tuple[TrendRow, ...] = ()
    made_by_training: bool = False
    shared: SharedRows | None = None
    judging: Judging | None = None
    records_waivers: bool = False
    cost: RunCost | None = None
    training_label: str | None = None
    labels_sealed: bool = False
    anchor: str | None = None
    look: HoldoutLook | None = None
    grader: GraderAgreement | None = None


def policy_ref(config: Config) -> PolicyRef:
    """Return the policy for the report."""
    return PolicyRef(
        confidence=config.judged_confidence,
        inconclusive=config.policy.inconclusive,
        no_baseline=config.policy.no_baseline,
        comment=config.policy.comment,
    )


def build_report(result: EvaluationResult, gates: tuple[JudgedGate, ...], facts: ReportContext) -> Report:
    """Return the report that all output is rendered from."""
    return Report(
        model=facts.model,
        task=result.task,
        verdict="pass" if result.measured_nothing else join_verdicts(gates).word,
        candidate=facts.candidate,
        baseline=facts.baseline,
        evaluation=EvaluationSet(
            rows=result.rows,
            fingerprint=result.fingerprint,
            fingerprint_scheme=SCHEME if result.fingerprint else None,
            uses=facts.uses if facts.look is None else facts.look.looks,
            budget=None if facts.look is None else facts.look.budget,
            look=facts.look,
            sealed=facts.labels_sealed,
            made_by_training=facts.made_by_training,
            cluster=result.cluster,
            clusters=result.clusters,
            weight=result.weight,
            shared=facts.shared,
        ),
        policy=facts.policy,
        metrics=tuple(_metric(item, result.confidence) for item in result.comparisons),
        disparities=tuple(_disparity(item, result.confidence) for item in result.disparities),
        gates=tuple(gate_row(gate, facts.baseline.source, records_waivers=facts.records_waivers) for gate in gates),
        agreement=None if result.agreement is None else AgreementRow(**_numbers(vars(result.agreement))),
        curves=None if result.curves is None else CurvesRow.model_validate(asdict(result.curves)),
        class_curves=tuple(_class_curves(one) for one in result.class_curves),
        residuals=None if result.residuals is None else ResidualsRow.model_validate(asdict(result.residuals)),
        confusion=None if result.confusion is None else ConfusionRow.model_validate(asdict(result.confusion)),
        tests=tuple(_behaviour(test) for test in result.tests),
        rows_changed=None if result.row_changes is None else RowsChanged.model_validate(asdict(result.row_changes)),
        worst_slices=None
        if result.worst_slices is None
        else SearchedSlicesRow.model_validate(asdict(result.worst_slices)),
        items_changed=(
            None if result.item_changes is None else ItemsChanged.model_validate(asdict(result.item_changes))
        ),
        grader=facts.grader,
        notes=result.notes,
        unchanged_since=result.unchanged_since,
        training_label=facts.training_label,
        lineage=facts.lineage,
        trend=facts.trend,
        cost=facts.cost,
        judging=facts.judging,
        provenance=Provenance(
            config=facts.config_digest,
            config_path=facts.config_path,
            seed=result.seed,
            versions=dict(facts.versions),
            anchor=facts.anchor,
            seconds=Seconds(**facts.seconds),
        ),
    )


def _class_curves(found: ClassCurves) -> ClassCurvesRow:
    auc = {"candidate_auc": found.candidate_auc, "baseline_auc": found.baseline_auc}
    return ClassCurvesRow.model_validate({"label": found.label, "rows": found.rows, **auc, **asdict(found.curves)})


def _behaviour(test: BehaviourTest) -> BehaviourRow:
    budget = None if test.budget is None else CostBudgetRow.model_validate(asdict(test.budget))
    return BehaviourRow(name=test.name, outcome=str(test.outcome), message=test.message or None, budget=budget)


def _metric(item: Comparison, confidence: float) -> MetricRow:
    return MetricRow(
        slice=item.scope.slice,
        group=item.scope.group,
        rows=item.rows,
        support=item.support,
        support_unit=item.unit,
        higher_is_better=item.higher_is_better,
        **_evidenced(item, confidence),
    )


def _disparity(item: Disparity, confidence: float) -> DisparityRow:
    groups = tuple(GroupRow(**_numbers(vars(group)), small=group.group in item.small) for group in item.groups)
    return DisparityRow(across=item.across, reference=item.reference, groups=groups, **_evidenced(item, confidence))


def _evidenced(item: Comparison | Disparity, confidence: float) -> dict[str, object]:
    """Return the columns that metrics and disparities share."""
    change, baseline, candidate = item.change, item.baseline, item.candidate
    only_change = candidate.value is None and change is not None and change.value is not None  # as a shift has
    looked_at = (change,) if only_change else (candidate, change)
    reasons = [reason for evidence in looked_at if evidence is not None and (reason := _reason(evidence))]
    return {
        "metric": item.metric,
        "baseline": None if baseline is None else _number(baseline.value),
        "candidate": _number(candidate.value),
        "candidate_interval": _interval(candidate, confidence),
        "baseline_interval": _interval(baseline, confidence),
        "change": None if change is None else _number(change.value),
        "change_interval": _interval(change, confidence),
        "method": (change or candidate).method,
        "candidate_method": candidate.method,
        "reason": reasons[0] if reasons else None,
        "cause": cause_of(candidate) or cause_of(change),
    }


def _interval(evidence: Evidence | None, confidence: float) -> Interval | None:
    ends = None if evidence is None or _number(evidence.value) is None else evidence.interval(confidence)
    return ends if ends is not None and all(map(math.isfinite, ends)) else None


def _number(value: float | None) -> float | None:
    """Return a finite number, or ``None``: JSON has no other."""
    return value if value is not None and math.isfinite(value) else None


def _numbers(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _number(part) if isinstance(part, float) else part for name, part in parts.items()}


def _reason(evidence: Evidence) -> str | None:
    if evidence.value is not None and not math.isfinite(evidence.value):
        return f"the value is {evidence.value}, which is not a number"
    return evidence.reason


def gate_row(gate: JudgedGate, baseline: str, *, records_waivers: bool) -> GateRow:
    """Return a gate's row; ``baseline`` is the source of the model that it was compared with."""
    first, waiver = FIRST.get(baseline), gate.waiver
    return GateRow(
        id=gate.id,
        metric=gate.rule.metric,
        scope=ScopeRef(slice=gate.scope.slice, group=gate.scope.group, across=gate.rule.across),
        limit=gate.limit,
        judge=gate.judge,
        outcome=gate.outcome.value,
        why=gate.why,
        reason=first if first and gate.outcome is Outcome.NO_BASELINE else gate.reason,
        rows_needed=gate.rows_needed,
        rows_needed_of=gate.rows_needed_of,
        rule=gate.rule.index,
        line=gate.rule.line,
        on="change" if gate.limit.on_change else "value",
        baseline=_number(gate.baseline),
        candidate=_number(gate.candidate),
        value=gate.value,
        interval=gate.interval if gate.interval and all(map(math.isfinite, gate.interval)) else None,
        bound=gate.bound,
        method=gate.method,
        p=gate.p,
        blocks=gate.blocks,
        test=gate.rule.test,
        waivable=records_waivers and is_waivable(gate),
        not_covered=gate.not_covered,
        waived=Waiver(by=waiver.person, until=waiver.until, reason=waiver.reason) if waiver else None,
    )
