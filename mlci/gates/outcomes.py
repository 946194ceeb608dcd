"""Outcomes of gates with their reasons: those of judged gates, and those of gates whose value is missing.

1. A metric, class or group that does not exist is an error, so that a gate with a typo never waits for a baseline.
2. Labels that leave the metric undefined for every model, which no pull request can change: inconclusive.
3. A value that the candidate's own predictions leave undefined: an error.
4. A missing or undefined baseline.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from mlci.gates.expand import GateCase
from mlci.gates.limits import Judge, Limit, Rule
from mlci.inference import minimums
from mlci.inference.evidence import Cause, Evidence, Interval, Tie, Undefined
from mlci.inference.minimums import MissingRows
from mlci.inference.result import Comparison, Disparity
from mlci.metrics import catalogue
from mlci.metrics.statistics import Scope

TOO_FEW_ROWS = "too few rows"
ACROSS_LIMIT = "the limit lies inside the interval"
TOO_FEW_DISAGREEMENTS = 8


class Outcome(StrEnum):
    """Outcome of a gate."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NO_BASELINE = "no_baseline"
    ERROR = "error"
    WAIVED = "waived"
    """A finding that blocks, and that a person accepted: see :mod:`mlci.gates.waivers`."""


class Reason(StrEnum):
    """Reasons of outcomes, as ``report.json`` names them."""

    UNKNOWN_NAME = "unknown_name"
    """The metric, class or group does not exist."""
    NOT_MEASURED = "not_measured"
    """The data that the metric is computed from are missing."""
    GROUP_TOO_SMALL = "group_too_small"
    """A group has fewer rows than ``min_group_size``."""
    LABELS = "labels"
    """The labels of these rows leave the metric undefined for every model."""
    TOO_FEW_CARRIERS = "too_few_carriers"
    """The rows that carry the metric, such as labelled positives, are too few to judge an interval."""
    TOO_FEW = "too_few"
    """A slice has too few rows to prove a regression, or for an estimate of the error."""
    UNDEFINED_FOR_BOTH = "undefined_for_both"
    """The predictions of both models leave the metric undefined."""
    UNDEFINED_FOR_CANDIDATE = "undefined_for_candidate"
    """The candidate's predictions leave the metric undefined."""
    UNDEFINED_FOR_BASELINE = "undefined_for_baseline"
    """The baseline's predictions leave the metric undefined, and so the change."""
    NO_BASELINE = "no_baseline"
    """No baseline to compare with."""
    NO_INTERVAL = "no_interval"
    """The error of the value is not known."""
    ACROSS_LIMIT = "across_limit"
    """The limit lies inside the interval."""
    HOLM = "holm"
    """Beyond the limit by itself, but not after the adjustment for all gates of the run."""
    BEYOND_LIMIT = "beyond_limit"
    """The limit is broken."""
    DISAPPEARED = "disappeared"
    """The metric is in the baseline's metrics file and not in the candidate's."""
    ERRORED_ITEMS = "errored_items"
    """Answers without a score could change the outcome."""
    WORN_OUT = "worn_out"
    """The evaluation set was judged on as often as `reuse` allows."""
    GRADER = "grader"
    """The judge that gave the scores is not shown to agree with people."""
    TEST_FAILED = "test_failed"
    """A behavioural test failed."""
    TEST_NOT_RUN = "test_not_run"
    """A required behavioural test ended in an error, was skipped, or was not found."""


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """Rows that an undecided gate lacks, besides power.

    Attributes:
        rows: Minimum of rows in its group, or in the smallest group.
        unit: Kind of those rows if not all rows count; ``None`` for all.
        disagreements: Minimum of rows on which the models disagree.
        family: Number of gates among which Holm's first step shares the level.
    """

    rows: int = 0
    unit: str | None = None
    disagreements: int = 0
    family: int = 1


@dataclass(frozen=True)
class GateOutcome:
    """An outcome with its reason, before policy; ``short_of`` has the rows that an inconclusive one lacks."""

    outcome: Outcome
    why: Reason | None = None
    reason: str | None = None
    short_of: Shortage = field(default_factory=Shortage)


@dataclass(frozen=True, kw_only=True)
class AcceptedNumber:
    """The number that a person saw and accepted.

    Attributes:
        of: Whether it is what was compared with the limit, or the candidate's value where nothing could be compared.
        worst: The worse end of its interval, or itself without one; training is not deterministic.
    """

    of: Literal["value", "candidate"]
    worst: float


