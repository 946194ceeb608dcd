"""Evidence: a value, its uncertainty, and the strength of the evidence against a limit; the context of its measurement.

All kinds have the same methods, so that a gate does not depend on the kind of a number. p-values and
intervals of one kind come from the same statistic: ``below(limit)`` is under (1 - confidence) / 2 exactly when the
interval's upper end is under the limit.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mlci.inference.intervals.distributions import cdf
from mlci.metrics.statistics import Statistics

Interval = tuple[float, float]


class Evidence(Protocol):
    """Interface of all kinds of evidence."""

    @property
    def value(self) -> float | None:
        """The estimate; ``None`` if it is undefined."""
        ...

    @property
    def method(self) -> str:
        """One word for the report: ``wilson``, ``tango``, ``delong`` …."""
        ...

    @property
    def reason(self) -> str | None:
        """Why the value or the interval is missing, in words."""
        ...

    def interval(self, confidence: float) -> Interval | None:
        """Two-sided interval for the truth; ``None`` if only the value is known."""
        ...

    def below(self, limit: float) -> float:
        """p-value of the hypothesis that the truth is at or above ``limit``; small is evidence for below."""
        ...

    def above(self, limit: float) -> float:
        """p-value of the hypothesis that the truth is at or below ``limit``; small is evidence for above."""
        ...

    def scaled_variance(self) -> float | None:
        """Variance of one row's contribution, so that n rows give a variance of ``scaled_variance / n``."""
        ...


class Cause(StrEnum):
    """Cause of a missing value, for programs; ``reason`` has the words.

    The order of the members is their precedence: a later cause applies only if no earlier one does.
    """

    NAME = "name"
    """The metric, class or group does not exist."""
    MISSING = "missing"
    """Its input is missing: scores, decisions, a measurement."""
    LABELS = "labels"
    """The labels of these rows leave it undefined, whatever a model predicts."""
    TOO_FEW = "too_few"
    """It exists, but the rows that carry it are too few for an interval."""
    BOTH = "both"
    """The predictions of both models leave it undefined."""
    CANDIDATE = "candidate"
    """The candidate's predictions leave it undefined, and the baseline's, if there is one, do not."""
    BASELINE = "baseline"
    """The baseline's predictions leave it undefined."""


class _Statistic(Protocol):
    @property
    def value(self) -> float: ...

    def statistic(self, limit: float) -> float | None: ...

    def tail(self, statistic: float) -> float: ...


class StatisticTest:
    """Tests of a limit by a statistic, which is standard normal if the truth is at the limit.

    A class has ``statistic``, which is positive for a value above the limit. Without a statistic, such as for a limit
    beyond the bounds of the value, the limit is compared with the value.
    """

    def below(self: _Statistic, limit: float) -> float:
        """Return the statistic's probability at or below the observed one."""
        statistic = self.statistic(limit)
        return float(self.value >= limit) if statistic is None else self.tail(statistic)

    def above(self: _Statistic, limit: float) -> float:
        """Return the statistic's probability at or above the observed one."""
        statistic = self.statistic(limit)
        return float(self.value <= limit) if statistic is None else self.tail(-statistic)

    def tail(self, statistic: float) -> float:
        """Return the distribution function of the statistic."""
        return cdf(statistic)


class _Untested:
    """Evidence of unknown error: it has no interval and proves nothing."""

    def interval(self, confidence: float) -> None:
        """Return nothing."""

    def below(self, limit: float) -> float:  # noqa: ARG002 (part of the protocol)
        """Return 1."""
        return 1.0

    above = below

    def scaled_variance(self) -> None:
        """Return nothing."""


@dataclass(frozen=True)
class Undefined(_Untested):
    """A value that does not exist (0/0, an empty group, a missing column)."""

    reason: str
    value: None = None
    method: str = "undefined"
    cause: Cause | None = None


@dataclass(frozen=True)
class Point(_Untested):
    """A value with unknown error, e.g. one measured run time or a line of a metrics file."""

    value: float
    method: str = "measured"
    reason: str | None = None


@dataclass(frozen=True)
class Tie:
    """The exact difference of two models with identical predictions: 0, without a test."""

    value: float = 0.0
    method: str = "identical"
    reason: str | None = "the predictions of both models are identical"

    def interval(self, confidence: float) -> Interval:  # noqa: ARG002 (part of the protocol)
        """Return the value twice."""
        return (self.value, self.value)

    def below(self, limit: float) -> float:
        """Return 0 if the value is below the limit, else 1."""
        return float(self.value >= limit)

    def above(self, limit: float) -> float:
        """Return 0 if the value is above the limit, else 1."""
        return float(self.value <= limit)

    def scaled_variance(self) -> float:
        """Return 0."""
        return 0.0


Triple = tuple[Evidence, Evidence | None, Evidence | None]
"""Evidence for the candidate, for the baseline, and for the change."""


@dataclass(frozen=True, kw_only=True)
class MeasureContext:
    """Settings of all measurements of a run.

    Attributes:
        whole: Statistics of the whole set.
        confidence: Two-sided level of intervals.
        seed: Seed of the bootstraps.
        baseline: Whether there is a baseline.
    """

    whole: Statistics
    confidence: float
    seed: int
    baseline: bool


def tied_evidence(candidate: Evidence) -> Evidence:
    """Return the exact tie of identical predictions, unless the metric itself is undefined.

    Predictions are identical if the scores are, or the decisions of models without scores. Equal decisions from unequal
    scores are not a tie: the next row may be decided differently.
    """
    return Tie() if candidate.value is not None else candidate


def absent_evidence(what: str) -> Triple:
    """Return undefined evidence for both models and the change: the predictions lack a column."""
    reason = f"the predictions have no {what}"
    missing = Undefined(reason, cause=Cause.MISSING)
    return missing, missing, missing


def too_few(value: float | None, have: int, unit: str, *, least: int) -> Evidence:
    """Return a value whose error is not known because too few rows carry it; ``None`` if the value is missing, too.

    Args:
        value: The estimate.
        have: Rows that carry the metric.
        unit: Their unit, in the singular: ``"labelled positive"``.
        least: Minimum of rows.
    """
    counted = f"no {unit}s" if have == 0 else f"{have:,} {unit}{'' if have == 1 else 's'}"
    reason = f"too few rows: {counted}; {least:,} are needed"
    return Undefined(reason, method="too few") if value is None else Point(value, "too few", reason)
