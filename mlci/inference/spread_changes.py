"""The change of a disparity between two models, by drawing both models' cells of each group together."""

import numpy as np

from mlci.inference import cells, disparities
from mlci.inference.across import Options
from mlci.inference.by_decision import base_rate
from mlci.inference.common import same_everywhere
from mlci.inference.estimates import Sampled
from mlci.inference.evidence import Evidence, Point, Tie, Undefined
from mlci.inference.normal import two_sided
from mlci.metrics.statistics import Counts, Decisions, Floats


def change_of(options: Options, candidate: Evidence, baseline: Evidence) -> Evidence:
    """Return the change in disparity, by drawing both models' cells of each group together."""
    if candidate.value is None or baseline.value is None:
        return candidate if candidate.value is None else baseline
    value = candidate.value - baseline.value
    if same_everywhere(options.context.whole) or _unchanged(options):
        return Tie()
    moved = _redrawn_cells(options) if options.counted else _redrawn_estimates(options)
    if moved is None:
        return Point(value, "difference", "the groups' values have no standard errors")
    defined = moved[np.isfinite(moved)]
    if len(defined) < 0.95 * len(moved):
        return Undefined("too few rows: undefined in over 5 % of the resampled sets", method="too few")
    error = float(defined.std(ddof=1))
    reach = two_sided(options.context.confidence) * error
    rows = min(group.rows for group in options.across.groups)
    return Sampled(value, value - reach, value + reach, error, rows, options.context.confidence, "cell bootstrap")


def _unchanged(options: Options) -> bool:
    return all(isinstance(item.change, Tie) for base in options.measured for item in base)


def _redrawn_cells(options: Options) -> Floats:
    """Return the change in disparity in each multinomial redraw of the groups' joint cells, shape (replicates,)."""
    now = np.empty((len(options.bases), disparities.REPLICATES, len(options.across.groups)))
    before = np.empty_like(now)
    for g, group in enumerate(options.across.groups):
        decisions = group.decisions
        if decisions is None or decisions.baseline is None:
            raise ValueError("no decisions")
        counts = cells.draws(decisions, replicates=disparities.REPLICATES, seed=options.context.seed + 101 + g)
        for k, base in enumerate(options.bases):
            now[k, :, g] = _rate_of(counts, decisions, base, decisions.candidate)
            before[k, :, g] = _rate_of(counts, decisions, base, decisions.baseline)
    return _spreads(now, options) - _spreads(before, options)


def _rate_of(counts: Floats, decisions: Decisions, base: str, decided: Counts) -> Floats:
    masks = base_rate(base, decisions)
    part = counts @ masks.part[decisions.label, decided].astype(float)
    whole = counts @ masks.base[decisions.label, decided].astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / whole)


def _redrawn_estimates(options: Options) -> Floats | None:
    """Draw both models' group values from their joint normal approximation; the covariance follows from the change."""
    first, second, change = options.errors("baseline"), options.errors("candidate"), options.errors("change")
    if not all(np.isfinite(item).all() for item in (first, second, change)):
        return None
    covariance = (first**2 + second**2 - change**2) / 2
    correlation = np.clip(covariance / np.where(first * second > 0, first * second, 1), -1, 1)
    generator = np.random.Generator(np.random.PCG64(options.context.seed + 101))
    noise = generator.standard_normal((2, disparities.REPLICATES, *first.shape)).swapaxes(1, 2)
    rho = correlation[:, None, :]
    before = options.values("baseline")[:, None, :] + first[:, None, :] * noise[0]
    mixed = rho * noise[0] + np.sqrt(1 - rho**2) * noise[1]
    now = options.values("candidate")[:, None, :] + second[:, None, :] * mixed
    return _spreads(now, options) - _spreads(before, options)


def _spreads(values: Floats, options: Options) -> Floats:
    """Return the disparity of redrawn values of shape (bases, replicates, groups), shape (replicates,)."""
    each = disparities.disparity(values, reference=options.across.index, kind=options.kind)
    return np.asarray(each.max(axis=0) if options.kind == "difference" else each.min(axis=0))
