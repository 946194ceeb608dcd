"""Scales of the page's plots: numbers to horizontal positions in per cent, and ticks.

Positions have one decimal, so equal reports give equal bytes. Row plots have no ``viewBox``: x is in per cent, strokes
and text are in pixels, so that one drawing serves a phone and a wide screen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from math import floor, isfinite, log10

from mlci.report.text import number_format

_EDGE = 4.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_OUTLIER = 0.15  # groups with less than this share of the largest support do not set the scale


@dataclass(frozen=True)
class Tick:
    """A tick of a scale: its position and its label."""

    x: float
    label: str


@dataclass(frozen=True)
class Scale:
    """A linear scale from ``low`` to ``high`` with a margin on both sides."""

    low: float
    high: float

    def x(self, value: float) -> float:
        """Return the position of a value in per cent, at the edge where it lies outside."""
        share = (value - self.low) / (self.high - self.low)
        return round(_EDGE + (100 - 2 * _EDGE) * min(max(share, 0.0), 1.0), 1)

    def is_cut(self, value: float) -> bool:
        """Whether a value lies outside of the scale."""
        return not self.low <= value <= self.high

    def ticks(self, unit: str, *, change: bool = False, most: int = 5) -> tuple[Tick, ...]:
        """Return at most ``most`` round ticks with labels in a metric's unit."""
        step = _round_step((self.high - self.low) / most)
        first = -floor(-self.low / step)
        values = [number * step for number in range(first, floor(self.high / step) + 1)]
        style = number_format.number_style((self.low, self.high), unit=unit)
        digits = max(0, -Decimal(repr(float(f"{step:.3g}"))).normalize().adjusted() + (1 if _has_half(step) else 0))
        style = replace(style, decimals=max(0, digits - (2 if unit == "percent" else 0)) if not style.exponent else 1)
        text = style.signed if change else style.value
        return tuple(Tick(self.x(value), text(value) if abs(value) > step / 2 else "0") for value in values)


def fit_scale(values: Iterable[float | None], *, include: Iterable[float] = ()) -> Scale | None:
    """Return a scale that holds all values; ``None`` if there are none or they are too far apart to draw."""
    shown = [value for value in (*values, *include) if value is not None]
    if not shown or not isfinite(max(shown) - min(shown)):
        return None
    low, high = min(shown), max(shown)
    pad = (high - low) * 0.04 or abs(high) * 0.1 or 0.1
    return Scale(low - pad, high + pad)


def sets_scale(support: int | None, largest: int) -> bool:
    """Whether a group is large enough for its interval to set the scale that all groups share."""
    return support is None or support >= _OUTLIER * largest


def _round_step(least: float) -> float:
    power = 10.0 ** floor(log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def _has_half(step: float) -> bool:
    return f"{step:e}".startswith("2.5")
