"""Findings about columns: effect sizes against their thresholds, and checks of the cells."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mlci.inference.intervals.score_intervals import Proportion
from mlci.monitor.drift import Effect, measure_drift
from mlci.monitor.findings import CheckRow, DriftRow, EffectRow, Word
from mlci.monitor.samples import CategoryPair, ColumnSample, NumberPair

_EXAMPLES = 5
_GROUP_MEASURES = {
    NumberPair: ("psi", "jensen_shannon", "ks"),
    CategoryPair: ("psi", "jensen_shannon", "total_variation"),
}


@dataclass(frozen=True, kw_only=True)
class ColumnLimits:
    """Thresholds and settings of all columns.

    Attributes:
        thresholds: Least effect by measure or check.
        min_rows: Fewest rows of a window or a group.
        confidence: Two-sided level of the intervals.
        seed: Of the bootstraps.
    """

    thresholds: Mapping[str, float]
    min_rows: int
    confidence: float = 0.95
    seed: int = 7


def series_of_column(column: str, slice_: str | None = None, group: str | None = None) -> str:
    """Return the name of a column's drift: ``drift[age]``, ``drift[age, region=north]``."""
    return f"drift[{column}]" if slice_ is None else f"drift[{column}, {slice_}={group}]"


def judge_drift(sample: ColumnSample, limits: ColumnLimits) -> DriftRow:
    """Return the drift of one column, on all rows or in a group."""
    pair = sample.pair
    rows = (0, 0) if pair is None else pair.rows
    row = DriftRow(
        series=series_of_column(sample.column, sample.slice, sample.group),
        column=sample.column,
        role=sample.role,
        kind="category" if isinstance(pair, CategoryPair) else "number",
        slice=sample.slice,
        group=sample.group,
        rows=rows[1],
        reference_rows=rows[0],
        finding="unknown",
        reason=_lack(sample, rows, limits),
    )
    if row.reason is not None or pair is None:
        return row
    measures = _GROUP_MEASURES[type(pair)] if sample.slice is not None else None
    found = measure_drift(pair, confidence=limits.confidence, seed=limits.seed, measures=measures)
    effects = tuple(_with_threshold(effect, limits) for effect in found)
    return row.model_copy(update={"effects": effects, "finding": _word(effects)})


def _lack(sample: ColumnSample, rows: tuple[int, int], limits: ColumnLimits) -> str | None:
    if sample.pair is None:
        return "the log does not have this column"
    if min(rows) < limits.min_rows:
        where = "the window" if rows[1] < limits.min_rows else "the evaluation set"
        return f"{min(rows):,} values in {where}; {limits.min_rows:,} are needed"
    return None


def _with_threshold(effect: Effect, limits: ColumnLimits) -> EffectRow:
    ends = [value if math.isfinite(value) else None for value in (effect.value, effect.low, effect.high)]
    threshold = limits.thresholds.get(effect.measure)
    row = EffectRow(measure=effect.measure, value=ends[0], low=ends[1], high=ends[2], threshold=threshold)
    if row.value is not None:
        return row
    constant = math.isinf(effect.value) and not effect.overflows
    why = "the evaluation set has one value" if constant else "the numbers are too large"
    return row.model_copy(update={"reason": f"unknown ({why})"})


def _word(effects: tuple[EffectRow, ...]) -> Word:
    if any(effect.is_proven for effect in effects):
        return "bad"
    return "unclear" if any(effect.is_beyond for effect in effects) else "ok"


def check_cells(sample: ColumnSample, limits: ColumnLimits) -> Iterator[CheckRow]:
    """Yield the checks of one column on all rows: presence, nulls, and those of its kind."""
    pair, cells = sample.pair, sample.window
    name = sample.column
    if pair is None:
        yield CheckRow(
            series=f"present[{name}]", column=name, check="present", finding="bad", reason="the log does not have it"
        )
        return
    before = sample.reference.nulls / max(sample.reference.rows, 1)
    yield _share(name, "nulls", cells.nulls, cells.rows, limits, reference=before)
    filled = cells.rows - cells.nulls
    if isinstance(pair, CategoryPair):
        new = [
            (rows, one) for one, rows, known in zip(pair.names, pair.window, pair.reference, strict=True) if not known
        ]
        examples = tuple(one for rows, one in sorted(new, reverse=True) if rows)[:_EXAMPLES]
        yield _share(name, "unseen", int(sum(rows for rows, _ in new)), filled, limits, examples=examples)
        return
    yield _share(name, "invalid", cells.invalid, filled, limits)
    known = pair.values[pair.reference > 0]
    out = (pair.values < known.min()) | (pair.values > known.max()) if len(known) else np.zeros(len(pair.values), bool)
    yield _share(name, "outside", int(pair.window[out].sum()), filled - cells.invalid, limits)


def _share(
    column: str,
    check: str,
    part: int,
    rows: int,
    limits: ColumnLimits,
    *,
    reference: float = 0.0,
    examples: tuple[str, ...] = (),
) -> CheckRow:
    """Return the check that a share of cells is at most its limit above the reference."""
    limit = reference + limits.thresholds[check]
    row = CheckRow(
        series=f"{check}[{column}]",
        column=column,
        check=check,
        reference=reference,
        limit=limit,
        examples=examples,
        finding="unknown",
    )
    if rows < limits.min_rows:
        return row.model_copy(update={"reason": f"{rows:,} cells; {limits.min_rows:,} are needed"})
    share = part / rows
    interval = Proportion(part, rows).interval(limits.confidence)
    word: Word = "ok" if share <= limit else "bad" if interval is not None and interval[0] > limit else "unclear"
    return row.model_copy(update={"share": share, "finding": word})


def broken_predictions(
    samples: Iterable[ColumnSample], checks: Iterable[CheckRow], *, task: str, start: str, measured: bool
) -> str | None:
    """Return why the predictions of a window can't be judged by any label; ``None`` if they can.

    Args:
        samples: The window's columns.
        checks: Checks of their cells.
        task: The model's task.
        start: The window.
        measured: Whether its rows with labels were measured, so that these have predictions.
    """
    beyond = {row.series: row.share for row in checks if row.finding == "bad" and row.share is not None}
    for sample in samples:
        if sample.role != "prediction" or sample.slice is not None:
            continue
        faults = {} if measured else {"nulls": "empty", "invalid": "not numbers"}
        if task != "regression" and isinstance(sample.pair, NumberPair) and _leaves_probabilities(sample.pair):
            faults["outside"] = "outside [0, 1]"
        for check, fault in faults.items():
            if (share := beyond.get(f"{check}[{sample.column}]")) is not None:
                shown = f"{100 * share:.3g} % of {sample.column!r} are {fault}"
                return f"the predictions of {start} are broken, so the quality is not known: {shown}"
    return None


def _leaves_probabilities(pair: NumberPair) -> bool:
    outside = (pair.values < 0) | (pair.values > 1)
    return bool((pair.window[outside] > 0).any() and not (pair.reference[outside] > 0).any())
