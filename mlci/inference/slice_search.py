"""Confirmation of the slices that a search suggests, on rows that did not choose them.

A slice is worse if both hypotheses are refused: that the candidate is not worse than the baseline in it, and that its
change is not larger than on the other rows. The larger of both p-values tests their union (Berger 1982, Technometrics
24:295); Holm's method adjusts for the number of slices that are tested.
"""

import math

from mlci.inference.intervals import distributions
from mlci.inference.intervals.score_intervals import Tango
from mlci.inference.measure import exact_p
from mlci.inference.multiplicity import holm_adjust
from mlci.metrics.worst_slices import ChosenSlice, SearchedSlices, WorstSlice, WorstSlices

COUNTED = "wrong decision"
"""Loss whose change is -1, 0 or 1, so that an exact test exists."""


def confirm_slices(searched: SearchedSlices, confidence: float) -> WorstSlices:
    """Return the slices that hold at the family-wise level ``1 - confidence``."""
    adjusted = holm_adjust([p_value(one, searched.loss) for one in searched.chosen])
    held = [
        _worst_slice(one, p, searched.loss, confidence)
        for one, p in zip(searched.chosen, adjusted, strict=True)
        if p <= 1 - confidence + 1e-12
    ]
    return WorstSlices(
        loss=searched.loss,
        searched=searched.searched,
        checked=len(searched.chosen),
        columns=searched.columns,
        left_out=searched.left_out,
        slices=tuple(sorted(held, key=lambda one: one.p)),
    )


def p_value(one: ChosenSlice, loss: str) -> float:
    """Return the one-sided p-value that a slice is worse: than the baseline, and than the other rows."""
    return max(_against_baseline(one, loss), _against_rest(one))


def _against_baseline(one: ChosenSlice, loss: str) -> float:
    """Test the mean change: exact by the discordant rows for decisions (McNemar 1947), by Student's t for losses."""
    if one.inside.change <= 0:
        return 1.0
    if loss == COUNTED or not one.inside.variance:
        return exact_p(one.worse, one.better) / 2 if one.worse > one.better else 1.0
    t = one.inside.mean_change / math.sqrt(one.inside.variance / one.inside.rows)
    return distributions.student_cdf(-t, one.inside.rows - 1)


def _against_rest(one: ChosenSlice) -> float:
    """Test the difference of both mean changes by Welch's t."""
    inside, outside = (part.variance / part.rows for part in (one.inside, one.outside))
    error = inside + outside
    if error <= 0:
        return 0.0 if one.inside.mean_change > one.outside.mean_change else 1.0
    t = (one.inside.mean_change - one.outside.mean_change) / math.sqrt(error)
    parts = inside**2 / (one.inside.rows - 1) + outside**2 / (one.outside.rows - 1)
    return distributions.student_cdf(-t, error**2 / parts)


def change_interval(one: ChosenSlice, loss: str, confidence: float) -> tuple[float, float]:
    """Return the interval of the mean change: Tango's of paired proportions for decisions, else Student's."""
    sums = one.inside
    if loss == COUNTED:
        return Tango(one.worse, one.better, sums.rows).interval(confidence)
    reach = distributions.student_two_sided(confidence, sums.rows - 1) * math.sqrt(sums.variance / sums.rows)
    return sums.mean_change - reach, sums.mean_change + reach


def _worst_slice(one: ChosenSlice, p: float, loss: str, confidence: float) -> WorstSlice:
    low, high = change_interval(one, loss, confidence)
    return WorstSlice(
        conditions=one.conditions,
        rows=one.rows,
        confirmed_on=one.inside.rows,
        baseline=one.inside.baseline / one.inside.rows,
        candidate=one.inside.candidate / one.inside.rows,
        change=one.inside.mean_change,
        change_low=low,
        change_high=high,
        change_elsewhere=one.outside.mean_change,
        p=p,
    )
