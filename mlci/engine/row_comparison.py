"""Comparison of tables by row: digests, shared rows, disagreements of predictions, and the largest changes of loss.

Rows of two evaluation sets are matched by the digest of their key. Without a key they are matched by their content,
label included, if that content occurs once in each set: rows of equal content can't be distinguished.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.cell_errors import CellLocation, ProblemCollector
from mlci.engine.encode.binder import BoundJob
from mlci.engine.fingerprint import add_column
from mlci.engine.in_memory.multiclass import log_losses
from mlci.engine.interface import Job, Source
from mlci.engine.join import Frame, ModelColumns
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.labelled_tables import open_table
from mlci.engine.tables.logical_types import ColumnCells, read_alike
from mlci.engine.tables.table import Table
from mlci.errors import InputError, Problem, count_noun
from mlci.lineage import rows
from mlci.lineage.rows import UNCERTAIN, Rows, expected_coincidences, mix_digests, unique_pairs
from mlci.metrics.row_changes import RowChange, RowChanges

_NAMED = 3
_OTHER_ROWS = (
    "Without a key, rows are the same if all other columns are. If these are different rows, name the column that "
    "identifies a row:\n    evaluation:\n      key: id\n"
)
MOST_NAMED = 10
"""Number of keys that are named."""


def row_digests(
    path: str, key: str | None, label: str | None, *, most: int = rows.MOST, in_order: bool = False
) -> Rows | None:
    """Return three digests for each row; ``None`` for a table of more than ``most`` rows.

    Cells are compared by value as in the fingerprint, in any format, and any order of rows and columns.

    Args:
        path: The evaluation set: path, glob or URL.
        key: Its key column, if there is one.
        label: Its label's column; ``None`` for a table without labels.
        most: Most rows.
        in_order: Keep the order of the table; without it, the order depends on content alone.

    Raises:
        InputError: if the table can't be read, or has no such column.
    """
    with sql.session() as (connection, scratch), sql.reading(path):
        table = open_table(connection, path, scratch)
        if table.rows > most:
            return None
        digests = digests_of_rows(connection, table, key, label)
        return replace(digests, in_order=True) if in_order else rows.sort_rows(digests)


def digests_of_rows(connection: duckdb.DuckDBPyConnection, table: Table, key: str | None, label: str | None) -> Rows:
    """Return the digests of an open table's rows, in its order."""
    kept = {name: table.column(name) for name in (key, label) if name is not None}
    rest = [column for column in table.columns if column.name not in kept]
    contents = column_digests(connection, table, rest)
    keys = contents if key is None else column_digests(connection, table, [kept[key]])
    labels = column_digests(connection, table, [kept[label]] if label is not None else [])
    nulls = _nulls(connection, table)
    return Rows(key=key, label=label, keys=keys, labels=labels, contents=contents, nulls=nulls)


def column_digests(connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[TableColumn]) -> rows.Digests:
    """Return a digest of some columns for each row, in the table's order."""
    state = np.zeros(table.rows, np.uint64)
    for column in columns:
        add_column(connection, table, column, state, None)
    return state