@dataclass(frozen=True, kw_only=True)
class GateWaiver:
    """A person's acceptance of the finding of one gate on one commit, as the ledger records it.

    Attributes:
        gate: Id of the gate, as in ``report.json``.
        head: The whole SHA of the commit.
        person: Login of the person.
        reason: The person's reason.
        until: Last day on which it counts, ``YYYY-MM-DD``, in UTC.
        accepted: The number that was accepted; ``None`` for a behavioural test.
    """

    gate: str
    head: str
    person: str
    reason: str
    until: str
    accepted: AcceptedNumber | None = None


@dataclass(frozen=True, kw_only=True)
class JudgedGate:
    """One gate and its outcome.

    ``value`` with ``interval`` was compared with ``bound``, the limit in the value's units and with its sign, so that a
    reader can check the outcome. ``not_covered`` says why a waiver of it does not hold.
    """

    rule: Rule
    limit: Limit
    scope: Scope
    judge: Judge
    outcome: Outcome
    reason: str | None = None
    why: Reason | None = None
    rows_needed: int | None = None
    rows_needed_of: str | None = None
    baseline: float | None = None
    candidate: float | None = None
    value: float | None = None
    interval: Interval | None = None
    bound: float | None = None
    method: str | None = None
    p: float | None = None
    blocks: bool = False
    waiver: GateWaiver | None = None
    not_covered: str | None = None

    @property
    def id(self) -> str:
        """Name of the gate, unique in a run."""
        if self.rule.test:
            return f"{self.rule.metric}.pass"
        return self.limit.gate_id(self.rule.metric, self.rule.across or str(self.scope))


_BROKEN = {Cause.NAME: Reason.UNKNOWN_NAME, Cause.MISSING: Reason.NOT_MEASURED}


def find_absence(case: GateCase, *, min_group_size: int) -> GateOutcome | None:
    """Return the outcome of a gate without a value to judge; ``None`` if there is one."""
    of_both = catalogue.is_shift_metric(case.rule.metric)  # a single model has no value of it
    subject = case.evidence if of_both else case.measured.candidate
    if subject is not None and (cause := cause_of(subject)) in _BROKEN:
        return GateOutcome(Outcome.ERROR, _BROKEN[cause], subject.reason)
    unpaired = case.on_change and case.measured.baseline is None and case.evidence is None
    if small := small_groups(case, min_group_size):
        lacking = GateOutcome(Outcome.INCONCLUSIVE, Reason.GROUP_TOO_SMALL, small, Shortage(rows=min_group_size))
        return _without_baseline() if unpaired else lacking
    if not of_both and case.measured.candidate.value is None:
        return _without_value(case, case.measured.candidate)
    if unpaired:
        return _without_baseline()
    evidence = case.evidence
    if evidence is None:
        return GateOutcome(Outcome.ERROR, Reason.NO_INTERVAL, "the change could not be computed")
    return _without_change(evidence) if evidence.value is None else None


def cause_of(evidence: Evidence | None) -> Cause | None:
    """Return why a value is missing; ``None`` if it exists, or if the cause is not known."""
    if not isinstance(evidence, Undefined):
        return None
    return Cause.TOO_FEW if evidence.cause is None and evidence.method == "too few" else evidence.cause


def small_groups(case: GateCase, least: int) -> str | None:
    """Return the message for groups with fewer rows than ``least``; ``None`` if there are none."""
    if isinstance(case.measured, Disparity):
        sizes = {group.group: group.rows for group in case.measured.groups}
        small = ", ".join(f"{name} has {sizes[name]:,} rows" for name in case.measured.small[:5])
        return f"{TOO_FEW_ROWS}: {small}; {least:,} are needed" if small else None
    have, unit = case.measured.independent
    if case.scope.slice is None or have >= least or have == 0:
        return None
    return f"{TOO_FEW_ROWS}: it has {minimums.count_in_words(have, unit)}; {least:,} are needed"


def _without_baseline() -> GateOutcome:
    return GateOutcome(Outcome.NO_BASELINE, Reason.NO_BASELINE, "no baseline to compare with")


