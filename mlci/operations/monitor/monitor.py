"""``mlci monitor`` from top to bottom: version, log, windows, findings, history, state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlci.config.lifecycle.monitor import Monitor
from mlci.engine.interface import Source
from mlci.engine.production.job import LabelSource, PredictionColumnPair, ProductionJob, WindowCount
from mlci.engine.production.reader import ProductionLog, WatchedCells, open_production
from mlci.engine.production.tables import LABEL
from mlci.engine.tables.table_path import table_path
from mlci.errors import InputError, Problem, count_noun, list_names
from mlci.monitor.column_findings import ColumnLimits, broken_predictions, check_cells, judge_drift
from mlci.monitor.findings import CheckRow, DriftRow, QualityRow, WindowFindings, in_doubt
from mlci.monitor.history import (
    ModelStanding,
    MonitorHistory,
    MutedSeries,
    SeriesState,
    WindowRecord,
    add_windows,
    assess,
    is_of_gate,
    record_of,
    replay,
)
from mlci.monitor.label_classes import lacking_classes, without_lacking
from mlci.monitor.quality import QualityLimits, ScopedResult, judge_quality, value_rows
from mlci.monitor.samples import CategoryPair, CellCounts, ColumnSample, NumberPair, Pair
from mlci.operations import evaluation_plan
from mlci.operations.context import RowsContext, registry_of, resolve_path
from mlci.operations.monitor.own_schema import SchemaFindings, judge_schema
from mlci.operations.monitor.records import keep_history, read_history
from mlci.operations.monitor.reference import ProductionVersion, find_production, measure_rows, monitored_rules
from mlci.operations.monitor.windows import window_end, window_of, windows_between

_NOTHING = ScopedResult.empty()
_NO_SCHEMA = SchemaFindings()


@dataclass(frozen=True, kw_only=True)
class MonitorResult:
    """Result of one run.

    Attributes:
        history: All windows that the registry keeps.
        standing: The state now.
        findings: Windows that this run judged, oldest first.
        entry: Number of the ledger's entry; ``None`` if nothing changed.
        version: The version in production.
        notes: Remarks on what was left out.
    """

    history: MonitorHistory
    standing: ModelStanding
    findings: tuple[WindowFindings, ...]
    entry: int | None
    version: int
    notes: tuple[str, ...] = ()


def monitor_production(context: RowsContext, settings: Monitor, *, now: str) -> MonitorResult:
    """Judge all complete windows that the registry does not have yet, and those whose labels arrived since.

    Args:
        context: Run context with the registry.
        settings: The section ``monitor``.
        now: Time in UTC; windows that end later are not complete.

    Raises:
        InputError: if nothing was promoted, or a file or a column can't be read.
        OutsideError: if the registry can't be reached.
    """
    registry = registry_of(context)
    view = registry.view()
    production, history = find_production(context, view), read_history(view)
    number, until = production.version.number, window_of(now, settings.window)
    context.say(f"monitor: version {number} of {view.shown}")
    job = _job(context, settings, production, history, until=until)
    with open_production(job) as log:
        log.notes.extend(_lacking_labels(settings, log))
        counts = {one.start: one for one in log.windows()}
        again = log.log.is_untimed
        starts = _pending(counts, history, settings, until=until, version=number, again=again)
        found = tuple(_WindowJudge(context, settings, production, log).judge(counts, starts)) if starts else ()
    records = _records(found, history, settings)
    kept, entry = keep_history(
        registry,
        partial(add_windows, records=records, keep=settings.keep, patience=settings.patience),
        version=number,
        assessed=lambda after: assess_history(after, settings, today=context.today),
    )
    standing = assess_history(kept, settings, today=context.today)
    return MonitorResult(
        history=kept, standing=standing, findings=found, entry=entry, version=number, notes=tuple(log.notes)
    )


def assess_history(history: MonitorHistory, settings: Monitor, *, today: str) -> ModelStanding:
    """Return the state after the newest window, under the mutes that are in force."""
    names = {*history.before, *(name for record in history.windows for name in record.points)}
    return assess(
        history,
        muted=muted_series(settings, names, today=today),
        patience=settings.patience,
        late=settings.late,
        labels=any(is_of_gate(name) for record in history.windows for name in record.points),
    )


def muted_series(settings: Monitor, names: set[str], *, today: str) -> dict[str, MutedSeries]:
    """Return the series that are muted today."""
    found: dict[str, MutedSeries] = {}
    for mute in settings.mute:
        if today > mute.until:
            continue
        own = MutedSeries(until=mute.until, reason=mute.reason)
        if mute.column is not None:
            found |= {name: own for name in names if f"[{mute.column}]" in name or f"[{mute.column}," in name}
        else:
            gate = str(mute.gate)
            found |= {name: own for name in names if name == gate or name.startswith((f"{gate}.", f"{gate}["))}
    return found


def _job(
    context: RowsContext, settings: Monitor, production: ProductionVersion, history: MonitorHistory, *, until: str
) -> ProductionJob:
    evaluation = context.config.evaluation
    key = settings.key or evaluation.key
    label = settings.label or evaluation.label
    labels = LabelSource(label=label)
    if settings.labels is not None:
        path = table_path(resolve_path(settings.labels, context.folder), table=settings.labels_table)
        labels = LabelSource(label=label, path=path, key=key)
    recent = history.windows[-max(settings.late, 1) :]
    return ProductionJob(
        data=table_path(resolve_path(settings.data, context.folder), table=settings.table),
        time=settings.time,
        unit=settings.window,
        reference=context.data,
        predictions=production.source.path,
        pairs=_pairs(settings, production),
        columns=settings.columns,
        left_out=frozenset(filter(None, (evaluation.key, evaluation.label, key, label))),
        slices=evaluation_plan.engine_slices(context.config),
        key=evaluation.key,
        labels=labels,
        max_groups=evaluation.max_groups,
        since=recent[0].start if recent else None,
        until=until,
    )


def _lacking_labels(settings: Monitor, log: ProductionLog) -> Iterator[str]:
    """Yield a note if no labels can be read, so that the quality is not judged.

    Raises:
        InputError: if the configuration names a column of the log that it does not have.
    """
    if log.log.label is not None or log.job.labels is None:
        return
    label = log.job.labels.label
    if settings.labels is not None:
        yield f"{settings.labels} has no rows yet, or does not exist; without labels the quality is not judged"
    elif settings.label is None:
        yield (
            f"the log has no column {label!r} with labels and `monitor.labels` names no table, so drift is compared, "
            "and the quality is not judged"
        )
    else:
        message = f"has no column {label!r} with labels; there are {list_names(list(log.log.columns))}"
        raise InputError(Problem(message, log.log.path, setting=("monitor", "label")))


def _pairs(settings: Monitor, production: ProductionVersion) -> tuple[PredictionColumnPair, ...]:
    """Return the columns of predictions in both tables; a column that the configuration names must exist."""
    own = production.predictions
    named = [(own.score, settings.score), (own.decision, settings.decision)]
    pairs = [
        PredictionColumnPair(reference=reference, log=log or reference, required=log is not None)
        for reference, log in named
        if reference is not None
    ]
    pairs += [
        PredictionColumnPair(reference=one, log=one, required=False) for one in (own.probabilities or {}).values()
    ]
    return tuple(pairs)


def _pending(
    counts: Mapping[str, WindowCount],
    history: MonitorHistory,
    settings: Monitor,
    *,
    until: str,
    version: int,
    again: bool,
) -> list[str]:
    """Return the windows to judge: new ones, gaps included, and recorded ones that changed or could not be judged.

    With ``again``, all recorded ones that the log has.
    """
    known = {record.start: record for record in history.windows}
    first = window_end(history.windows[-1].start, settings.window) if history.windows else min(counts, default=until)
    fresh = list(windows_between(first, until, settings.window))[-settings.keep :]
    changed = [
        start
        for start, record in known.items()
        if (one := counts.get(start)) is not None
        and (again or record.unjudged is not None or (one.rows, one.labelled) != (record.rows, record.labelled))
        and record.version == version
    ]
    return sorted({*changed, *fresh})


def _records(found: Sequence[WindowFindings], history: MonitorHistory, settings: Monitor) -> tuple[WindowRecord, ...]:
    """Return the records of the windows; a group that was beyond its limit is kept also where it is not known."""
    states: Mapping[str, SeriesState] = replay(history.windows, before=history.before, patience=settings.patience)
    noted = {*states, *(row.series for one in found for row in one.drift if row.finding == "bad")}
    return tuple(record_of(one, noted=noted) for one in found)


class _WindowJudge:
    """Judges the windows of an open log against one version."""

    def __init__(
        self, context: RowsContext, settings: Monitor, production: ProductionVersion, log: ProductionLog
    ) -> None:
        """Measure the reference once."""
        self._context, self._settings, self._production, self._log = context, settings, production, log
        self._rules = monitored_rules(context.config)
        policy = context.config.policy
        self._limits = ColumnLimits(
            thresholds=settings.thresholds.model_dump(),
            min_rows=settings.min_rows,
            confidence=policy.confidence,
            seed=policy.seed,
        )
        expected = settings.labels is not None or log.log.label is not None
        self._reference = measure_rows(context, production.source, data=context.data) if expected else None

    def judge(self, counts: Mapping[str, WindowCount], starts: Sequence[str]) -> Iterator[WindowFindings]:
        """Yield the findings of each window."""
        columns = list(self._log.columns())
        schema = judge_schema(self._context, self._settings, self._log, [one for one in starts if one in counts])
        for start in starts:
            yield self._window(counts.get(start, WindowCount(start=start, rows=0, labelled=0)), columns, schema)

    def _window(
        self, window: WindowCount, columns: Sequence[WatchedCells], schema: Mapping[str, SchemaFindings]
    ) -> WindowFindings:
        samples = [sample for column in columns for sample in _samples(column, window.start)]
        drift: list[DriftRow] = []
        checks: list[CheckRow] = []
        if window.rows:
            drift = [judge_drift(sample, self._limits) for sample in samples]
            checks = [row for one in samples if one.slice is None for row in check_cells(one, self._limits)]
        labelled, unjudged = self._labelled(window)
        broken = broken_predictions(
            samples, checks, task=self._context.config.task, start=window.start, measured=labelled is not None
        )
        own = schema.get(window.start, _NO_SCHEMA)
        reference = self._reference
        if broken is not None:  # metrics of broken predictions are not evidence, and must not alarm
            labelled = None
        quality, lacking = self._quality(window, labelled)
        unjudged = broken or unjudged or lacking or own.unjudged
        found = WindowFindings(
            start=window.start,
            end=window_end(window.start, self._settings.window),
            version=self._production.version.number,
            rows=window.rows,
            labelled=window.labelled,
            drift=tuple(drift),
            checks=tuple(checks),
            pandera=own.rows,
            quality=quality,
            metrics=value_rows(labelled.result if labelled else None, reference.result) if reference else (),
            notes=tuple(dict.fromkeys(filter(None, (unjudged, own.unjudged, *own.notes)))),
            unjudged=unjudged,
        )
        untimed = self._untimed() if window.rows else None
        return found if untimed is None else in_doubt(found, untimed)

    def _quality(self, window: WindowCount, labelled: ScopedResult | None) -> tuple[tuple[QualityRow, ...], str | None]:
        """Judge the gates; return why some are not known although there are enough labels."""
        reference, fewest = self._reference, self._settings.min_rows
        if reference is None:
            return (), None
        limits = QualityLimits(confidence=self._settings.confidence, min_rows=fewest)
        quality = judge_quality(self._rules, labelled or _NOTHING, reference, limits)
        lacks = lacking_classes(labelled, reference) if labelled is not None else ()
        if not lacks:
            return quality, None
        reason = (
            f"the quality of {window.start} is not known: none of its {count_noun(window.labelled, 'row')} with labels "
            f"is of the class {list_names(list(lacks))}, which the evaluation set has; usually only labels of some "
            "classes are reported. Add the labels of all rows, or of a random sample of them"
        )
        judged = without_lacking(quality, reason)
        return judged, reason if judged != quality and window.labelled >= fewest else None

    def _untimed(self) -> str | None:
        """Return why it is not known which rows a window has; ``None`` if nearly all rows have a time."""
        log = self._log.log
        if not log.is_untimed:
            return None
        return (
            f"{log.untimed:,} of {count_noun(log.source.rows, 'row')} of the log have no readable time in "
            f"{self._settings.time!r}, so it is not known which rows a window has. Write the time of each row"
        )

    def _labelled(self, window: WindowCount) -> tuple[ScopedResult | None, str | None]:
        """Measure the rows of a window that have labels; of rows that can't be judged, return why."""
        if not window.labelled or self._reference is None:
            return None, self._log.log.unlabelled if window.rows else None
        source = self._source(self._context.scratch / "window.parquet")
        sliced = {part.column for spec in self._log.job.slices for part in spec.columns}
        self._log.write_labelled(window.start, Path(source.path), sorted({*source.names, *sliced}))
        present = frozenset(sliced & set(self._log.log.columns))
        decisions = self._reference.result.classes
        try:
            measured = measure_rows(
                self._context, source, data=source.path, label=LABEL, slices=present, classes=decisions
            )
        except InputError as error:
            why = "; ".join(self._describe(problem.message) for problem in error.problems)
            return None, f"the quality of {window.start} is not known: {why}"
        return measured, None

    def _describe(self, message: str) -> str:
        """Return an error of measuring; one about labels names their file, and asks for the evaluation set's values."""
        if LABEL not in message:
            return message
        settings, evaluation = self._settings, self._context.config.evaluation
        label, where = settings.label or evaluation.label, settings.labels or settings.data
        cause = message.partition(";")[0].replace(repr(LABEL), f"{label!r} of {where}").replace(LABEL, str(label))
        return f"{cause}; write the labels as {evaluation.data} has them in {evaluation.label!r}"

    def _source(self, path: Path) -> Source:
        """Return the log's predictions, for the engine."""
        own, named = self._production.source, {pair.reference: pair.log for pair in self._log.pairs}
        return Source(
            path=str(path),
            score=named.get(own.score or ""),
            decision=named.get(own.decision or ""),
            threshold=own.threshold,
            probabilities=tuple((name, named[one]) for name, one in own.probabilities if one in named),
        )