def _nulls(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """Count cells without a value, including NaN as in the fingerprint."""
    counted = [f"count(*) FILTER (WHERE {_empty(column)})" for column in table.columns]
    nulls = sql.first_row(connection, sql.select(counted, table.relation)) or ()
    return {column.name: int(number) for column, number in zip(table.columns, nulls, strict=True)}


def _empty(column: TableColumn) -> str:
    nan = f" OR {sql.is_nan(column.ref)}" if column.type == "DOUBLE" else ""
    return f"{column.ref} IS NULL{nan}"


@dataclass(frozen=True, kw_only=True)
class RestrictedJob:
    """A job on the rows that two evaluation sets share.

    Attributes:
        job: The job on the shared rows alone.
        rows: Number of shared rows.
        added: Rows of the candidate's set only.
        removed: Rows of the baseline's set only.
        changed: Shared rows with the same label and other values; ``None`` if the sets have other columns.
        repeated: Without a key, rows of the candidate's set that are excluded because their content occurs more than
            once in one of the sets; ``None`` with a key.
        coincidences: Without a key, how many shared rows are expected to be two rows that happen to be equal.
    """

    job: Job
    rows: int
    added: int
    removed: int
    changed: int | None
    repeated: int | None = None
    coincidences: float = 0.0


def share_rows(job: Job, own: Rows, folder: Path, *, in_own_order: bool) -> RestrictedJob:
    """Restrict a job to the rows that its evaluation set has in common with the baseline's own.

    Args:
        job: Both models' predictions and the candidate's evaluation set.
        own: The baseline's evaluation set by digests; in the order of its predictions if ``in_own_order``.
        folder: Folder for the restricted tables.
        in_own_order: Whether the baseline's predictions belong to ``own``, not to the rows of ``job.data``. It matters
            without a key only.

    Raises:
        InputError: if a table can't be read, if keys or labels are in other columns, or if labels differ.
    """
    with sql.session() as (connection, scratch), sql.reading(job.data):
        return _RowSharing(connection, job, own, scratch, folder).share(in_own_order=in_own_order)


@dataclass(frozen=True)
class _RowSharing:
    connection: duckdb.DuckDBPyConnection
    job: Job
    own: Rows
    scratch: Path
    folder: Path

    def share(self, *, in_own_order: bool) -> RestrictedJob:
        job, own = self.job, self.own
        table = open_table(self.connection, job.data, self.scratch)
        here = digests_of_rows(self.connection, table, job.key, job.label)
        if own.key != here.key or own.label not in {None, here.label}:
            raise InputError(Problem("keys or labels are in other columns than in the baseline's own rows", job.data))
        left, right = _identities(here), _identities(own)
        mine, theirs = unique_pairs(left, right)
        _refuse_repeated_keys(left, here.key, "the evaluation set", job.data)
        _refuse_repeated_keys(right, here.key, "the baseline's own evaluation set", job.data)
        repeated, others = _count_ambiguous(left, right), _count_ambiguous(right, left)
        coincidences = 0.0 if here.key is not None else expected_coincidences(left, right)
        # If content does not identify rows, all of them are refused, and labels may differ as the rows do.
        may_differ = expected_coincidences(here.keys, own.keys) if coincidences > UNCERTAIN * len(mine) else 0.0
        self._refuse_other_labels(table, here, mine, theirs, may_differ)
        same = here.contents[mine] == own.contents[theirs]
        alike = own.label is not None and set(here.nulls) == set(own.nulls)
        changed = int(np.count_nonzero(~same)) if alike else None
        self.folder.mkdir(parents=True, exist_ok=True)
        return RestrictedJob(
            job=self._restrict(table, mine, theirs if in_own_order else mine) if len(mine) else job,
            rows=len(mine),
            added=len(here) - len(mine) - repeated,
            removed=len(own) - len(theirs) - others,
            changed=changed,
            repeated=None if here.key is not None else repeated,
            coincidences=coincidences,
        )

    def _restrict(self, table: Table, mine: Array, theirs: Array) -> Job:
        """Write the shared rows and return the job on them; predictions in the evaluation set stay there."""
        job = self.job
        beside = [source for source in (job.candidate, job.baseline) if source is not None and source.path == job.data]
        kept = {
            job.key,
            job.label,
            job.cluster,
            job.weight,
            *(column.column for spec in job.slices for column in spec.columns),
        }
        kept |= {name for source in beside for name in source.names}
        kept |= set(table.names) if job.slice_search is not None else set()
        data = self._write_columns("evaluation", table, kept, mine)

        def restrict(name: str, source: Source, positions: Array) -> Source:
            path = data if source in beside else self._predictions(name, source, table, mine, positions)
            return replace(source, path=path)

        candidate = restrict("candidate", job.candidate, mine)
        baseline = None if job.baseline is None else restrict("baseline", job.baseline, theirs)
        return replace(job, data=data, candidate=candidate, baseline=baseline)

    def _predictions(self, name: str, source: Source, evaluation: Table, mine: Array, positions: Array) -> str:
        """Write one model's predictions for the shared rows, which are at ``mine`` in the evaluation set."""
        table = open_table(self.connection, source.path, self.scratch)
        if self.job.key is not None:
            keyed, key = self._keys_alike(self.job.key, evaluation, table)
            keys = column_digests(self.connection, evaluation, [keyed])[mine]
            own = column_digests(self.connection, table, [key])
            table = replace(table, columns=tuple(key if one.name == key.name else one for one in table.columns))
            positions = np.flatnonzero(np.isin(own, keys))
        elif len(positions) and int(positions.max()) >= table.rows:
            raise InputError(Problem(f"has {count_noun(table.rows, 'row')}, fewer than its rows need", source.path))
        return self._write_columns(f"{name}-predictions", table, {self.job.key, *source.names}, positions)

    def _keys_alike(self, name: str, *tables: Table) -> list[TableColumn]:
        """Return the keys of tables, read as one type."""
        problems = ProblemCollector()
        cells = [ColumnCells(CellLocation(self.connection, table, None), table.column(name)) for table in tables]
        keys = read_alike(cells, "key", problems)
        problems.stop()
        return keys

    def _write_columns(self, name: str, table: Table, kept: Iterable[str | None], positions: Array) -> str:
        """Write some columns of the rows at some positions, in the order of ``positions``."""
        chosen = [column for column in table.columns if column.name in set(kept)]
        target = self.folder / f"{name}.parquet"
        wanted = {"at": positions.astype(np.int64), "place": np.arange(len(positions), dtype=np.int64)}
        self.connection.register("wanted", wanted)
        try:
            cells = [f"{column.ref} AS w{i}" for i, column in enumerate(chosen)]
            listed = [f"w{i} AS {sql.quote_name(column.name)}" for i, column in enumerate(chosen)]
            numbered = sql.select([f"{table.row_number} AS row_at", *cells], table.relation)
            shared = f"({numbered}) AS numbered JOIN wanted ON numbered.row_at = wanted.at"
            query = sql.select(listed, shared, order_by="wanted.place")
            self.connection.execute(f"COPY ({query}) TO {sql.quote_text(str(target))} (FORMAT parquet)")
        finally:
            self.connection.unregister("wanted")
        return str(target)

    def _refuse_other_labels(self, table: Table, here: Rows, mine: Array, theirs: Array, may_differ: float) -> None:
        """Refuse rows of both sets whose labels differ; without a key, those whose other values occur once in each."""
        if self.own.label is None:
            return
        if here.key is None:
            mine, theirs = unique_pairs(here.keys, self.own.keys)
        at = mine[here.labels[mine] != self.own.labels[theirs]]
        if len(at) <= 2 * may_differ:
            return
        rows = ", ".join(self._name_row(table, int(position)) for position in at[:_NAMED])
        more = f" and {len(at) - _NAMED:,} more" if len(at) > _NAMED else ""
        path, line = table.place(int(at[0]))
        raise InputError(
            Problem(
                f"`{here.label}` differs from the baseline's own evaluation set in {count_noun(len(at), 'row')} of both"
                f": {rows}{more}. {_OTHER_ROWS if here.key is None else ''}Labels must not change together with the "
                "model: change them in a pull request of their own, or let `train.run` write the labels that the "
                "data holds",
                path,
                line,
            )
        )

    def _name_row(self, table: Table, position: int) -> str:
        if self.job.key is None:
            return f"row {table.place(position)[1]:,}"
        reference = table.column(self.job.key).ref
        query = sql.select(f"{reference}::VARCHAR", table.relation, where=f"{table.row_number} = {position}")
        key = sql.first_row(self.connection, query)
        return f"{self.job.key} {key[0] if key else '?'}"


def _identities(rows: Rows) -> Array:
    return rows.keys if rows.key is not None else mix_digests(rows.keys, rows.labels)


def _count_ambiguous(values: Array, others: Array) -> int:
    """Count elements that are in both sets and occur more than once in one of them."""
    return int(np.count_nonzero(np.isin(values, others))) - len(unique_pairs(values, others)[0])


def _refuse_repeated_keys(keys: Array, name: str | None, what: str, path: str) -> None:
    again = len(keys) - len(np.unique(keys))
    if name is not None and again:
        number = count_noun(again, "row")
        raise InputError(Problem(f"{number} of {what} repeat a value of `{name}`; a key identifies one row", path))


def count_disagreements(one: Source, other: Source, key: str, threshold: float | None) -> tuple[int, tuple[str, ...]]:
    """Count rows with different decisions, and name the first of them, by key.

    Args:
        one: Predictions of the same rows.
        other: Other predictions of these rows.
        key: The key column of both.
        threshold: A score at or above it decides for the positive class; ``None`` for a regression, where every other
            score is another decision.

    Raises:
        InputError: if a table can't be read.
    """
    with sql.session() as (connection, scratch), sql.reading(one.path, other.path):
        return _count(connection, (one, other), key, threshold, scratch)


def _count(
    connection: duckdb.DuckDBPyConnection,
    sources: tuple[Source, Source],
    key: str,
    threshold: float | None,
    scratch: Path,
) -> tuple[int, tuple[str, ...]]:
    parts = []
    for name, source in zip("ab", sources, strict=True):
        table = open_table(connection, source.path, scratch)
        cells = [f"{table.column(key).ref}::VARCHAR AS k", f"{_decision_sql(table, source, threshold)} AS d"]
        parts.append(f"({sql.select(cells, table.relation)}) AS {name}")
    pairs = f"{parts[0]} JOIN {parts[1]} ON a.k = b.k"
    other = "a.d IS DISTINCT FROM b.d"
    count = sql.first_row(connection, sql.select("count(*)", pairs, where=other))
    named = connection.execute(sql.select("a.k", pairs, where=other, order_by="a.k", limit=MOST_NAMED)).fetchall()
    return int(count[0]) if count else 0, tuple(str(row[0]) for row in named)


def _decision_sql(table: Table, source: Source, threshold: float | None) -> str:
    """SQL for a row's decision."""
    if source.decision is not None:
        return f"{table.column(source.decision).ref}::VARCHAR"
    if source.score is None:
        return _most_probable_sql(table, source.probabilities)
    score = table.column(source.score)
    if threshold is None:
        return score.as_float()
    own = score.nearest(source.threshold if source.threshold is not None else threshold)
    return f"{score.as_float()} >= {sql.float_literal(own)}"


def _most_probable_sql(table: Table, pairs: Sequence[tuple[str, str]]) -> str:
    """SQL for the class with the largest probability; of equal ones, the first."""
    cells = ", ".join(table.column(column).as_float() for _, column in pairs)
    names = ", ".join(sql.quote_text(name) for name, _ in pairs)
    return f"([{names}])[list_position([{cells}], greatest({cells}))]"


def find_row_changes(bound: BoundJob, frame: Frame, most: int) -> RowChanges | None:
    """Return at most ``most`` rows, those with the largest change; ``None`` without a baseline.

    The loss is the absolute error of a regression, the log loss of a probability for each class, the squared error of a
    single one, and else 1 for a wrong decision. Rows of equal change are chosen in the order of the evaluation set.

    Args:
        bound: The job.
        frame: Its columns, each element a row.
        most: Most rows.
    """
    found = row_losses(frame)
    if found is None:
        return None
    loss, before, after = found
    change = after - before
    order = np.argsort(-np.abs(change), kind="stable")[:most]
    chosen = order[change[order] != 0]
    chosen = chosen[np.argsort(-change[chosen], kind="stable")]
    keys = _keys(bound, chosen)
    return RowChanges(loss, tuple(_row(bound, frame, int(row), float(change[row]), keys) for row in chosen))


def row_losses(frame: Frame) -> tuple[str, Array, Array] | None:
    """Return the name of the loss, and that of both models for every row."""
    if frame.baseline is None:
        return None
    pair = (frame.baseline, frame.candidate)
    if not frame.classes:
        before, after = (np.abs(model.scores - frame.labels) for model in pair)
        return "absolute error", before, after
    if len(frame.classes) == 2 and all(map(_has_probabilities, pair)):
        before, after = ((model.scores - frame.labels) ** 2 for model in pair)
        return "squared error", before, after
    each = [model.probabilities for model in pair if model.probabilities is not None]
    if len(each) == len(pair):
        before, after = (log_losses(frame.labels, one) for one in each)
        return "log loss", before, after
    decided = [model.decision for model in pair if model.decision is not None]
    if len(decided) < len(pair):
        return None
    before, after = (np.where(decision == frame.labels, 0.0, 1.0) for decision in decided)
    return "wrong decision", before, after


def _has_probabilities(model: ModelColumns) -> bool:
    score = model.score
    return score is not None and float(score.min()) >= 0 and float(score.max()) <= 1


def _keys(bound: BoundJob, rows: Array) -> dict[int, str | None]:
    """Return the keys of some rows as text, by position; none without a key."""
    if bound.key is None or not len(rows):
        return {}
    number = bound.table.row_number
    where = f"{number} IN ({', '.join(map(str, rows.tolist()))})"
    query = sql.select([number, f"{bound.key.ref}::VARCHAR"], bound.table.relation, where=where)
    return {int(row): key for row, key in bound.connection.execute(query).fetchall()}


def _score(frame: Frame, model: ModelColumns, row: int) -> float | None:
    """Return a row's score, or the probability of its label."""
    if model.probabilities is not None:
        return float(model.probabilities[int(frame.labels[row]), row])
    return None if model.score is None else float(model.score[row])


def _row(bound: BoundJob, frame: Frame, row: int, change: float, keys: dict[int, str | None]) -> RowChange:
    partition, classes = frame.partition, frame.classes
    groups = {
        spec.name: partition.groups[index][int(partition.codes(index)[row])]
        for index, spec in enumerate(bound.job.slices)
    }
    scores = [_score(frame, model, row) for model in frame.models]
    decisions = [None if model.decision is None else classes[int(model.decision[row])] for model in frame.models]
    return RowChange(
        row=row + 1,
        key=keys.get(row),
        slices=groups,
        label=classes[int(frame.labels[row])] if classes else f"{float(frame.labels[row]):.15g}",
        candidate_score=scores[0],
        baseline_score=scores[1],
        candidate_decision=decisions[0],
        baseline_decision=decisions[1],
        change=change,
    )
