"""Judging: every case gets an outcome, a reason, and the rows that it would need.

Passing needs no correction, because all gates must pass (Berger 1982). Failing does: it is declared on Holm-adjusted
evidence over all interval-judged gates of a run, so that watching many slices does not block harmless changes. Two
gates with one limit on one number under two names are one hypothesis.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlci.gates import power
from mlci.gates.cases import Case, spread_out
from mlci.gates.holm import adjust
from mlci.gates.rules import Judged, Outcome, Rule
from mlci.gates.verdict import Verdict, join, weigh
from mlci.inference.evaluation import Comparison, Disparity, EvaluationResult
from mlci.inference.evidence import Evidence, Tie
from mlci.inference.retraining import UNKNOWN, Noise, Widened

TOO_FEW_ROWS = 30
TOO_FEW_DISAGREEMENTS = 8
TIGHT_LIMIT, SMALL_GROUP = 0.10, 500
_NOISE = 1e-12  # of the numbers compared: differences of decimal fractions are off by units of the last bit


@dataclass(frozen=True)
class Finding:
    """An outcome with its reason, before policy; ``short_of`` says what an inconclusive one lacks."""

    outcome: Outcome
    reason: str | None = None
    short_of: power.Short = field(default_factory=power.Short)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all cases of a run are judged with: the level, the smallest group, and Holm's family."""

    confidence: float
    min_group_size: int
    family: int

    @property
    def alpha(self) -> float:
        """One-sided level of every test."""
        return (1 - self.confidence) / 2


def judge(
    rules: Sequence[Rule], result: EvaluationResult, *, min_group_size: int, noise: Noise = UNKNOWN
) -> tuple[Judged, ...]:
    """Judge every rule against an evaluation; in the order of rules, groups and limits.

    Args:
        rules: What a team wrote down.
        result: What was estimated.
        min_group_size: Rows that a group needs to be judged.
        noise: What is known of the luck of training, for rules that ask.
    """
    cases = [case for rule in rules for case in spread_out(rule, result, noise)]
    p_values = [_p(case) for case in cases]
    hypotheses = {case.hypothesis: p for case, p in zip(cases, p_values, strict=True) if p is not None}
    adjusted = dict(zip(hypotheses, adjust(list(hypotheses.values())), strict=True))
    bench = Bench(confidence=result.confidence, min_group_size=min_group_size, family=len(hypotheses))
    return tuple(
        _judged(case, p, 1.0 if p is None else adjusted[case.hypothesis], bench)
        for case, p in zip(cases, p_values, strict=True)
    )


def verdict(gates: Sequence[Judged]) -> Verdict:
    """Return the join over all gates under their policies."""
    return join(_weight(gate.outcome, gate.rule) for gate in gates)


def _weight(outcome: Outcome, rule: Rule) -> Verdict:
    return weigh(outcome, inconclusive=rule.inconclusive, no_baseline=rule.no_baseline)


def _p(case: Case) -> float | None:
    """Return the one-sided p-value that speaks for failing; ``None`` for cases outside Holm's family."""
    if case.judge == "estimate" or case.evidence is None or case.bound is None or case.evidence.value is None:
        return None
    return case.evidence.below(case.bound) if case.floor else case.evidence.above(case.bound)


def _judged(case: Case, p: float | None, adjusted: float, bench: Bench) -> Judged:
    finding = _find(case, adjusted, bench)
    evidence = case.evidence
    needed = None
    if finding.outcome is Outcome.INCONCLUSIVE:
        needed = power.needed(case, bench.confidence, finding.short_of)
    baseline = case.measured.baseline
    return Judged(
        id=case.id,
        metric=case.rule.metric,
        rule=case.rule,
        kind=case.kind,
        limit=case.limit,
        slice=case.scope.slice,
        group=case.scope.group,
        across=case.rule.across,
        judge=case.judge,
        outcome=finding.outcome,
        reason=finding.reason,
        rows_needed=needed.rows if needed else None,
        rows_needed_of=needed.unit if needed else None,
        baseline=baseline.value if baseline else None,
        candidate=case.measured.candidate.value,
        value=evidence.value if evidence else None,
        interval=_interval(evidence, bench.confidence),
        bound=case.bound,
        method=evidence.method if evidence else None,
        p=p,
        blocks=_weight(finding.outcome, case.rule) is Verdict.BLOCK,
    )


def _interval(evidence: Evidence | None, confidence: float) -> tuple[float, float] | None:
    return evidence.interval(confidence) if evidence is not None and evidence.value is not None else None


