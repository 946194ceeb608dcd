"""History of windows, and the states that follow from it: ok, warn, alarm, each with hysteresis.

A state is a function of the findings, in the order of their windows. So a window whose labels arrived late, or one that
is read twice, changes nothing but what its findings change, and an older window never overwrites a newer one.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from mlci.monitor.findings import BY_ALIAS, MonitorPart, WindowFindings, Word

State = Literal["ok", "warn", "alarm", "unknown"]
_RANK: Mapping[State, int] = {"ok": 0, "unknown": 1, "warn": 2, "alarm": 3}


class SeriesPoint(MonitorPart):
    """One series in one window: its finding, and the number that a timeline shows."""

    finding: Word
    value: float | None = None
    low: float | None = None
    high: float | None = None


class SeriesState(MonitorPart):
    """State of one series after a window.

    Attributes:
        state: ``ok``, ``warn`` or ``alarm``.
        since: The window that began the state; ``None`` for ``ok`` from the start.
        bad: Windows in a row beyond the limit.
        good: Windows in a row within it.
    """

    state: State = "ok"
    since: str | None = None
    bad: int = 0
    good: int = 0


class WindowRecord(MonitorPart):
    """One window of the history.

    Attributes:
        start, end: The window, in UTC.
        version: The version that it was compared with.
        rows, labelled: Rows, and those with a label.
        points: By series.
        alarms: Series whose finding can alarm.
        unjudged: Why its predictions or labels can't be judged, although they are there; left out of bytes if they can.
    """

    start: str
    end: str
    version: int
    rows: int
    labelled: int
    points: dict[str, SeriesPoint] = Field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    unjudged: str | None = None

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        dumped: dict[str, object] = handler(self)
        if self.unjudged is None:
            dumped.pop("unjudged", None)
        return dumped


class MonitorHistory(MonitorPart):
    """All that a registry keeps of a model's monitoring.

    Attributes:
        windows: The newest windows, oldest first.
        before: States after the windows that the history no longer has.
        dispatched: Window that began the newest alarm for which a retraining was requested.
    """

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/monitor/1"], Field(alias="schema")] = "mlci/monitor/1"
    windows: tuple[WindowRecord, ...] = ()
    before: dict[str, SeriesState] = Field(default_factory=dict)
    dispatched: str | None = None


class MutedSeries(MonitorPart):
    """A finding that does not count until a day."""

    until: str
    reason: str


class SeriesView(MonitorPart):
    """State of one series now, its newest finding, and its mute."""

    series: str
    state: State
    since: str | None
    finding: Word
    muted: MutedSeries | None = None


class ModelStanding(MonitorPart):
    """State of a model after its newest window.

    Attributes:
        state: ``ok``, ``warn``, ``alarm``, or ``unknown`` if rows or labels are missing.
        since: The first window of the alarm or warning.
        series: Every series, those that count first.
        reason: Why the newest windows do not tell; also if an earlier one began the state.
    """

    state: State
    since: str | None = None
    series: tuple[SeriesView, ...] = ()
    reason: str | None = None


def record_of(findings: WindowFindings, *, noted: AbstractSet[str] = frozenset()) -> WindowRecord:
    """Return the part of a window's findings that the history keeps.

    Args:
        findings: The findings.
        noted: Groups to keep although they do not stand out, because they did in another window.
    """
    points: dict[str, SeriesPoint] = {}
    for row in findings.drift:
        if row.slice is None or row.finding in {"bad", "unclear"} or row.series in noted:
            shown = row.effects[0] if row.effects else None
            points[row.series] = _point(row.finding, *((shown.value, shown.low, shown.high) if shown else ()))
    for check in findings.checks:
        if check.finding != "ok" or check.check == "nulls":
            points[check.series] = _point(check.finding, check.share)
    for found in findings.pandera:
        points[found.series] = _point(found.finding, found.failed / found.rows if found.failed is not None else None)
    for gate in findings.quality:
        points[gate.series] = _point(gate.finding, gate.value)
    return WindowRecord(
        start=findings.start,
        end=findings.end,
        version=findings.version,
        rows=findings.rows,
        labelled=findings.labelled,
        points=points,
        alarms=tuple(gate.series for gate in findings.quality if gate.alarms),
        unjudged=findings.unjudged,
    )


def _point(finding: Word, *numbers: float | None) -> SeriesPoint:
    rounded = [None if one is None else float(f"{one:.5g}") for one in numbers]
    value, low, high = (*rounded, None, None, None)[:3]
    return SeriesPoint(finding=finding, value=value, low=low, high=high)


def add_windows(
    history: MonitorHistory, records: Iterable[WindowRecord], *, keep: int, patience: int
) -> MonitorHistory:
    """Return the history with windows added or replaced; one older than a history that is full is left out.

    A window that another version was compared with keeps its record.
    """
    known = {record.start: record for record in history.windows}
    oldest = min(known, default=None) if history.before or len(history.windows) >= keep else None
    for record in records:
        before = known.get(record.start)
        too_old = before is None and oldest is not None and record.start < oldest
        if not too_old and (before is None or before.version == record.version):
            known[record.start] = record
    ordered = [known[start] for start in sorted(known)]
    dropped, kept = ordered[:-keep], ordered[-keep:]
    states = replay(dropped, before=history.before, patience=patience)
    return history.model_copy(update={"windows": tuple(kept), "before": states})


def replay(
    records: Iterable[WindowRecord], *, before: Mapping[str, SeriesState], patience: int
) -> dict[str, SeriesState]:
    """Return the state of every series after some windows."""
    states = dict(before)
    for record in records:
        absent = [name for name, one in states.items() if name not in record.points and one.state != "ok"]
        found = {**record.points, **{name: SeriesPoint(finding=_unlisted(name, record)) for name in absent}}
        for name, point in found.items():
            own = states.get(name, SeriesState())
            moved = advance(own, point.finding, record.start, alarms=name in record.alarms, patience=patience)
            states[name] = moved
    return {name: state for name, state in states.items() if state != SeriesState()}


def _unlisted(name: str, record: WindowRecord) -> Word:
    """Return the finding of a series that a record leaves out: groups and checks are left out if they are ok."""
    if name.startswith("schema["):
        return record.points["schema"].finding if "schema" in record.points else "unknown"
    return "ok" if _left_out_if_ok(name) and record.rows else "unknown"


def _left_out_if_ok(name: str) -> bool:
    return name.startswith(("drift[", "unseen[", "outside[", "invalid[", "present[", "schema["))


def is_of_gate(name: str) -> bool:
    """Check if a series is one of a gate, which labels answer, rather than of columns or of the team's schema."""
    return not _left_out_if_ok(name) and not name.startswith("nulls[") and name != "schema"


