"""Jackknife: the error of a smooth function of rows from its values without each row, or without each group of rows.

With n units, each left out in turn, a value θ(i) without unit i stands for the influence (n - 1) (mean θ - θ(i)), and
the variance is (n - 1) / n × Σ (θ(i) - mean θ)² (Tukey 1958; Efron & Stein 1981, Ann. Stat. 9:586). Its degrees of
freedom follow from the kurtosis of the influence, as those of squared errors do: if a few units carry the variance, the
interval is longer, and then there is none.
"""

from dataclasses import dataclass

import numpy as np

from mlci.inference.estimators.means import FEWEST, SCARCE, Influence
from mlci.inference.evidence import Evidence, Point
from mlci.inference.intervals.error_intervals import Normal
from mlci.metrics.statistics import Floats

_NOTHING = 1e-11
UNDEFINED = {
    "cell jackknife": "too few rows: undefined if a certain row is left out",
    "group jackknife": "too few rows: undefined if a certain group of rows is left out",
    "cluster jackknife": "too few rows: undefined if a certain cluster is left out",
}
SAME = "too few rows: the value is the same whichever {} is left out"


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Values without one unit.

    Attributes:
        values: The values, or paired differences of them; NaN if undefined.
        counts: Units that each value stands for.
        rows: Rows of the scope.
        method: ``cell jackknife``, whose units are rows, ``group jackknife`` or ``cluster jackknife``.
        magnitude: Magnitude of the metric, beside which rounding errors of its differences are small.
    """

    values: Floats
    counts: Floats
    rows: int
    method: str
    magnitude: float

    @property
    def unit(self) -> str:
        """The unit in words."""
        return {"cell jackknife": "row", "cluster jackknife": "cluster"}.get(self.method, "group of rows")


def jackknife_evidence(value: float, left_out: LeftOut) -> Evidence:
    """Return a value with Student's interval, or without one if the units do not determine its error."""
    if not np.isfinite(left_out.values).all():
        return Point(value, "too few", UNDEFINED[left_out.method])
    effect = _influence(left_out)
    if effect is None or effect.error <= _NOTHING * left_out.magnitude:
        return Point(value, "too few", SAME.format(left_out.unit))
    doubt = _doubt(effect, left_out.unit)
    if effect.effective < FEWEST:
        return Point(value, "too few", doubt)
    return Normal(value, effect.error, left_out.rows, left_out.method, df=effect.df, reason=doubt)


def _influence(left_out: LeftOut) -> Influence | None:
    """Return the influence of the units; ``None`` if they have no variance."""
    values, counts = left_out.values, left_out.counts
    units = float(counts.sum())
    if units < 2:
        return None
    effects = (units - 1) * (float(counts @ values) / units - values)
    square, cube, fourth = (float(counts @ effects**power) for power in (2, 3, 4))
    return Influence(round(units), square, cube, fourth) if fourth > 0 else None


def _doubt(effect: Influence, unit: str) -> str | None:
    """Return the warning if a few units carry the variance; ``None`` if they do not."""
    if effect.effective >= SCARCE:
        return None
    needed = f"; {FEWEST:g} are needed" if effect.effective < FEWEST else ""
    several = f"{unit}s" if unit != "group of rows" else "groups of rows"
    return f"a few {several} carry the variance (as much as {effect.effective:.1f} equal {several}{needed})"