def _without_value(case: GateCase, candidate: Evidence) -> GateOutcome:
    """Return the outcome of a candidate without a value."""
    cause = cause_of(candidate)
    if cause is Cause.LABELS:
        return GateOutcome(Outcome.INCONCLUSIVE, Reason.LABELS, candidate.reason)
    if cause is Cause.TOO_FEW:
        return GateOutcome(Outcome.INCONCLUSIVE, Reason.TOO_FEW, candidate.reason)
    if case.on_change and cause_of(case.evidence) is Cause.BOTH:
        return GateOutcome(
            Outcome.INCONCLUSIVE, Reason.UNDEFINED_FOR_BOTH, f"undefined for both models: {candidate.reason}"
        )
    return GateOutcome(Outcome.ERROR, Reason.UNDEFINED_FOR_CANDIDATE, candidate.reason)


def _without_change(evidence: Evidence) -> GateOutcome:
    """Return the outcome of a candidate with a value but without a change."""
    cause = cause_of(evidence)
    if cause is Cause.BOTH:
        message = f"undefined for both models: {evidence.reason}"
        return GateOutcome(Outcome.INCONCLUSIVE, Reason.UNDEFINED_FOR_BOTH, message)
    if cause is Cause.LABELS:
        return GateOutcome(Outcome.INCONCLUSIVE, Reason.LABELS, evidence.reason)
    if cause is Cause.TOO_FEW:
        return GateOutcome(Outcome.INCONCLUSIVE, Reason.TOO_FEW, evidence.reason)
    if cause is Cause.BASELINE:
        message = f"only the baseline is undefined here, so no change can be judged: {evidence.reason}"
        return GateOutcome(Outcome.INCONCLUSIVE, Reason.UNDEFINED_FOR_BASELINE, message)
    why = Reason.UNDEFINED_FOR_CANDIDATE if cause is Cause.CANDIDATE else Reason.NO_INTERVAL
    return GateOutcome(Outcome.ERROR, why, evidence.reason)


def too_few_to_judge(case: GateCase) -> GateOutcome | None:
    """Return the outcome of a gate with too few rows for an interval; identical predictions are exact."""
    if case.judge == "estimate" or isinstance(case.evidence, Tie):
        return None
    if isinstance(case.measured, Disparity):
        return _short_groups(case.measured)
    lack = next(_missing_rows(case, case.measured, proving=False), None)
    if lack is None:
        return None
    short = Shortage(rows=lack.least, unit=lack.unit)
    return GateOutcome(Outcome.INCONCLUSIVE, Reason.TOO_FEW_CARRIERS, f"{TOO_FEW_ROWS}: {lack}", short)


def too_few_to_fail(case: GateCase, evidence: Evidence) -> GateOutcome | None:
    """Return the outcome of a slice with too few rows to prove a regression."""
    measured = case.measured
    if not (case.on_change and isinstance(measured, Comparison) and measured.scope.slice) or isinstance(evidence, Tie):
        return None
    if lack := next(_missing_rows(case, measured, proving=True), None):
        short = Shortage(rows=lack.least, unit=lack.unit, disagreements=TOO_FEW_DISAGREEMENTS)
        return GateOutcome(Outcome.INCONCLUSIVE, Reason.TOO_FEW, f"{TOO_FEW_ROWS}: {lack}", short)
    if measured.disagreements is not None and measured.disagreements < TOO_FEW_DISAGREEMENTS:
        counted = minimums.count_in_words(measured.disagreements, "rows")
        message = f"{TOO_FEW_ROWS}: the models disagree on {counted}; {TOO_FEW_DISAGREEMENTS} are needed"
        short = Shortage(rows=minimums.PROVES, disagreements=TOO_FEW_DISAGREEMENTS)
        return GateOutcome(Outcome.INCONCLUSIVE, Reason.TOO_FEW, message, short)
    return None


def _missing_rows(case: GateCase, measured: Comparison, *, proving: bool) -> Iterator[MissingRows]:
    """Yield the rows that the candidate's value lacks, and for a change those that the baseline's lacks."""
    rows = {"rows": measured.rows}
    counts = [{**rows, **measured.carriers}]
    if case.on_change:
        counts.append({**rows, **measured.baseline_carriers})
    shortages = (minimums.missing_rows(case.rule.metric, carried, proving=proving) for carried in counts)
    return (lack for lack in shortages if lack is not None)


def _short_groups(measured: Disparity) -> GateOutcome | None:
    lacking = [f"{group.group} has {group.shortage}" for group in measured.groups if group.shortage is not None]
    if not lacking:
        return None
    return GateOutcome(Outcome.INCONCLUSIVE, Reason.TOO_FEW_CARRIERS, f"{TOO_FEW_ROWS}: {', '.join(lacking[:5])}")
