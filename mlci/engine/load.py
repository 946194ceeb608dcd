"""From tables to one frame of arrays, in the evaluation set's row order, with every cell checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from mlci.engine import classes as naming
from mlci.engine import keys, sql, values
from mlci.engine.bind import Bound, Side, needs_decision, needs_values
from mlci.engine.blocks import each_block
from mlci.engine.coding import Coded, Known, code_column
from mlci.engine.interface import SliceColumn
from mlci.engine.offences import Place, bad_score
from mlci.engine.partition import Base, Partition
from mlci.engine.sql import Array
from mlci.engine.tables import Column, Table
from mlci.errors import InputError, Problem

_MOST_CLASSES = 1000


@dataclass(frozen=True)
class Model:
    """One model's predictions for every row: score (float64) and decision (class index), where it has them."""

    score: Array | None
    decision: Array | None


@dataclass(frozen=True)
class Frame:
    """All that reductions need.

    Attributes:
        rows: Rows of the evaluation set.
        weights: Rows that each element stands for; ``None`` for one each.
        labels: Class index of each element, or float64 for regression.
        classes: Names of the classes; empty for regression.
        partition: The slices.
        candidate: The candidate's predictions.
        baseline: The baseline's; ``None`` without one.
        cells: Label, baseline's and candidate's decision of each element, mixed into one code below ``width``; without
            decisions the label alone; ``None`` for regression.
        width: Number of such codes.
        notes: What the reader of the report should know.
        known: Columns of the evaluation set by name, as codes, for its fingerprint.
        each: Rows that each element of ``known`` stands for; ``None`` for one each.
    """

    rows: int
    weights: Array | None
    labels: Array
    classes: tuple[str, ...]
    partition: Partition
    candidate: Model
    baseline: Model | None
    cells: Array | None
    width: int
    notes: tuple[str, ...] = ()
    known: Mapping[str, Known] = field(default_factory=dict)
    each: Array | None = None

    @property
    def models(self) -> list[Model]:
        """The candidate, then the baseline if there is one."""
        return [self.candidate] if self.baseline is None else [self.candidate, self.baseline]


@dataclass(frozen=True)
class _Bin:
    """A slice column's SQL and the names of its codes."""

    expression: str
    names: tuple[str, ...]
    coded: Coded | None

    def final(self, raw: Array) -> Array:
        return sql.plain(raw) if self.coded is None else self.coded.final(raw)


def load(bound: Bound, *, threads: int | None) -> Frame:
    """Read and check everything that a job needs.

    Raises:
        InputError: With every offending cell's row and key, or keys that don't pair off.
    """
    return _Load(bound, threads).frame()


