"""Entry of the metric catalogue."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "rate", "share", "ratio", "ranks", "loss", "moments", "calibration", "operation", "disparity", "shift", "custom"
]
Direction = Literal["higher", "lower", "none"]
Unit = Literal["fraction", "number", "seconds", "megabytes", "label"]


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """One metric.

    Attributes:
        name: Name in ``mlci.yml`` and ``report.json``.
        title: Name in reports.
        kind: Kind of computation: ``rate`` (a proportion), ``share`` (of a column's total), ``ratio`` (of counts),
            ``ranks``, ``loss`` (a mean over rows), ``moments``, ``calibration``, ``operation`` (measured by the run),
            ``disparity``, ``shift`` (of both models, across groups) or ``custom`` (a function of rows).
        direction: The better direction; ``none`` if neither is better.
        unit: ``fraction``, ``number``, ``seconds``, ``megabytes`` or ``label`` (the unit of the regression's target).
        tasks: Tasks for which it is defined.
        low, high: Bounds of its value; ``None`` without one.
        interval: Whether it has an interval; without one, a gate is judged on the estimate.
        support: Unit of its denominator, in the plural.
        formula, source: For the documentation.
        loss: Per-row loss whose moments it needs, if any.
    """

    name: str
    title: str
    kind: Kind
    direction: Direction
    tasks: frozenset[str]
    formula: str
    source: str
    unit: Unit = "fraction"
    low: float | None = 0.0
    high: float | None = 1.0
    interval: bool = True
    support: str = "rows"
    loss: str | None = None