def _samples(column: WatchedCells, start: str) -> Iterator[ColumnSample]:
    """Yield the samples of a column in one window: all rows first, then its groups."""
    before = CellCounts(rows=column.reference.rows, nulls=column.reference.nulls, invalid=column.reference.invalid)
    cells = column.windows.get(start)
    if cells is None:
        if not column.windows:
            none = CellCounts(rows=0)
            yield ColumnSample(column=column.name, role=column.role, pair=None, reference=before, window=none)
        return
    yield ColumnSample(
        column=column.name,
        role=column.role,
        pair=_pair(column.reference.counts, cells.counts),
        reference=before,
        window=CellCounts(rows=cells.rows, nulls=cells.nulls, invalid=cells.invalid),
    )
    for group in column.groups:
        if start in group.windows:
            yield ColumnSample(
                column=column.name,
                role=column.role,
                pair=_pair(group.reference, group.windows[start]),
                reference=before,
                window=before,
                slice=group.slice,
                group=group.group,
            )


def _pair(reference: object, window: object) -> Pair:
    if isinstance(reference, tuple) and isinstance(window, tuple):
        return NumberPair.of(reference, window)
    if isinstance(reference, Mapping) and isinstance(window, Mapping):
        return CategoryPair.of(reference, window)
    raise TypeError(reference)