class _Load:
    def __init__(self, bound: Bound, threads: int | None) -> None:
        self.bound, self.job, self.threads = bound, bound.job, threads
        self.connection, self.table = bound.connection, bound.table
        self.problems: list[Problem] = []
        self.bins = [self._bin(base, column) for base, column in bound.bases]
        self.label = None if self.job.task == "regression" else self._code(self.table, bound.label)
        deciding = needs_decision(self.job)
        self.decided = [self._code(s.table, s.decision) if s.decision and deciding else None for s in bound.sides]
        self.stop()
        self.classes = self._classes()
        self.label_lut = self._lut(self.label, bound.label, bound.place(), "label") if self.label else None
        self.decision_luts = [
            self._lut(coded, side.decision, bound.place(side), "decision") if coded and side.decision else None
            for coded, side in zip(self.decided, bound.sides, strict=True)
        ]
        self.stop()

    def stop(self) -> None:
        if self.problems:
            raise InputError.of(dict.fromkeys(self.problems))

    # what the columns mean

    def _code(self, table: Table, column: Column) -> Coded | None:
        coded = code_column(self.connection, table, column, most=_MOST_CLASSES)
        if coded.whole:
            return coded
        said = f"{column.name!r} has more than {_MOST_CLASSES:,} different values; classes are expected here"
        self.problems.append(Problem(said, table.path))
        return None

    def _bin(self, base: SliceColumn, column: Column) -> _Bin:
        if base.cut is not None:
            return self._cut(column, base.cut)
        coded = code_column(self.connection, self.table, column, most=self.job.max_groups)
        if not coded.whole:
            said = (
                f"slice column {column.name!r} has more than {self.job.max_groups:,} groups; bin a number with `cut`, "
                "drop the slice, or raise evaluation.max_groups"
            )
            self.problems.append(Problem(said, self.table.path))
        names = [values.group(value) for value in coded.values] + [values.NULL_GROUP] * coded.has_null
        return _Bin(coded.expression, tuple(names), coded)

    def _cut(self, column: Column, edges: tuple[float, ...]) -> _Bin:
        value = column.as_float()
        if not column.is_number:
            wrong = f"{column.ref} IS NOT NULL AND {value} IS NULL"
            if self._any(self.table, wrong):
                said = f"{column.name!r} can't be cut: {{value!r}} is not a number"
                self.problems.append(self.bound.place().problem(column, wrong, said))
        cases = " ".join(f"WHEN {value} < {sql.number(edge)} THEN {code}" for code, edge in enumerate(edges))
        last = len(edges)
        sql_code = f"(CASE WHEN {value} IS NULL OR isnan({value}) THEN {last + 1} {cases} ELSE {last} END)::USMALLINT"
        shown = [values.form(values.number(float(edge))) for edge in edges]
        between = [f"{low}–{high}" for low, high in pairwise(shown)]
        return _Bin(sql_code, (f"< {shown[0]}", *between, f"≥ {shown[-1]}", values.NULL_GROUP), None)

    def _any(self, table: Table, condition: str) -> bool:
        found = self.connection.execute(f"SELECT 1 FROM {table.relation} WHERE {condition} LIMIT 1")  # noqa: S608 - quoted
        return found.fetchone() is not None

    def _classes(self) -> tuple[str, ...]:
        if self.label is None:
            return ()
        if self.job.task == "multiclass":
            return naming.multiclass(self.label.values, self.job.classes)
        decided = tuple(value for coded in self.decided if coded for value in coded.values)
        return naming.binary(
            self.label.values, decided,
            positive=self.job.positive, classes=self.job.classes, path=self.table.path, column=self.job.label,
        )  # fmt: skip

    def _lut(self, coded: Coded, column: Column, place: Place, what: str) -> Array:
        """Map a column's codes to classes; a value outside them, or null, is a problem."""
        found = naming.lookup(coded.values, self.classes)
        outside = [code for code, item in enumerate(found) if item is None]
        if outside:
            raw = ", ".join(str(code) for code in np.flatnonzero(np.isin(coded.lut, outside)))
            listed = ", ".join(repr(name) for name in self.classes[:8])
            said = f"{what} {column.name!r} is {{value!r}}, which is none of the classes {listed}"
            self.problems.append(place.problem(column, f"{coded.expression} IN ({raw})", said))
        if coded.has_null:
            null = f"{column.ref} IS NULL" + (f" OR isnan({column.as_float()})" if column.is_number else "")
            self.problems.append(place.problem(column, null, f"{what} {column.name!r} is null"))
        lut = np.array([0 if item is None else item for item in [*found, 0]], np.int32)
        return lut.astype(np.uint8) if len(self.classes) < 255 else lut

    # reading

    def frame(self) -> Frame:
        sides = self.bound.sides
        counted = not needs_values(self.job) and self.job.task != "regression" and not self.job.row_metrics
        if counted and not any(self.bound.joined(side) for side in sides):
            return self._from_cells()
        own = [self._side_columns(side, i) for i, side in enumerate(sides) if not self.bound.joined(side)]
        fetched = self._fetch(self.table, [*self._own_columns(), *(c for columns in own for c in columns)])
        models, notes = [], []
        index = None
        if self.bound.key is not None and not any(self.bound.joined(side) for side in sides):
            index = self._index(fetched)
        for i, side in enumerate(sides):
            if not self.bound.joined(side):
                models.append(self._model(side, i, fetched))
                continue
            if side.key is not None and self.bound.key is not None:
                index = index or self._index(fetched)
                models.append(self._joined(side, i, index))
            else:
                models.append(self._model(side, i, self._fetch(side.table, self._side_columns(side, i))))
                notes.append(f"{side.what} joined by position: neither table carries a key")
        self.stop()
        return self._frame(fetched, models, None, tuple(notes))

    def _frame(
        self, fetched: dict[str, Array], models: list[Model], weights: Array | None, notes: tuple[str, ...]
    ) -> Frame:
        labels = self._labels(fetched)
        self.stop()
        bases = [Base(one.final(fetched[f"s{i}"]), one.names) for i, one in enumerate(self.bins)]
        places = {base: i for i, (base, _) in enumerate(self.bound.bases)}
        slices = [(spec.name, tuple(places[column] for column in spec.columns)) for spec in self.job.slices]
        rows = self.table.rows
        cells, width = _cells(labels, models, self.classes)
        partition = Partition(
            bases,
            slices,
            weights=weights,
            max_groups=self.job.max_groups,
            path=self.table.path,
            inner=cells,
            width=width,
            threads=self.threads,
        )
        baseline = models[1] if len(models) > 1 else None
        coded = {
            column.name: Known(one.coded, base.codes)
            for one, base, (_, column) in zip(self.bins, bases, self.bound.bases, strict=True)
            if one.coded is not None
        }
        if self.label is not None:
            coded[self.bound.label.name] = Known(self.label, self.label.final(fetched["y"]))
        known, each = self._summary(coded, partition, weights)
        return Frame(
            rows, weights, labels, self.classes, partition, models[0], baseline, cells, width, notes, known, each
        )

    def _summary(
        self, coded: dict[str, Known], partition: Partition, weights: Array | None
    ) -> tuple[dict[str, Known], Array | None]:
        """Return the coded columns as few distinct rows with their counts, if no other column needs rows."""
        content = {column.name for column in self.table.columns} - self.bound.prediction_columns
        table = partition.table
        if weights is not None or table is None or self.label is None or self.label_lut is None or content - set(coded):
            return coded, weights
        by_label = table.reshape(len(table), len(self.classes), -1).sum(axis=2)
        packed, classes = np.nonzero(by_label)
        value_of = np.zeros(len(self.classes), np.int64)
        value_of[self.label_lut[:-1]] = np.arange(len(self.label_lut) - 1)
        digits = dict(zip((column.name for _, column in self.bound.bases), partition.digits(packed), strict=True))
        few = {name: Known(known.coded, digits[name]) for name, known in coded.items() if name in digits}
        few[self.bound.label.name] = few.get(self.bound.label.name) or Known(self.label, value_of[classes])
        return few, by_label[packed, classes]

    def _labels(self, fetched: dict[str, Array]) -> Array:
        if self.label is not None:
            return self.label.final(fetched["y"], lut=self.label_lut)
        return self._checked(fetched["y"], self.bound.label, self.bound.place(), probabilities=False)

    def _own_columns(self) -> list[str]:
        columns = [f"{one.expression} AS s{i}" for i, one in enumerate(self.bins)]
        columns.append(f"{self.label.expression if self.label else self.bound.label.as_float()} AS y")
        if self.bound.key is not None:
            columns.append(keys.columns_sql(self.bound.key, self._kind()))
        return columns

    def _kind(self) -> str:
        own = [self.bound.key] + [side.key for side in self.bound.sides if self.bound.joined(side)]
        return keys.kind_of([column for column in own if column is not None])

    def _side_columns(self, side: Side, index: int) -> list[str]:
        coded = self.decided[index]
        columns = [f"{coded.expression} AS d{index}"] if coded else []
        return [*columns, f"{side.score.as_float()} AS p{index}"] if self._scored(side) and side.score else columns

    def _scored(self, side: Side) -> bool:
        thresholded = needs_decision(self.job) and side.decision is None
        return side.score is not None and (needs_values(self.job) or self.job.task == "regression" or thresholded)

    def _fetch(self, table: Table, columns: list[str]) -> dict[str, Array]:
        return sql.fetch(self.connection, f"SELECT {', '.join(columns)} FROM {table.relation}")  # noqa: S608 - quoted

    def _model(self, side: Side, index: int, fetched: dict[str, Array], at: Array | None = None) -> Model:
        score = decision = None
        if self._scored(side) and side.score:
            checked = self._checked(
                fetched[f"p{index}"], side.score, self.bound.place(side), probabilities=self.job.probabilities
            )
            score = _gather(checked, at, self.threads)
        coded = self.decided[index]
        if coded is not None:
            decision = _gather(coded.final(fetched[f"d{index}"], lut=self.decision_luts[index]), at, self.threads)
        elif score is not None and needs_decision(self.job):
            decision = (score >= side.threshold).view(np.uint8)
        return Model(score, decision)

    def _checked(self, fetched: Array, column: Column, place: Place, *, probabilities: bool) -> Array:
        score = sql.plain(fetched)
        low, high = score.min(), score.max()
        fine = sql.nulls(fetched) is None and bool(np.isfinite(low) and np.isfinite(high))
        if not fine or (probabilities and (low < 0 or high > 1)):
            self._offend(column, place, probabilities=probabilities)
        return score

    def _offend(self, column: Column, place: Place, *, probabilities: bool) -> None:
        for condition, said in bad_score(column, probabilities=probabilities):
            if self._any(place.table, condition):
                self.problems.append(place.problem(column, condition, said))

    # joining

    def _keyed(self, side: Side | None = None) -> keys.Keyed:
        column = self.bound.key if side is None else side.key
        if column is None:
            raise AssertionError(side)  # only asked for with a key
        return keys.Keyed(self.table if side is None else side.table, column)

    def _index(self, fetched: dict[str, Array]) -> keys.Index:
        index = keys.Index(fetched, threads=self.threads)
        if not index.unique:
            raise self._unpaired()
        fetched.pop("k0")
        return index

    def _joined(self, side: Side, index: int, known: keys.Index) -> Model:
        key = keys.columns_sql(self._keyed(side).column, self._kind())
        fetched = self._fetch(side.table, [key, *self._side_columns(side, index)])
        at = known.rows(fetched)
        if at is None:
            raise self._unpaired()
        return self._model(side, index, fetched, at)

    def _unpaired(self) -> InputError:
        others = [
            (f"{side.what} prediction", self._keyed(side)) for side in self.bound.sides if self.bound.joined(side)
        ]
        return keys.diagnose(self.connection, self._keyed(), others, self._kind())

    # counting without rows

    def _from_cells(self) -> Frame:
        """Let the database count, where nothing but decisions of one table is needed."""
        if self.bound.key is not None:
            self._index(self._fetch(self.table, [keys.columns_sql(self.bound.key, self._kind())]))
        columns = [c for c in self._own_columns() if not c.endswith((" AS k0", " AS k1"))]
        checks: list[str] = []
        for i, side in enumerate(self.bound.sides):
            if self.decided[i] is not None:
                columns += self._side_columns(side, i)
            elif side.score is not None:
                value = side.score.as_float()
                columns.append(f"({value} >= {sql.number(side.threshold)}) AS d{i}")
                checks += [f"min({value}) AS lo{i}", f"max({value}) AS hi{i}", f"count({value}) AS n{i}"]
        query = f"SELECT {', '.join([*columns, *checks])}, count(*) AS n FROM {self.table.relation} GROUP BY "  # noqa: S608 - quoted
        fetched = sql.fetch(self.connection, query + ", ".join(str(i + 1) for i in range(len(columns))))
        models = [self._counted(side, i, fetched) for i, side in enumerate(self.bound.sides)]
        self.stop()
        return self._frame(fetched, models, fetched["n"], ())

    def _counted(self, side: Side, index: int, fetched: dict[str, Array]) -> Model:
        coded = self.decided[index]
        if coded is not None:
            return Model(None, coded.final(fetched[f"d{index}"], lut=self.decision_luts[index]))
        if side.score is None:
            return Model(None, None)
        low, high = sql.plain(fetched[f"lo{index}"]).min(), sql.plain(fetched[f"hi{index}"]).max()
        full = np.array_equal(fetched[f"n{index}"], fetched["n"])
        outside = self.job.probabilities and (low < 0 or high > 1)
        if not full or not np.isfinite(low) or not np.isfinite(high) or outside:
            self._offend(side.score, self.bound.place(side), probabilities=self.job.probabilities)
        return Model(None, sql.plain(fetched[f"d{index}"]).astype(np.uint8))


def _cells(labels: Array, models: list[Model], classes: tuple[str, ...]) -> tuple[Array | None, int]:
    """Mix label and decisions into one code; the baseline's stands before the candidate's."""
    if not classes:
        return None, 1
    decided = [model.decision for model in reversed(models) if model.decision is not None]
    decided = decided if len(decided) == len(models) else []
    width = int(len(classes) ** (1 + len(decided)))
    codes: Array = labels.astype(np.uint16 if width <= 1 << 16 else np.int64)
    for decision in decided:
        np.multiply(codes, codes.dtype.type(len(classes)), out=codes)
        np.add(codes, decision.astype(codes.dtype, copy=False), out=codes)
    return codes, width


def _gather(source: Array, rows: Array | None, threads: int | None) -> Array:
    """Bring another table's column into the evaluation set's order."""
    if rows is None:
        return source
    out = np.empty_like(source)

    def gather(part: slice) -> None:
        source.take(rows[part], out=out[part], mode="clip")  # "clip" writes to out without a buffer

    each_block(len(out), gather, threads)
    return out
