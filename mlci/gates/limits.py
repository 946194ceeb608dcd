"""Limits of gates, and the rules that carry them: sign, bound, words and whatever else depends on a limit's kind."""

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Kind = Literal["min", "max", "max_drop", "max_rise", "superior_by", "present"]
Judge = Literal["estimate", "interval"]
OnDoubt = Literal["warn", "block"]

LIMIT_KINDS: tuple[Kind, ...] = ("min", "max", "max_drop", "max_rise", "superior_by")
"""Kinds that can be configured, in the order of judging. ``present`` is implied: a metric must not disappear."""


@dataclass(frozen=True)
class Limit:
    """A limit as it was written: ``min`` and ``max`` on a value, the others on a change.

    ``max_drop`` and ``max_rise`` are margins of non-inferiority; ``superior_by`` is one of superiority, a gain that has
    to be exceeded.

    Attributes:
        kind: Its key in ``mlci.yml``.
        value: The number; a fraction if it was written in per cent (``"10%"`` is 0.1).
        relative: Whether it was written in per cent; for a limit on a change, of the baseline's value.
        written: How the user wrote it; not part of its identity.
        lower_is_better: Whether a gain is a fall, for ``superior_by``, whose key does not say it.
    """

    kind: Kind
    value: float = 0.0
    relative: bool = False
    written: str = field(default="", compare=False, repr=False)
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that are not finite."""
        if not math.isfinite(self.value):
            raise ValueError("a limit must be a finite number")

    def __str__(self) -> str:
        """Return the limit as it was written, e.g. ``0.01`` or ``10%``."""
        if self.written:
            return self.written
        return f"{(Decimal(repr(self.value)) * 100).normalize():f}%" if self.relative else f"{self.value:.15g}"

    @property
    def on_change(self) -> bool:
        """Whether it limits the change from the baseline."""
        return self.kind in {"max_drop", "max_rise", "superior_by"}

    @property
    def proves_gain(self) -> bool:
        """Whether the change has to be beyond the bound, and not only at it."""
        return self.kind == "superior_by"

    @property
    def is_floor(self) -> bool:
        """Whether the number has to be at or above the bound."""
        return self.kind in {"min", "max_drop"} or (self.proves_gain and not self.lower_is_better)

    @property
    def signed(self) -> float:
        """The number with its sign: a drop of at most 0.01 is a change of at least -0.01."""
        falls = self.kind == "max_drop" or (self.proves_gain and self.lower_is_better)
        return 0.0 - self.value if falls else self.value

    def bound(self, baseline: float | None) -> float | None:
        """Return the limit in the value's units and with its sign; ``None`` if it is a share of an unknown value."""
        if not (self.relative and self.on_change):
            return self.signed
        return None if baseline is None else self.signed * abs(baseline) + 0.0  # never -0.0

    def allows(self, number: float, bound: float, slack: float = 0.0) -> bool:
        """Return whether a number meets the bound; NaN meets none.

        A number within the slack is at the bound, which a gain has to exceed.
        """
        if self.proves_gain:
            return self.distance(number, bound) > slack
        return number >= bound - slack if self.is_floor else number <= bound + slack

    def distance(self, number: float, bound: float) -> float:
        """Return how far a number lies on the allowed side of the bound, negative beyond it."""
        return number - bound if self.is_floor else bound - number

    @property
    def verbs(self) -> tuple[str, str]:
        """The limited movement and its opposite."""
        return ("fall", "rise") if self.is_floor else ("rise", "fall")

    def words(self, bound: float, size: str, *, sentence: bool = False) -> str:
        """Return the limit in words: ``may fall by 0.010``, in a sentence ``may fall by at most 0.010``.

        Args:
            bound: The bound.
            size: The bound as it is printed; for a change without its sign.
            sentence: Whether the words follow a subject.
        """
        if self.kind == "present":
            return "must exist"
        if not self.on_change:
            return f"{'must be ' if sentence else ''}{'at least' if self.is_floor else 'at most'} {size}"
        verb, other = self.verbs
        if self.proves_gain:
            return f"must {other}" + (f" by more than {size}" if bound != 0 else "")
        if bound == 0:
            return f"may not {verb}"
        if (bound < 0) != self.is_floor:
            return f"must {other} by {'at least ' if sentence else ''}{size}"
        return f"may {verb} by {'at most ' if sentence else ''}{size}"

    def gate_id(self, metric: str, scope: str) -> str:
        """Return the id of a gate, unique in a run: ``recall[region=north].max_drop``."""
        return f"{metric}[{scope}].{self.kind}" if scope else f"{metric}.{self.kind}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One entry of ``gates:``, of which every limit and group becomes a gate.

    Attributes:
        metric: Name as written.
        each: Slice of which every group gets its own gate.
        across: Slice over whose groups a disparity is taken.
        limits: The limits, in the order of judging.
        judge: Estimate or interval; ``None`` depends on the kind of limit.
        retraining: Whether the interval of a change includes the training noise.
        inconclusive, no_baseline: Effect of these outcomes.
        index: Its place in ``gates:``, from 0; ``None`` for a behavioural test.
        line: Its line in the configuration.
        test: Whether it requires a behavioural test, whose name ``metric`` is.
    """

    metric: str
    limits: tuple[Limit, ...]
    each: str | None = None
    across: str | None = None
    judge: Judge | None = None
    retraining: bool = False
    inconclusive: OnDoubt = "warn"
    no_baseline: OnDoubt = "warn"
    index: int | None = None
    line: int | None = None
    test: bool = False
