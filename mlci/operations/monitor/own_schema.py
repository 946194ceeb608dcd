"""Findings of the team's own pandera schema, window by window."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlci.config.lifecycle.monitor import Monitor
from mlci.engine.production.reader import ProductionLog
from mlci.execution.schemas.stage import SchemaFailure, WindowValidation
from mlci.monitor.findings import SchemaRow
from mlci.operations.context import RowsContext

SCHEMA = "schema"
"""Name of the series of the whole schema."""


@dataclass(frozen=True, kw_only=True)
class SchemaFindings:
    """Findings of one window.

    Attributes:
        rows: The whole schema first, then each check that failed.
        unjudged: Why the schema could not be evaluated; ``None`` if it could.
        notes: Remarks.
    """

    rows: tuple[SchemaRow, ...] = ()
    unjudged: str | None = None
    notes: tuple[str, ...] = ()


def judge_schema(
    context: RowsContext, settings: Monitor, log: ProductionLog, starts: Sequence[str]
) -> Mapping[str, SchemaFindings]:
    """Validate windows by the configured schema; nothing without one.

    Raises:
        InputError: if the file of the schema or pandera is missing.
    """
    stage = context.schemas
    if settings.pandera is None or stage is None or not starts:
        return {}
    stage.require(settings.pandera)
    columns = log.write_windows(starts, stage.rows_path)
    is_text = log.log.source.files[0].format == "csv"
    found = stage.validate(
        settings.pandera, starts, columns=columns, is_text=is_text, timeout=float(context.config.evaluation.timeout)
    )
    return {start: _findings(start, one, log) for start, one in found.items()}


def _findings(start: str, found: WindowValidation, log: ProductionLog) -> SchemaFindings:
    reason = None
    if found.errors:
        reason = f"the schema could not be evaluated on the window of {start}: {'; '.join(found.errors)}"
    whole = SchemaRow(
        series=SCHEMA,
        rows=max(found.rows, 1),
        failed=None if reason else found.failed,
        finding="unknown" if reason else "ok",
        reason=reason,
    )
    more = (f"{found.more:,} more checks of the schema fail in the window of {start}",) if found.more else ()
    notes = tuple(f"schema, {start}: {text}" for text in found.notes)
    return SchemaFindings(rows=(whole, *_failed_checks(found, log)), unjudged=reason, notes=(*more, *notes))


def _failed_checks(found: WindowValidation, log: ProductionLog) -> Iterator[SchemaRow]:
    """Yield each failed check; two of the same name in a column are one series with the larger count."""
    by_series: dict[str, SchemaFailure] = {}
    for failure in found.failures:
        series = f"{SCHEMA}[{failure.column or 'table'}, {failure.check}]"
        known = by_series.get(series)
        if known is None or (known.count or 0) < (failure.count or 0):
            by_series[series] = failure
    for series, failure in by_series.items():
        yield SchemaRow(
            series=series,
            column=failure.column,
            check=failure.check,
            rows=max(found.rows, 1),
            failed=failure.count,
            examples=tuple(_shown(position, log) for position in failure.examples),
            finding="bad",
        )


def _shown(position: int, log: ProductionLog) -> str:
    """Return the row of a position in the log, counted from 1, with its file if there are several."""
    file, row = log.log.source.place(position)
    return f"row {row:,}" if len(log.log.source.shards) == 1 else f"{file} row {row:,}"
