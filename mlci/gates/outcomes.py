"""Outcomes of gates with their reasons, and the rows that an inconclusive gate lacks."""

from dataclasses import dataclass, field
from enum import StrEnum

from mlci.gates.rules import Judge, Limit, Rule
from mlci.inference.evidence import Interval
from mlci.metrics.statistics import Scope

TOO_FEW_ROWS = "too few rows"


class Outcome(StrEnum):
    """Outcome of a gate."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NO_BASELINE = "no_baseline"
    ERROR = "error"


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
class JudgedGate:
    """One gate and its outcome.

    ``value`` with ``interval`` was compared with ``bound``, the limit in the value's units and with its sign, so that a
    reader can check the outcome.
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

    @property
    def id(self) -> str:
        """Name of the gate, unique in a run."""
        if self.rule.test:
            return f"{self.rule.metric}.pass"
        return self.limit.gate_id(self.rule.metric, self.rule.across or str(self.scope))
