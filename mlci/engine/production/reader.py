"""Read a production log: windows, samples of each column beside the evaluation set, and rows with labels."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.production import columns as counting
from mlci.engine.production import tables
from mlci.engine.production.columns import CountedCells, Counts, Watched
from mlci.engine.production.job import ColumnRole, PredictionColumnPair, ProductionJob, WindowCount
from mlci.engine.production.tables import LogTable, NamedRelation
from mlci.engine.tables.files import PARQUET, suffix_of
from mlci.errors import InputError, Problem, list_names


@dataclass(frozen=True)
class GroupCells:
    """Counts of one column in one group of a slice, in the evaluation set and by window."""

    slice: str
    group: str
    reference: Counts
    windows: Mapping[str, Counts]


@dataclass(frozen=True)
class WatchedCells:
    """One watched column.

    Attributes:
        name: Its name in the log.
        role: ``feature`` or ``prediction``.
        kind: ``number`` or ``category``.
        reference: Cells of the evaluation set, or of the version's predictions.
        windows: Cells of the log, by window; empty if the log does not have the column.
        groups: The same by group.
    """

    name: str
    role: ColumnRole
    kind: str
    reference: CountedCells
    windows: Mapping[str, CountedCells]
    groups: tuple[GroupCells, ...] = ()


@dataclass
class ProductionLog:
    """An open log."""

    connection: duckdb.DuckDBPyConnection
    job: ProductionJob
    log: LogTable
    reference: NamedRelation
    predictions: NamedRelation | None
    matched: bool
    notes: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> tuple[PredictionColumnPair, ...]:
        """The columns of predictions that the log has.

        Raises:
            InputError: if it lacks a required one, or has none.
        """
        there = tuple(pair for pair in self.job.pairs if pair.log in self.log.columns)
        lacks = [pair.log for pair in self.job.pairs if pair not in there and (pair.required or not there)]
        if lacks:
            names = list_names(list(self.log.columns))
            message = (
                f"has no column {list_names(lacks)} with predictions; there are {names}. Name the log's columns: "
                "`monitor: {score: …}` or `monitor: {decision: …}`"
            )
            raise InputError(Problem(message, self.log.path, setting=("monitor",)))
        return there

    def windows(self) -> list[WindowCount]:
        """Return the windows that have rows, oldest first."""
        labelled = f"count({self.log.label.ref})" if self.log.label is not None else "0"
        query = sql.select(["w", "count(*)", labelled], self.log.relation, group_by="w", order_by="w")
        return [
            WindowCount(start=start, rows=rows, labelled=labels)
            for start, rows, labels in self.connection.execute(query).fetchall()
        ]

    def columns(self) -> Iterator[WatchedCells]:
        """Yield every watched column: predictions first, then features in the order of the evaluation set."""
        for pair in self.pairs:
            if self.predictions is not None:
                yield from self._column(self.predictions, pair.log, "prediction", sliced=self.matched)
        for name in self._features():
            yield from self._column(self.reference, name, "feature", sliced=True)

    def _features(self) -> list[str]:
        """Return the names of the features.

        Raises:
            InputError: if the configuration names a column that the evaluation set does not have.
        """
        taken = self.job.left_out | {self.job.time}
        taken |= {name for pair in self.job.pairs for name in (pair.log, pair.reference)}
        chosen = self.job.columns
        if chosen is None:
            known = [name for name in self.reference.columns if name not in taken]
            absent = [name for name in known if name not in self.log.columns]
            if absent:
                self.notes.append(f"the log does not have {list_names(absent)} of the evaluation set")
            return [name for name in known if name in self.log.columns]
        if unknown := [name for name in chosen if name not in self.reference.columns]:
            message = f"has no column {list_names(unknown)}, which `monitor.columns` names"
            raise InputError(Problem(message, self.reference.path, setting=("monitor", "columns")))
        return list(chosen)

    def _column(self, table: NamedRelation, name: str, role: ColumnRole, *, sliced: bool) -> Iterator[WatchedCells]:
        watched = counting.watch_column(self.connection, table, name)
        if isinstance(watched, str):
            self.notes.append(f"column {name!r} is not watched: {watched}")
            return
        reference = counting.count_all(self.connection, table, watched)
        if name not in self.log.columns:
            yield WatchedCells(name, role, watched.kind, reference, {})
            return
        windows = counting.count_by_window(self.connection, self.log, watched)
        groups = tuple(self._groups(table, watched)) if sliced else ()
        yield WatchedCells(name, role, watched.kind, reference, windows, groups)

    def _groups(self, table: NamedRelation, watched: Watched) -> Iterator[GroupCells]:
        for spec in self.job.slices:
            named = {part.column for part in spec.columns}
            if watched.name in named or not named <= set(table.columns) or not named <= set(self.log.columns):
                continue
            reference = counting.count_groups(self.connection, table, watched, spec, by="'all'")
            if len(reference) > self.job.max_groups:
                continue
            found = counting.count_groups(self.connection, self.log, watched, spec)
            for (_, group), counts in sorted(reference.items()):
                windows = {window: own for (window, name), own in found.items() if name == group}
                yield GroupCells(spec.name, group, counts, windows)

    def write_labelled(self, start: str, target: Path, keep: Sequence[str]) -> bool:
        """Write the rows of a window that have a label to a Parquet file; return whether there are any.

        Args:
            start: The window.
            target: The file; its label column is :data:`mlci.engine.production.tables.LABEL`.
            keep: Columns to write besides.
        """
        if self.log.label is None:
            return False
        kept = [f"{self.log.columns[name].ref} AS {sql.quote_name(name)}" for name in keep if name in self.log.columns]
        where = f"w = {sql.quote_text(start)} AND {tables.LABEL} IS NOT NULL"
        query = sql.select([*kept, f"{self.log.label.ref} AS {tables.LABEL}"], self.log.relation, where=where)
        rows = sql.copied_rows(self.connection, f"COPY ({query}) TO {sql.quote_text(str(target))} (FORMAT parquet)")
        return rows > 0

    def write_windows(self, starts: Sequence[str], target: Path) -> list[str]:
        """Write the rows of windows to a Parquet file, without labels of a table of their own; return their columns.

        Args:
            starts: The windows.
            target: The file: the window ``w``, the position in the log, and a column ``v0``, ``v1``, … for each name.
        """
        cells = ["w", tables.POSITION, *(column.ref for column in self.log.columns.values())]
        query = sql.select(cells, self.log.relation, where=f"list_contains({sql.quote_list(starts)}, w)")
        self.connection.execute(f"COPY ({query}) TO {sql.quote_text(str(target))} (FORMAT parquet)")
        return list(self.log.columns)


@contextlib.contextmanager
def open_production(job: ProductionJob) -> Iterator[ProductionLog]:
    """Open a log and the evaluation set beside it.

    Raises:
        InputError: if a file can't be read, or a column is missing.
    """
    late = [path for path in (job.data, job.reference) if suffix_of(path) in PARQUET] or [job.data, job.reference]
    with sql.session() as (connection, scratch), sql.reading(*late):
        log = tables.open_log(connection, job, scratch)
        reference = tables.open_reference(connection, job, scratch)
        predictions, matched = tables.open_predictions(connection, job, scratch)
        notes = [f"{log.untimed:,} rows of the log have no readable time"] if log.untimed else []
        if log.repeated:
            shown = (job.labels.key if job.labels else None) or job.key
            notes.append(f"{log.repeated:,} rows of the log repeat the {shown!r} of another row, and count each time")
        yield ProductionLog(connection, job, log, reference, predictions, matched, notes)
