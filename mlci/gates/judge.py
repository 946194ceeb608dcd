"""Judge gates: outcomes, Holm's adjustment (Holm 1979, Scand. J. Stat. 6:65), rows needed, and the verdict.

Passing needs no correction, because all gates must pass (Berger 1982). Failing does: it needs Holm-adjusted
evidence over all interval-judged gates of a run, so that many slices do not block harmless changes. Two gates with the
same limit on the same number under two names are one hypothesis.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, assert_never

from mlci.gates.expand import GateCase, expand_rules
from mlci.gates.limits import Limit, OnDoubt, Rule
from mlci.gates.outcomes import (
    ACROSS_LIMIT,
    GateOutcome,
    JudgedGate,
    Outcome,
    Reason,
    Shortage,
    find_absence,
    too_few_to_fail,
    too_few_to_judge,
)
from mlci.inference.evidence import Evidence, Tie
from mlci.inference.minimums import MOST_ROWS, rows_needed, rows_without_disagreement
from mlci.inference.multiplicity import holm_adjust
from mlci.inference.result import Comparison, Disparity, EvaluationResult
from mlci.inference.training_noise import UNKNOWN, TrainingNoise, WidenedChange

Word = Literal["pass", "warn", "block"]
TIGHT_LIMIT, SMALL_GROUP = 0.10, 500
_NOISE = 1e-12  # relative rounding error of differences of decimal fractions


class Verdict(IntEnum):
    """Verdicts in order; the larger of two is their join."""

    PASS = 0
    WARN = 1
    BLOCK = 2

    @property
    def word(self) -> Word:
        """The word that reports and exit codes use."""
        words: tuple[Word, Word, Word] = ("pass", "warn", "block")
        return words[self]


def weigh_outcome(outcome: Outcome, *, inconclusive: OnDoubt, no_baseline: OnDoubt) -> Verdict:
    """Return the verdict of one outcome alone under its policy."""
    doubt = {"warn": Verdict.WARN, "block": Verdict.BLOCK}
    match outcome:
        case Outcome.PASSED:
            return Verdict.PASS
        case Outcome.FAILED | Outcome.ERROR:
            return Verdict.BLOCK
        case Outcome.INCONCLUSIVE:
            return doubt[inconclusive]
        case Outcome.NO_BASELINE:
            return doubt[no_baseline]
        case Outcome.WAIVED:
            return Verdict.WARN
        case _:
            assert_never(outcome)


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the join; an evaluation without gates blocks, because it never passes."""
    return max(verdicts, default=Verdict.BLOCK)


def holm_adjust_distinct(p_values: Mapping[Hashable, float]) -> dict[Hashable, float]:
    """Return adjusted p-values by hypothesis; one that several gates test under different names counts once."""
    return dict(zip(p_values, holm_adjust(list(p_values.values())), strict=True))


@dataclass(frozen=True, kw_only=True)
class JudgeSettings:
    """Settings for all cases of a run: the level, the smallest group, and Holm's family."""

    confidence: float
    min_group_size: int
    family: int

    @property
    def alpha(self) -> float:
        """One-sided level of every test."""
        return (1 - self.confidence) / 2


def judge_rules(
    rules: Sequence[Rule], result: EvaluationResult, *, min_group_size: int, noise: TrainingNoise = UNKNOWN
) -> tuple[JudgedGate, ...]:
    """Judge every rule on an evaluation, in the order of rules, groups and limits.

    Args:
        rules: The configured rules.
        result: The evaluation.
        min_group_size: Rows that a group needs to be judged.
        noise: Training noise of the champion, for rules that ask for it.
    """
    cases = [case for rule in rules for case in expand_rules(rule, result, noise)]
    p_values = [_failing_p(case) for case in cases]
    pairs = list(zip(cases, p_values, strict=True))
    tested: dict[Hashable, float] = {case.hypothesis: p for case, p in pairs if p is not None}
    adjusted = holm_adjust_distinct(tested)
    settings = JudgeSettings(confidence=result.confidence, min_group_size=min_group_size, family=len(tested))
    return tuple(_judge_case(case, p, 1.0 if p is None else adjusted[case.hypothesis], settings) for case, p in pairs)


def judge_change(case: GateCase, settings: JudgeSettings) -> Outcome:
    """Return the outcome of a gate on an interval by its p-values, if no other gate of the family fails.

    Holm's first step multiplies the smallest p-value by the family. An interval's ends are where its p-values are at
    the level, so that this is the outcome of :func:`judge_rules` without their computation, which a simulation of many
    pull requests is too slow with.
    """
    evidence, bound = case.evidence, case.bound
    if find_absence(case, min_group_size=settings.min_group_size) or evidence is None or bound is None:
        return Outcome.INCONCLUSIVE
    if too_few_to_judge(case):
        return Outcome.INCONCLUSIVE
    if isinstance(evidence, Tie):
        return Outcome.PASSED if case.limit.allows(evidence.value, bound) else Outcome.FAILED
    within = evidence.above(bound) if case.limit.is_floor else evidence.below(bound)
    if within <= settings.alpha:
        return Outcome.PASSED
    beyond = _failing_p(case)
    if too_few_to_fail(case, evidence) or beyond is None or beyond * settings.family > settings.alpha:
        return Outcome.INCONCLUSIVE
    return Outcome.FAILED


