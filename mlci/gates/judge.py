"""Judging: every case gets an outcome, a reason, and the rows that it would need.

Passing needs no correction, because all gates must pass (Berger 1982). Failing does: it is declared on Holm-adjusted
evidence over all interval-judged gates of a run, so that watching many slices does not block harmless changes. Two
gates with one limit on one number under two names are one hypothesis.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from mlci.gates import power
from mlci.gates.absence import find_absence
from mlci.gates.carriers import too_few_to_fail, too_few_to_judge
from mlci.gates.cases import Case, spread_out
from mlci.gates.findings import Finding, Short, Why
from mlci.gates.holm import adjust_distinct
from mlci.gates.rules import Judged, Outcome, Rule
from mlci.gates.verdict import Verdict, join, weigh
from mlci.inference.evaluation import Disparity, EvaluationResult
from mlci.inference.evidence import Evidence
from mlci.inference.retraining import UNKNOWN, Noise, Widened

TIGHT_LIMIT, SMALL_GROUP = 0.10, 500
_NOISE = 1e-12  # of the numbers compared: differences of decimal fractions are off by units of the last bit


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
    pairs = list(zip(cases, p_values, strict=True))
    tested: dict[Hashable, float] = {case.hypothesis: p for case, p in pairs if p is not None}
    adjusted = adjust_distinct(tested)
    bench = Bench(confidence=result.confidence, min_group_size=min_group_size, family=len(tested))
    return tuple(_judged(case, p, 1.0 if p is None else adjusted[case.hypothesis], bench) for case, p in pairs)


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
        why=finding.why,
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
    """Return the outcome: first why there is no number, then what carries it, then the estimate or the interval."""
    if absent := find_absence(case, min_group_size=bench.min_group_size):
        return absent
    if few := too_few_to_judge(case):
        return few
    evidence = case.evidence
    if evidence is None or evidence.value is None:
        raise AssertionError("find_absence has an outcome for it")
    if case.bound is None:
        words = "a limit in per cent needs the baseline's value, which is undefined"
        return Finding(Outcome.ERROR, Why.UNDEFINED_FOR_BASELINE, words)
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
    if kept:
        return Finding(Outcome.PASSED)
    return Finding(Outcome.FAILED, Why.BEYOND_LIMIT, "the value is beyond the limit")


def _by_interval(case: Case, evidence: Evidence, bound: float, adjusted: float, bench: Bench) -> Finding:
    ends = evidence.interval(bench.confidence)
    if ends is None:
        return _without_interval(evidence, bench)
    (low, high), slack = ends, _slack(case, bound)
    kept = low >= bound - slack if case.floor else high <= bound + slack
    broken = high < bound - slack if case.floor else low > bound + slack
    if kept:
        return Finding(Outcome.PASSED)
    if few := too_few_to_fail(case, evidence):
        return few
    if broken and adjusted <= bench.alpha:
        return Finding(Outcome.FAILED, Why.BEYOND_LIMIT, "the whole interval is beyond the limit")
    if broken:
        words = f"beyond the limit by itself, but not after Holm over {bench.family} gates"
        return Finding(Outcome.INCONCLUSIVE, Why.HOLM, words, Short(family=bench.family))
    return Finding(Outcome.INCONCLUSIVE, Why.ACROSS_LIMIT, "the limit lies inside the interval" + _hint(case))


def _without_interval(evidence: Evidence, bench: Bench) -> Finding:
    """Return the outcome of a value whose error is not known: for want of rows, or of a method."""
    if evidence.method == "too few":
        return Finding(Outcome.INCONCLUSIVE, Why.TOO_FEW, evidence.reason, Short(rows=bench.min_group_size))
    why = evidence.reason or "its error is not known"
    words = f"it has no interval to judge on ({why}); set judge: estimate on this gate"
    return Finding(Outcome.ERROR, Why.NO_INTERVAL, words)


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
