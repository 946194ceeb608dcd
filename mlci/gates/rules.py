"""Configured rules, and gates with their outcomes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from mlci.inference.evidence import Interval

Kind = Literal["min", "max", "max_drop", "max_rise", "present"]
Judge = Literal["estimate", "interval"]
OnDoubt = Literal["warn", "block"]


class Outcome(StrEnum):
    """Outcome of a gate."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NO_BASELINE = "no_baseline"
    ERROR = "error"
    WAIVED = "waived"


@dataclass(frozen=True)
class GateLimit:
    """A limit as it was written; ``relative`` limits on a change are shares of the baseline's value."""

    value: float
    relative: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One entry of ``gates:``, expanded to a case for every limit and group.

    Attributes:
        metric: Name as written.
        each: Slice of which every group gets its own case.
        across: Slice over whose groups a disparity is taken.
        limits: The limits by kind, in the order of judging.
        judge: Estimate or interval; ``None`` depends on the kind of limit.
        retraining: Whether the interval of a change includes the training noise.
        inconclusive, no_baseline: Effect of these outcomes.
        line: Its line in the configuration.
    """

    metric: str
    limits: tuple[tuple[Kind, GateLimit], ...]
    each: str | None = None
    across: str | None = None
    judge: Judge | None = None
    retraining: bool = False
    inconclusive: OnDoubt = "warn"
    no_baseline: OnDoubt = "warn"
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class JudgedGate:
    """One gate and its outcome.

    ``value`` with ``interval`` was compared with ``bound`` (in the value's units and with its sign: a drop of at most
    0.01 is a change of at least -0.01), so that a reader can check the outcome.
    """

    id: str
    metric: str
    rule: Rule
    kind: Kind
    limit: GateLimit
    slice: str | None
    group: str | None
    across: str | None
    judge: Judge
    outcome: Outcome
    reason: str | None = None
    why: str | None = None
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
