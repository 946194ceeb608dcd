"""Encoded columns of a job: slices with their bins, classes of labels and decisions."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mlci.engine import sql
from mlci.engine.cell_errors import CellLocation, ProblemCollector
from mlci.engine.encode import classes as naming
from mlci.engine.encode.binder import BoundJob, BoundPredictions, needs_decision
from mlci.engine.encode.dictionary import DictionaryColumn, code_column
from mlci.engine.interface import SliceColumn
from mlci.engine.sql import Array
from mlci.engine.tables import cell_values
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table
from mlci.errors import Problem, shorten_cell, yaml_value


@dataclass(frozen=True)
class Bins:
    """One slice column: SQL for a cell's code, the codes' names, and the dictionary of a column without bins."""

    expression: str
    names: tuple[str, ...]
    coded: DictionaryColumn | None

    def final(self, raw: Array) -> Array:
        """Convert fetched codes to indices of ``names``."""
        return sql.without_mask(raw) if self.coded is None else self.coded.final(raw)


def bins_of(bound: BoundJob, base: SliceColumn, column: TableColumn, problems: ProblemCollector) -> Bins:
    """Return how a column partitions the rows; problems are added to ``problems``."""
    if base.cut is not None:
        return _cut_bins(bound, column, base.cut, problems)
    most = bound.job.max_groups
    coded = code_column(bound.connection, bound.table, column, most=most)
    if not coded.whole:
        message = f"slice column {column.name!r} has more than {most:,} groups; {_fewer_groups_remedy(bound, column)}"
        problems.add(Problem(message, bound.table.path, remedy=("evaluation", "slices", column.name)))
    names = [cell_values.group_name(value) for value in coded.values] + [cell_values.NULL_GROUP] * coded.has_null
    return Bins(coded.expression, tuple(names), coded)


def _fewer_groups_remedy(bound: BoundJob, column: TableColumn) -> str:
    """Return the remedy for too many groups: edges at the quartiles of a number, or another limit."""
    edges = sorted(set(bound.table.quartiles(bound.connection, column.as_float(), column.ref) or ()))
    if not edges or not all(map(math.isfinite, edges)):
        return "drop the slice, or raise `max_groups` under `evaluation`"
    listed = ", ".join(cell_values.cell_text(cell_values.as_number(float(edge))) for edge in edges)
    return f"bin the number, such as `{{column: {yaml_value(column.name)}, cut: [{listed}]}}`, or raise `max_groups`"


def _cut_bins(bound: BoundJob, column: TableColumn, edges: tuple[float, ...], problems: ProblemCollector) -> Bins:
    """Bin a number: bins include their lower edge, NaN and null share a group."""
    value = column.as_float()
    if not column.is_number:
        wrong = f"{column.ref} IS NOT NULL AND {value} IS NULL"
        if bound.table.exists(bound.connection, wrong):
            message = f"{column.name!r} can't be cut: {{value!r}} is not a number"
            hint = f"; write `{yaml_value(column.name)}` without `cut`"
            problem = bound.place().problem(column, wrong, message, hint=hint)
            problems.add(replace(problem, remedy=("evaluation", "slices", column.name)))
    own = [sql.float_literal(column.nearest(edge)) for edge in edges]
    cases = " ".join(f"WHEN {value} < {edge} THEN {code}" for code, edge in enumerate(own))
    last = len(edges)
    code = f"(CASE WHEN {value} IS NULL OR isnan({value}) THEN {last + 1} {cases} ELSE {last} END)::USMALLINT"
    shown = [cell_values.cell_text(cell_values.as_number(float(edge))) for edge in edges]
    between = [f"{low}–{high}" for low, high in pairwise(shown)]
    return Bins(code, (f"< {shown[0]}", *between, f"≥ {shown[-1]}", cell_values.NULL_GROUP), None)


_CLASSES = ("evaluation", "classes")
_MOST_CLASSES = 1000
_MOST_WRITTEN = 20
"""Most classes that a line to paste lists."""


@dataclass(frozen=True)
class ClassColumn:
    """A column of classes: its dictionary, and the class of each code (null's last, and never used)."""

    coded: DictionaryColumn
    lut: Array

    def final(self, raw: Array) -> Array:
        """Convert fetched codes to indices of the classes."""
        return self.coded.final(raw, lut=self.lut)

    def values_of(self, classes: int) -> Array:
        """Return the final code of each class's value."""
        codes = np.zeros(classes, np.int64)
        codes[self.lut[:-1]] = np.arange(len(self.lut) - 1)
        return codes


@dataclass(frozen=True)
class EncodedColumns:
    """Encodings of a job's columns, read before the rows.

    Attributes:
        bins: Bins of each slice column, in the order of :attr:`mlci.engine.encode.binder.BoundJob.bases`.
        classes: Names of the classes; empty for regression.
        label: The label's classes; ``None`` for regression.
        decisions: Each model's decision; ``None`` if no such column is read.
        notes: Lines for the report.
        tie_order: Class indices in the order in which equal probabilities are decided.
    """

    bins: tuple[Bins, ...]
    classes: tuple[str, ...]
    label: ClassColumn | None
    decisions: tuple[ClassColumn | None, ...]
    notes: tuple[str, ...] = ()
    tie_order: tuple[int, ...] = ()


def encode_columns(bound: BoundJob) -> EncodedColumns:
    """Read the distinct values of a job's columns.

    Raises:
        InputError: if there are too many values, cells outside the classes, or no way to choose the positive class.
    """
    job, problems = bound.job, ProblemCollector()
    bins = tuple(bins_of(bound, base, column, problems) for base, column in bound.bases)
    label = None if job.labels_are_numbers else _code(bound, bound.table, bound.label, problems)
    deciding = needs_decision(job)
    decided = [
        _code(bound, model.table, model.decision, problems) if model.decision and deciding else None
        for model in bound.models
    ]
    if label and not label.values:
        problems.add(_null_problem(bound.label, bound.place(), "label"))
    if label and job.task == "binary" and len(label.values) > 2:
        problems.add(_too_many_labels(label, bound.label, bound.place()))
    problems.stop()
    classes = _classes(bound, label, decided)
    labelled = _class_column(label, bound.label, classes, bound.place(), problems, "label", bound) if label else None
    decisions = tuple(
        _class_column(coded, model.decision, classes, bound.place(model), problems, "decision", bound)
        if coded and model.decision
        else None
        for coded, model in zip(decided, bound.models, strict=True)
    )
    for model in bound.models:
        problems.add(*_misnamed_probabilities(model, classes))
    problems.stop()
    order = tuple(map(classes.index, naming.tie_order(classes, job.classes)))
    return EncodedColumns(bins, classes, labelled, decisions, (), order)


def _code(bound: BoundJob, table: Table, column: TableColumn, problems: ProblemCollector) -> DictionaryColumn | None:
    coded = code_column(bound.connection, table, column, most=_MOST_CLASSES)
    if coded.whole:
        return coded
    message = f"{column.name!r} has more than {_MOST_CLASSES:,} different values; classes are expected here"
    problems.add(Problem(message, table.path))
    return None


def _classes(
    bound: BoundJob, label: DictionaryColumn | None, decided: list[DictionaryColumn | None]
) -> tuple[str, ...]:
    job = bound.job
    if label is None:
        return ()
    if job.task == "multiclass":
        probable = tuple(name for model in bound.models[:1] for name in model.probabilities)
        return naming.multiclass_classes(label.values, job.classes or probable or None)
    return naming.binary_classes(
        label.values,
        tuple(value for coded in decided if coded for value in coded.values),
        positive=job.positive,
        classes=job.classes,
        path=bound.table.path,
        column=job.label,
    )


def _misnamed_probabilities(model: BoundPredictions, classes: tuple[str, ...]) -> Iterator[Problem]:
    """Yield the problem of a model whose probabilities are not those of the classes."""
    if not model.probabilities or set(model.probabilities) == set(classes):
        return
    lacking = [name for name in classes if name not in model.probabilities]
    unknown = [name for name in model.probabilities if name not in classes]
    parts = [f"lack {_list_classes(lacking)}"] if lacking else []
    parts += [f"have {_list_classes(unknown)}, which the labels do not have"] if unknown else []
    message = f"the {model.role}'s probabilities {' and '.join(parts)}; both models need a column for each class"
    yield Problem(message, model.table.path, setting=(model.role, "probabilities"))


def _list_classes(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_WRITTEN} more" if len(names) > _MOST_WRITTEN else ""
    return f"class{'' if len(names) == 1 else 'es'} {', '.join(map(repr, names[:_MOST_WRITTEN]))}{more}"


def _class_column(
    coded: DictionaryColumn,
    column: TableColumn,
    classes: tuple[str, ...],
    place: CellLocation,
    problems: ProblemCollector,
    what: str,
    bound: BoundJob,
) -> ClassColumn:
    """Map a column's codes to classes; a value outside them, or null, is a problem."""
    class_of_code = naming.class_lookup(coded.values, classes)
    outside = [code for code, item in enumerate(class_of_code) if item is None]
    if outside:
        raw = ", ".join(str(code) for code in np.flatnonzero(np.isin(coded.lut, outside)))
        listed = ", ".join(repr(shorten_cell(name)) for name in classes[:8])
        message = f"{what} {column.name!r} is {{value!r}}, which is none of the classes {listed}"
        names = [cell_values.cell_text(coded.values[code]) for code in outside]
        hint = _remedy(names, column, classes, bound.job.task)
        remedy = _CLASSES if bound.job.task == "multiclass" else ()
        if what == "label" and bound.models[0].probabilities and not bound.job.classes:
            hint = f"; add the column with its probability: `{yaml_value(names[0])}: …` under `probabilities`"
            remedy = ("candidate", "probabilities")
        problem = place.problem(column, f"{coded.expression} IN ({raw})", message, hint=hint)
        problems.add(replace(problem, remedy=remedy))
    if coded.has_null:
        problems.add(_null_problem(column, place, what))
    lut = np.array([0 if item is None else item for item in [*class_of_code, 0]], np.int32)
    return ClassColumn(coded, lut.astype(np.uint8) if len(classes) < 255 else lut)


def _remedy(outside: list[str], column: TableColumn, classes: tuple[str, ...], task: str) -> str:
    """Return how to write values by the classes' names, or how to allow a class that no row is labelled with.

    Numbers from 0 are mostly the codes of a label encoder, which sorts the classes.
    """
    cell = f"df[{json.dumps(column.name)}]"
    if set(outside) <= {str(number) for number in range(len(classes))} and len(classes) <= _MOST_WRITTEN:
        names = ", ".join(f"{number}: {name!r}" for number, name in enumerate(classes))
        return f"; if it counts the sorted classes from 0, write their names: `{cell} = {cell}.map({{{names}}})`"
    if {value.strip() for value in outside} <= set(classes):
        return f"; remove the blanks around it: `{cell} = {cell}.str.strip()`"
    if task != "multiclass":
        return ""
    if len(classes) + len(outside) > _MOST_WRITTEN:
        return "; if it may occur, list it with all others under `classes`"
    listed = ", ".join(map(yaml_value, (*classes, *outside)))
    return f"; if it may occur, write `classes: [{listed}]` under `evaluation`"


def _null_problem(column: TableColumn, place: CellLocation, what: str) -> Problem:
    null = f"{column.ref} IS NULL" + (f" OR {sql.is_nan(column.as_float())}" if column.is_number else "")
    hint = f"; leave such rows out: `df = df.dropna(subset=[{json.dumps(column.name)}])`" if what == "label" else ""
    return place.problem(column, null, f"{what} {column.name!r} is null", hint=hint)


def _too_many_labels(label: DictionaryColumn, column: TableColumn, place: CellLocation) -> Problem:
    """Return the problem of more than two labels, with the first row of each: mostly a single row is wrong."""
    positions = place.first_positions(label.expression)
    first = [min(positions[raw] for raw in positions if label.lut[raw] == code) for code in range(len(label.values))]
    listed = [
        f"{shorten_cell(cell_values.cell_text(label.values[code]))!r} in {place.row(first[code])}"
        for code in range(min(len(first), 6))
    ]
    message = f"label {column.name!r} has {len(first)} values ({', '.join(listed)}); a binary task has two"
    cell = f"df[{json.dumps(column.name)}]"
    texts = {cell_values.cell_text(value).strip() for value in label.values}
    remedy = f"; without the blanks: `{cell} = {cell}.str.strip()`" if len(texts) == 2 else ""
    return Problem(message + remedy, place.table.path)
