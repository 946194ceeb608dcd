"""Findings of one window, as ``monitor.json`` has them: drift of columns, checks of cells, quality by gates."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from mlci.monitor.samples import Role

Word = Literal["ok", "unclear", "suspect", "bad", "unknown"]
"""What a window shows of one series.

``bad``: beyond the limit, and its interval too; ``suspect``: a gate that can alarm is beyond it by the interval of a
report, and not by the wider one that holds at every look; ``unclear``: beyond it, but no interval is; ``unknown``:
rows, labels or the column are missing.
"""


Measure = Literal["psi", "jensen_shannon", "wasserstein", "ks", "total_variation"]
"""Effect sizes of drift."""
CheckName = Literal["present", "nulls", "unseen", "invalid", "outside"]
"""Checks of the cells of a column."""
_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
BY_ALIAS = ConfigDict(**_STRICT, populate_by_name=True, serialize_by_alias=True)
"""Settings of documents, whose key ``schema`` differs from Python's name."""


class MonitorPart(BaseModel):
    """Base of all parts: frozen, without unknown keys."""

    model_config = _STRICT


class EffectRow(MonitorPart):
    """One effect size of one column, with its threshold."""

    measure: Measure
    value: float | None
    low: float | None
    high: float | None
    threshold: float | None
    reason: str | None = None

    @property
    def is_beyond(self) -> bool:
        """Whether the value is beyond the threshold."""
        return self.threshold is not None and self.value is not None and self.value > self.threshold

    @property
    def is_proven(self) -> bool:
        """Whether the lower end of the interval is, too."""
        return self.is_beyond and self.threshold is not None and (self.low is None or self.low > self.threshold)


class DriftRow(MonitorPart):
    """Drift of one column, on all rows or in one group."""

    series: str
    column: str
    role: Role
    kind: Literal["number", "category"]
    slice: str | None = None
    group: str | None = None
    rows: int
    reference_rows: int
    effects: tuple[EffectRow, ...] = ()
    finding: Word
    reason: str | None = None


class CheckRow(MonitorPart):
    """One check of the cells of a column: nulls, numbers, range, categories, presence."""

    series: str
    column: str
    check: CheckName
    share: float | None = None
    reference: float | None = None
    limit: float | None = None
    examples: tuple[str, ...] = ()
    finding: Word
    reason: str | None = None


class SchemaRow(MonitorPart):
    """One failed check of the team's own schema; without a check, the result of the whole schema.

    Attributes:
        series: ``schema``, or ``schema[column, check]``.
        column: The column; ``None`` for a check of the whole table.
        check: The check.
        rows: Rows of the window.
        failed: Rows that fail; ``None`` if the check is not about single rows.
        examples: The first of them, by file and row.
        finding: ``bad`` for a failed check. Of the whole schema: ``ok`` if all of it was evaluated, else ``unknown``.
        reason: Why it was not.
    """

    series: str
    column: str | None = None
    check: str | None = None
    rows: int
    failed: int | None = None
    examples: tuple[str, ...] = ()
    finding: Word
    reason: str | None = None


class QualityRow(MonitorPart):
    """One gate on the rows with labels.

    Attributes:
        series: Id of the gate, as in ``report.json``.
        metric: Its metric.
        slice, group: Its group; ``None`` for all rows.
        rows: Rows that carry the metric.
        reference: The version's value on the evaluation set.
        value: The value in the window.
        number: What the limit is compared with: the value, or its change against the reference.
        low, high: Interval of ``number``.
        bound: The limit, with its sign.
        limit: The limit as it was written, with its kind.
        alarms: Whether the interval is valid however often the window is read, so that the finding can alarm.
    """

    series: str
    metric: str
    slice: str | None = None
    group: str | None = None
    rows: int
    reference: float | None = None
    value: float | None = None
    number: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    limit: str
    alarms: bool
    finding: Word
    reason: str | None = None


class ValueRow(MonitorPart):
    """One metric on all rows with labels, beside the version's value on the evaluation set."""

    metric: str
    reference: float | None
    value: float | None
    low: float | None
    high: float | None


class WindowFindings(MonitorPart):
    """Everything that was found in one window.

    Attributes:
        start, end, version, rows, labelled: As in the history.
        drift, checks, quality, metrics: Findings and values.
        pandera: Findings of the team's own schema; empty without one.
        notes: Remarks.
        unjudged: Why its predictions or labels can't be judged, although they are there; ``None`` if they can.
    """

    start: str
    end: str
    version: int
    rows: int
    labelled: int
    drift: tuple[DriftRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    pandera: tuple[SchemaRow, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    metrics: tuple[ValueRow, ...] = ()
    notes: tuple[str, ...] = ()
    unjudged: str | None = None


def in_doubt(found: WindowFindings, reason: str) -> WindowFindings:
    """Return the findings of a window whose rows are not all known: nothing is well, what is beyond a limit stays.

    Args:
        found: The findings.
        reason: Why its rows are not known.
    """
    doubt = {"finding": "unknown", "reason": reason}
    return found.model_copy(
        update={
            "drift": tuple(row.model_copy(update=doubt) if row.finding == "ok" else row for row in found.drift),
            "checks": tuple(row.model_copy(update=doubt) if row.finding == "ok" else row for row in found.checks),
            "pandera": tuple(row.model_copy(update=doubt) if row.finding == "ok" else row for row in found.pandera),
            "quality": tuple(row.model_copy(update=doubt) if row.finding == "ok" else row for row in found.quality),
            "notes": tuple(dict.fromkeys((reason, *found.notes))),
            "unjudged": found.unjudged or reason,
        }
    )