def join_verdicts(gates: Sequence[JudgedGate]) -> Verdict:
    """Return the join over all gates under their policies."""
    return worst_verdict(_weight(gate.outcome, gate.rule) for gate in gates)


def _weight(outcome: Outcome, rule: Rule) -> Verdict:
    return weigh_outcome(outcome, inconclusive=rule.inconclusive, no_baseline=rule.no_baseline)


def _failing_p(case: GateCase) -> float | None:
    """Return the one-sided p-value for failing; ``None`` for cases outside Holm's family."""
    if case.judge == "estimate" or case.evidence is None or case.bound is None or case.evidence.value is None:
        return None
    if isinstance(case.evidence, Tie) and case.limit.proves_gain:  # at a bound of 0, its exact value is beyond it
        return float(case.limit.allows(case.evidence.value, case.bound))
    return case.evidence.below(case.bound) if case.limit.is_floor else case.evidence.above(case.bound)


def _judge_case(case: GateCase, p: float | None, adjusted: float, settings: JudgeSettings) -> JudgedGate:
    outcome = _find(case, adjusted, settings)
    evidence = case.evidence
    needed = None
    if outcome.outcome is Outcome.INCONCLUSIVE:
        needed = rows_to_decide(case, settings.confidence, outcome.short_of)
    baseline = case.measured.baseline
    return JudgedGate(
        rule=case.rule,
        limit=case.limit,
        scope=case.scope,
        judge=case.judge,
        outcome=outcome.outcome,
        reason=outcome.reason,
        why=outcome.why,
        rows_needed=needed.rows if needed else None,
        rows_needed_of=needed.unit if needed else None,
        baseline=baseline.value if baseline else None,
        candidate=case.measured.candidate.value,
        value=evidence.value if evidence else None,
        interval=_interval(evidence, settings.confidence),
        bound=case.bound,
        method=evidence.method if evidence else None,
        p=p,
        blocks=_weight(outcome.outcome, case.rule) is Verdict.BLOCK,
    )


def _interval(evidence: Evidence | None, confidence: float) -> tuple[float, float] | None:
    return evidence.interval(confidence) if evidence is not None and evidence.value is not None else None


def _find(case: GateCase, adjusted: float, settings: JudgeSettings) -> GateOutcome:
    """Return the outcome: missing values first, then too few rows, then the estimate or the interval."""
    if absent := find_absence(case, min_group_size=settings.min_group_size):
        return absent
    if few := too_few_to_judge(case):
        return few
    evidence = case.evidence
    if evidence is None or evidence.value is None:
        raise AssertionError("find_absence has an outcome for it")
    if case.bound is None:
        message = "a limit in per cent needs the baseline's value, which is undefined"
        return GateOutcome(Outcome.ERROR, Reason.UNDEFINED_FOR_BASELINE, message)
    if case.judge == "estimate":
        return _by_estimate(evidence.value, case.limit, case.bound, slack=_rounding_slack(case, case.bound))
    return _by_interval(case, evidence, case.bound, adjusted, settings)


def _rounding_slack(case: GateCase, bound: float) -> float:
    """Return the distance beyond the limit that rounding alone explains: 0.86 - 0.85 is not quite 0.01."""
    baseline = case.measured.baseline
    around = (bound, case.measured.candidate.value, baseline.value if baseline else None)
    return _NOISE * max(abs(number) for number in around if number is not None)


def _by_estimate(value: float, limit: Limit, bound: float, *, slack: float) -> GateOutcome:
    """Compare the shown number with the limit."""
    if limit.allows(value, bound, slack):
        return GateOutcome(Outcome.PASSED)
    return GateOutcome(Outcome.FAILED, Reason.BEYOND_LIMIT, "the value is beyond the limit")


def _by_interval(
    case: GateCase, evidence: Evidence, bound: float, adjusted: float, settings: JudgeSettings
) -> GateOutcome:
    ends = evidence.interval(settings.confidence)
    if ends is None:
        return _without_interval(evidence, settings)
    worst, best = ends if case.limit.is_floor else ends[::-1]
    slack = _rounding_slack(case, bound)
    if case.limit.allows(worst, bound, slack):
        return GateOutcome(Outcome.PASSED)
    if few := too_few_to_fail(case, evidence):
        return few
    broken = not case.limit.allows(best, bound, slack)
    if broken and adjusted <= settings.alpha:
        return GateOutcome(Outcome.FAILED, Reason.BEYOND_LIMIT, "the whole interval is beyond the limit")
    if broken:
        message = f"beyond the limit by itself, but not after Holm over {settings.family} gates"
        return GateOutcome(Outcome.INCONCLUSIVE, Reason.HOLM, message, Shortage(family=settings.family))
    return GateOutcome(Outcome.INCONCLUSIVE, Reason.ACROSS_LIMIT, ACROSS_LIMIT + _limit_hint(case))


