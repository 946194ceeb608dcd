"""``monitor.json``: state, findings and timeline of one model, for terminal text, page and issue."""

from typing import Annotated, Literal

from pydantic import Field

from mlci.monitor.findings import BY_ALIAS, MonitorPart, WindowFindings
from mlci.monitor.history import SeriesView, State, WindowRecord


class MonitorDocument(MonitorPart):
    """The document.

    Attributes:
        model: The model.
        version: The version in production.
        unit: Kind of window.
        state: ``ok``, ``warn``, ``alarm``, or ``unknown`` if rows or labels are missing.
        since: The first window of the state; ``None`` for ``ok``.
        reason: Why the newest windows do not tell; ``None`` if they do.
        entry: Number of the ledger's entry of this run; ``None`` if nothing changed.
        series: State of every series, those that count first.
        windows: Windows that this run judged, oldest first.
        timeline: All windows that the registry keeps, oldest first.
        notes: Remarks on what was left out.
    """

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/monitor-report/1"], Field(alias="schema")] = "mlci/monitor-report/1"
    model: str
    version: int
    unit: str
    state: State
    since: str | None
    reason: str | None = None
    entry: int | None = None
    series: tuple[SeriesView, ...] = ()
    windows: tuple[WindowFindings, ...] = ()
    timeline: tuple[WindowRecord, ...] = ()
    notes: tuple[str, ...] = ()