def _is_checked(name: str, record: WindowRecord) -> bool:
    """Check if a series belongs to what a record compares; a schema that is no longer configured does not."""
    return not name.startswith("schema[") or not record.rows or "schema" in record.points


def advance(state: SeriesState, finding: Word, window: str, *, alarms: bool, patience: int) -> SeriesState:
    """Return the state of a series after one more finding.

    A proven fall alarms at once. Anything else has to be beyond its limit for ``patience`` windows in a row to warn,
    and within it for as many to be well again. A finding that is not known changes nothing.
    """
    if finding == "unknown":
        return state
    if finding == "ok":
        good = state.good + 1
        if state.state == "ok" or good >= patience:
            return SeriesState()
        return state.model_copy(update={"good": good, "bad": 0})
    if finding == "bad" and alarms:
        since = state.since if state.state == "alarm" else window
        return SeriesState(state="alarm", since=since, bad=state.bad + 1)
    bad = state.bad if finding == "unclear" else state.bad + 1
    if state.state == "ok" and bad >= patience:
        return SeriesState(state="warn", since=window, bad=bad)
    return state.model_copy(update={"bad": bad, "good": 0})


def assess(
    history: MonitorHistory, *, muted: Mapping[str, MutedSeries], patience: int, late: int, labels: bool
) -> ModelStanding:
    """Return the state of the model after its newest window.

    An alarm is proven and stays. Anything else is not known while the newest windows do not tell. A series that no
    window knows is not known; the model can be well without it.

    Args:
        history: The windows.
        muted: Mutes that are in force, by series.
        patience: Windows in a row.
        late: Windows back in time whose labels may still arrive.
        labels: Whether labels are expected at all.
    """
    if not history.windows:
        return ModelStanding(state="unknown", reason="the log has no complete window yet")
    states = replay(history.windows, before=history.before, patience=patience)
    newest = history.windows[-1]
    names = dict.fromkeys([*newest.points, *(one for one in states if _left_out_if_ok(one))])
    names = {name: None for name in names if _is_checked(name, newest)}
    known = {name for record in history.windows for name, one in record.points.items() if one.finding != "unknown"}
    known |= states.keys()
    views = [_view(name, states.get(name, SeriesState()), newest, muted.get(name), known) for name in names]
    views.sort(key=lambda one: (one.muted is not None, -_RANK[one.state], one.finding != "bad", one.series))
    counted = [view for view in views if view.muted is None]
    worst = max((view.state for view in counted if view.state != "unknown"), key=_RANK.__getitem__, default="ok")
    reason = _doubt(history.windows, late=late, labels=labels)
    if worst == "alarm" or (worst == "warn" and reason is None):
        since = min(view.since or newest.start for view in counted if view.state == worst)
        return ModelStanding(state=worst, since=since, series=tuple(views), reason=reason)
    return ModelStanding(state="unknown" if reason else "ok", series=tuple(views), reason=reason)


def _view(
    name: str, state: SeriesState, newest: WindowRecord, muted: MutedSeries | None, known: AbstractSet[str]
) -> SeriesView:
    point = newest.points.get(name)
    finding = point.finding if point is not None else _unlisted(name, newest)
    shown: State = state.state if name in known else "unknown"
    return SeriesView(series=name, state=shown, since=state.since, finding=finding, muted=muted)


def _doubt(windows: tuple[WindowRecord, ...], *, late: int, labels: bool) -> str | None:
    """Return why the newest windows do not tell; ``None`` if they do."""
    newest = windows[-1]
    if not newest.rows:
        last = next((record.start for record in reversed(windows) if record.rows), None)
        since = f"; the last rows are in the window of {last}" if last else ""
        return f"the log has no rows in the window of {newest.start}{since}"
    recent = windows[-(late + 1) :]
    if (unjudged := _newest_unjudged(recent)) is not None:
        return unjudged
    if all(point.finding == "unknown" for point in newest.points.values()):
        return f"the window of {newest.start} has too few rows to compare: {newest.rows:,}"
    gates = [point for record in recent for name, point in record.points.items() if is_of_gate(name)]
    if labels and len(recent) > late and gates and all(point.finding == "unknown" for point in gates):
        return f"no window since {recent[0].start} has enough labels, so the quality is not known"
    return None


def _newest_unjudged(recent: tuple[WindowRecord, ...]) -> str | None:
    """Return why the newest window can't be judged; an older one counts until a newer one's quality is known."""
    for record in reversed(recent):
        if record.unjudged is not None:
            return record.unjudged
        if any(point.finding != "unknown" for name, point in record.points.items() if is_of_gate(name)):
            return None
    return None