def _without_interval(evidence: Evidence, settings: JudgeSettings) -> GateOutcome:
    """Return the outcome of a value with unknown error: for lack of rows, or of a method."""
    if evidence.method == "too few":
        return GateOutcome(
            Outcome.INCONCLUSIVE, Reason.TOO_FEW, evidence.reason, Shortage(rows=settings.min_group_size)
        )
    why = evidence.reason or "its error is not known"
    message = f"it has no interval to judge on ({why}); set judge: estimate on this gate"
    return GateOutcome(Outcome.ERROR, Reason.NO_INTERVAL, message)


def _limit_hint(case: GateCase) -> str:
    """Return why a limit can hardly be decided: training noise, per cent of 0, or small groups of a disparity."""
    evidence = case.evidence
    if isinstance(evidence, WidenedChange):
        return f"; {evidence.runs} retrainings spread by a standard deviation of {evidence.sd:.3g}"
    if case.limit.relative and case.bound == 0:
        return "; in per cent of a baseline of 0 it is 0: write it as a number"
    tight = (
        isinstance(case.measured, Disparity)
        and case.limit.kind == "max"
        and not case.on_change
        and case.limit.value <= TIGHT_LIMIT
    )
    if tight and isinstance(case.measured, Disparity) and case.measured.smallest < SMALL_GROUP:
        return f"; with {case.measured.smallest:,} rows in the smallest group a limit this tight can seldom be decided"
    return ""


@dataclass(frozen=True)
class RowsNeeded:
    """A number of rows and their unit, e.g. 510 labelled positives."""

    rows: int
    unit: str


def rows_to_decide(case: GateCase, confidence: float, short: Shortage) -> RowsNeeded | None:
    """Return the rows for a power of 80 %; ``None`` if no number of rows helps, or it is not known."""
    level = 1 - (1 - confidence) / short.family
    by_power = _by_power(case, level) if case.judge == "interval" else None  # an estimate is judged without its error
    least = _least(case, short)
    if by_power is None or least is None:
        return least or by_power
    other = short.unit is not None and least.unit != by_power.unit
    return least if other or least.rows > by_power.rows else by_power


def _least(case: GateCase, short: Shortage) -> RowsNeeded | None:
    """Return the minimum of rows for a group to be judged at all."""
    measured = case.measured
    if not isinstance(measured, Comparison):
        return RowsNeeded(short.rows, _unit(case)) if measured.smallest and short.rows else None
    if short.unit is not None and short.unit != "rows":
        return RowsNeeded(short.rows, short.unit)
    have, unit = measured.independent
    rows = short.rows
    if short.disagreements and measured.disagreements:
        rows = max(rows, math.ceil(short.disagreements * have / measured.disagreements))
    return RowsNeeded(rows, unit) if rows > have else None


def _by_power(case: GateCase, confidence: float) -> RowsNeeded | None:
    """Return the rows that decide the gate with a power of 80 %.

    A change is planned for two equally good models, so the distance is the margin. If the set has that many rows
    already, the observed change is close to the limit, and its distance is used instead, as it is for a gain, which
    two equally good models do not have.
    """
    evidence, bound = case.evidence, case.bound
    if evidence is None or bound is None or evidence.value is None:
        return None
    have, distance = int(getattr(evidence, "rows", 0)), abs(evidence.value - bound)
    equal = case.on_change and not case.limit.proves_gain
    if equal and (planned := _rows(evidence, abs(bound), confidence)) and planned > have:
        return RowsNeeded(planned, _unit(case))
    observed = _rows(evidence, distance, confidence)
    return RowsNeeded(observed, _unit(case)) if observed and observed > have else None


def _rows(evidence: Evidence, distance: float, confidence: float) -> int | None:
    variance = evidence.scaled_variance()
    if variance is None:
        return None
    if variance == 0:
        return _rows_without_disagreement(evidence, distance, confidence)
    return rows_needed(variance, distance=distance, confidence=confidence)


def _rows_without_disagreement(evidence: Evidence, distance: float, confidence: float) -> int | None:
    """Return the rows for models without disagreement: the interval's length is inversely proportional to the rows."""
    least = rows_without_disagreement(distance, confidence=confidence)
    ends, have = evidence.interval(confidence), int(getattr(evidence, "rows", 0))
    if ends is None or not have or evidence.value is None or distance == 0:
        return least
    half = max(abs(end - evidence.value) for end in ends)
    rows = have * half / distance
    return max(least or 0, math.ceil(rows)) if rows <= MOST_ROWS else None


def _unit(case: GateCase) -> str:
    if not isinstance(case.measured, Comparison):
        return "rows in the smallest group"
    return case.measured.unit
