"""Figures and their bounds, with the error of the simulation that they come from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tabulate import tabulate

ERRORS = 4.0
"""The number of standard errors that a figure may be beyond its bounds before it counts as a disagreement."""

PUBLISHED_DRAWS = 10_000
"""Draws that a published share is taken to rest on; its own error is added to the measured one."""

Unit = Literal["share", "number", "rows"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure.

    Attributes:
        what: In words.
        measured: The figure.
        error: Standard error of the simulation (and of the published figure where there is one).
        low, high: What it has to lie between, give or take ``allowed`` errors.
        published: The figure as published; ``None`` where there is none.
        unit: How to print it.
        allowed: Errors that it may be outside.
    """

    what: str
    measured: float
    error: float
    low: float
    high: float
    published: float | None = None
    unit: Unit = "share"
    allowed: float = ERRORS

    @property
    def kept(self) -> bool:
        """Return true if the figure is within its bounds; NaN is not."""
        slack = self.allowed * self.error
        return self.low - slack <= self.measured <= self.high + slack

    def cells(self) -> list[str]:
        """Return the row of a table: the measured value, its bounds, the distance, its error, and whether it holds."""
        bounds = _range(self.low, self.high, self.unit) if self.published is None else _shown(self.published, self.unit)
        distance = "" if self.published is None else _signed(self.measured - self.published, self.unit)
        error = "exact" if self.error == 0 else f"± {_shown(self.error, self.unit, digits=2)}"
        return [self.what, _shown(self.measured, self.unit), bounds, distance, error, "yes" if self.kept else "**no**"]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page: lead, an overview if one helps, the figures with bounds, and notes."""

    title: str
    lead: str
    figures: Sequence[Figure]
    overview: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None
    notes: Sequence[str] = field(default=())

    def text(self, style: str) -> str:
        """Return the section as Markdown (``github``) or for a terminal (``simple``)."""
        parts = [f"### {self.title}", self.lead]
        if self.overview:
            headers, rows = self.overview
            parts.append(table(headers, rows, style))
        if self.figures:
            heads = ("", "measured", "held to", "difference", "error", "holds")
            parts.append(table(heads, [figure.cells() for figure in self.figures], style))
        return "\n\n".join([*parts, *self.notes])


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], style: str) -> str:
    """Lay out a table whose cells are texts; all columns but the first are set to the right."""
    align = ["left"] + ["right"] * (len(headers) - 1)
    return tabulate(rows, list(headers), tablefmt=style, disable_numparse=True, colalign=align)


def share(what: str, hits: float, replicates: int, published: float, *, digits: int = 1) -> Figure:
    """Return a share compared with a published percentage, whose last digit is rounded and which has its own error."""
    rounding = 0.5 * 10 ** -(digits + 2)
    error = math.hypot(standard_error(hits, replicates), standard_error(published * PUBLISHED_DRAWS, PUBLISHED_DRAWS))
    return Figure(
        what=what,
        measured=hits / replicates,
        error=error,
        low=published - rounding,
        high=published + rounding,
        published=published,
    )


def within(what: str, hits: float, replicates: int, low: float, high: float, *, allowed: float = ERRORS) -> Figure:
    """Return a share with a range as bounds."""
    error = standard_error(hits, replicates)
    return Figure(what=what, measured=hits / replicates, error=error, low=low, high=high, allowed=allowed)


def standard_error(hits: float, replicates: int) -> float:
    """Return the standard error of a share, with two hits and two misses added so that 0 of n is not certainty."""
    rate = (hits + 2) / (replicates + 4)
    return math.sqrt(rate * (1 - rate) / (replicates + 4))


def percent(value: float, digits: int = 1) -> str:
    """Write a share in per cent."""
    return f"{100 * value:.{digits}f} %"


def _shown(value: float, unit: Unit, *, digits: int = 1) -> str:
    if unit == "share":
        return percent(value, digits)
    return f"{value:,.0f}" if unit == "rows" else f"{value:.4f}"


def _signed(value: float, unit: Unit) -> str:
    if unit == "share":
        return f"{100 * value:+.1f}"
    return f"{value:+,.0f}" if unit == "rows" else f"{value:+.4f}"


def _range(low: float, high: float, unit: Unit) -> str:
    if low == high:
        return _shown(low, unit)
    if math.isinf(high):
        return f"at least {_shown(low, unit)}"
    return f"at most {_shown(high, unit)}" if math.isinf(low) else f"{_shown(low, unit)} to {_shown(high, unit)}"