def _find(case: Case, adjusted: float, bench: Bench) -> Finding:
    """Return the outcome: first what can't be judged at all, then by estimate or by interval."""
    if case.on_change and case.measured.baseline is None and case.evidence is None:
        return Finding(Outcome.NO_BASELINE, "there is no baseline to compare with")
    if small := _insufficient(case, bench):
        return Finding(Outcome.INCONCLUSIVE, small, power.Short(rows=bench.min_group_size))
    evidence = case.evidence
    if evidence is None or evidence.value is None:
        reason = evidence.reason if evidence is not None else "the change could not be computed"
        return Finding(
            Outcome.INCONCLUSIVE if evidence is not None and evidence.method == "too few" else Outcome.ERROR, reason
        )
    if case.bound is None:
        return Finding(Outcome.ERROR, "a limit in per cent needs the baseline's value, which is undefined")
    if case.judge == "estimate":
        return _by_estimate(evidence.value, case.bound, slack=_slack(case, case.bound), floor=case.floor)
    return _by_interval(case, evidence, case.bound, adjusted, bench)


def _slack(case: Case, bound: float) -> float:
    """Return how far beyond the limit a number may lie for rounding alone: 0.86 - 0.85 is not quite 0.01."""
    baseline = case.measured.baseline
    around = (bound, case.measured.candidate.value, baseline.value if baseline else None)
    return _NOISE * max(abs(number) for number in around if number is not None)


def _by_estimate(value: float, bound: float, *, slack: float, floor: bool) -> Finding:
    """Hold the number that the reader sees against the limit; NaN keeps neither."""
    kept = value >= bound - slack if floor else value <= bound + slack
    return Finding(Outcome.PASSED) if kept else Finding(Outcome.FAILED, "the value is beyond the limit")


def _by_interval(case: Case, evidence: Evidence, bound: float, adjusted: float, bench: Bench) -> Finding:
    ends = evidence.interval(bench.confidence)
    if ends is None:
        return _without_interval(evidence, bench)
    (low, high), slack = ends, _slack(case, bound)
    kept = low >= bound - slack if case.floor else high <= bound + slack
    broken = high < bound - slack if case.floor else low > bound + slack
    if kept:
        return Finding(Outcome.PASSED)
    if few := _too_few(case, evidence):
        short = power.Short(rows=TOO_FEW_ROWS, disagreements=TOO_FEW_DISAGREEMENTS)
        return Finding(Outcome.INCONCLUSIVE, few, short)
    if broken and adjusted <= bench.alpha:
        return Finding(Outcome.FAILED, "the whole interval is beyond the limit")
    if broken:
        held = f"beyond the limit by itself, but not after Holm over {bench.family} gates"
        return Finding(Outcome.INCONCLUSIVE, held, power.Short(family=bench.family))
    return Finding(Outcome.INCONCLUSIVE, "the limit lies inside the interval" + _hint(case))


def _without_interval(evidence: Evidence, bench: Bench) -> Finding:
    """Return the outcome where no error is known: inconclusive if more rows would tell it, else an error."""
    if evidence.method == "too few":
        return Finding(Outcome.INCONCLUSIVE, evidence.reason, power.Short(rows=bench.min_group_size))
    why = evidence.reason or "its error is not known"
    return Finding(Outcome.ERROR, f"it has no interval to judge on ({why}); set judge: estimate on this gate")


def _insufficient(case: Case, bench: Bench) -> str | None:
    """Say which groups are too small to be judged."""
    least = bench.min_group_size
    if isinstance(case.measured, Disparity):
        sizes = {group.group: group.rows for group in case.measured.groups}
        small = ", ".join(f"{name} has {sizes[name]:,} rows" for name in case.measured.small[:5])
        return f"insufficient group: {small}; {least:,} are needed" if small else None
    if case.scope.slice is None or case.measured.rows >= least or case.measured.rows == 0:
        return None
    return f"insufficient group: it has {case.measured.rows:,} rows; {least:,} are needed"


def _too_few(case: Case, evidence: Evidence) -> str | None:
    """Say whether a slice rests on too little to prove a regression."""
    measured = case.measured
    if not (case.on_change and isinstance(measured, Comparison) and measured.scope.slice) or isinstance(evidence, Tie):
        return None
    if measured.rows < TOO_FEW_ROWS:
        return f"too few: {measured.rows} rows; {TOO_FEW_ROWS} are needed"
    if measured.disagreements is not None and measured.disagreements < TOO_FEW_DISAGREEMENTS:
        return f"too few: the models disagree on {measured.disagreements} rows; {TOO_FEW_DISAGREEMENTS} are needed"
    return None


def _hint(case: Case) -> str:
    """Say when a limit is too tight to be decided: a disparity's over small groups, or one in per cent of 0."""
    evidence = case.evidence
    if isinstance(evidence, Widened):
        return f"; {evidence.runs} retrainings spread by a standard deviation of {evidence.sd:.3g}"
    if case.limit.relative and case.bound == 0:
        return "; in per cent of a baseline of 0 it is 0: write it as a number"
    tight = (
        isinstance(case.measured, Disparity)
        and case.kind == "max"
        and not case.on_change
        and case.limit.value <= TIGHT_LIMIT
    )
    if tight and isinstance(case.measured, Disparity) and case.measured.smallest < SMALL_GROUP:
        return f"; with {case.measured.smallest:,} rows in the smallest group a limit this tight can seldom be decided"
    return ""
