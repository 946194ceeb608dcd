"""What a job's columns mean: the slices' codes, the classes, and the class of every label and decision."""

import json
from dataclasses import dataclass, replace

import numpy as np

from mlci.engine import classes as naming
from mlci.engine import values
from mlci.engine.bind import Bound, needs_decision
from mlci.engine.coding import Coded, code_column
from mlci.engine.columns import Column
from mlci.engine.offences import Place, Problems
from mlci.engine.slicing import Bins, bins_of
from mlci.engine.sql import Array
from mlci.engine.tables import Table
from mlci.engine.words import cut
from mlci.errors import Problem, yaml_value

_CLASSES = ("evaluation", "classes")
_MOST_CLASSES = 1000
_MOST_WRITTEN = 20
"""Classes that a line to paste may list."""


@dataclass(frozen=True)
class Classed:
    """A column of classes: its dictionary, and the class of each code (null's last, and never looked up)."""

    coded: Coded
    lut: Array

    def final(self, raw: Array) -> Array:
        """Turn fetched codes into indices of the classes."""
        return self.coded.final(raw, lut=self.lut)


@dataclass(frozen=True)
class Meaning:
    """What has to be known of columns before rows are read.

    Attributes:
        bins: Each slice column's, in the order of :attr:`mlci.engine.bind.Bound.bases`.
        classes: Names of the classes; empty for regression.
        label: The label's classes; ``None`` for regression.
        decisions: Each side's decision; ``None`` where no such column is read.
        notes: What the reader of the report should know.
    """

    bins: tuple[Bins, ...]
    classes: tuple[str, ...]
    label: Classed | None
    decisions: tuple[Classed | None, ...]
    notes: tuple[str, ...] = ()


def understand(bound: Bound) -> Meaning:
    """Read the distinct values of a job's columns.

    Raises:
        InputError: Too many values, classes that leave open which one is positive, or cells outside the classes.
    """
    job, problems = bound.job, Problems()
    bins = tuple(bins_of(bound, base, column, problems) for base, column in bound.bases)
    label = None if job.task == "regression" else _code(bound, bound.table, bound.label, problems)
    deciding = needs_decision(job)
    decided = [
        _code(bound, side.table, side.decision, problems) if side.decision and deciding else None
        for side in bound.sides
    ]
    if label and not label.values:
        problems.add(_null(bound.label, bound.place(), "label"))
    if label and job.task == "binary" and len(label.values) > 2:
        problems.add(_too_many(label, bound.label, bound.place()))
    problems.stop()
    classes = _classes(bound, label, decided)
    labelled = _classed(label, bound.label, classes, bound.place(), problems, "label", job.task) if label else None
    decisions = tuple(
        _classed(coded, side.decision, classes, bound.place(side), problems, "decision", job.task)
        if coded and side.decision
        else None
        for coded, side in zip(decided, bound.sides, strict=True)
    )
    problems.stop()
    assumed = naming.assumed(classes, positive=job.positive) if job.task == "binary" else None
    return Meaning(bins, classes, labelled, decisions, (assumed,) if assumed else ())


def _code(bound: Bound, table: Table, column: Column, problems: Problems) -> Coded | None:
    coded = code_column(bound.connection, table, column, most=_MOST_CLASSES)
    if coded.whole:
        return coded
    said = f"{column.name!r} has more than {_MOST_CLASSES:,} different values; classes are expected here"
    problems.add(Problem(said, table.path))
    return None


def _classes(bound: Bound, label: Coded | None, decided: list[Coded | None]) -> tuple[str, ...]:
    job = bound.job
    if label is None:
        return ()
    if job.task == "multiclass":
        return naming.multiclass(label.values, job.classes)
    return naming.binary(
        label.values,
        tuple(value for coded in decided if coded for value in coded.values),
        positive=job.positive,
        classes=job.classes,
        path=bound.table.path,
        column=job.label,
    )


def _classed(
    coded: Coded,
    column: Column,
    classes: tuple[str, ...],
    place: Place,
    problems: Problems,
    what: str,
    task: str,
) -> Classed:
    """Map a column's codes to classes; a value outside them, or null, is a problem."""
    found = naming.lookup(coded.values, classes)
    outside = [code for code, item in enumerate(found) if item is None]
    if outside:
        raw = ", ".join(str(code) for code in np.flatnonzero(np.isin(coded.lut, outside)))
        listed = ", ".join(repr(cut(name)) for name in classes[:8])
        said = f"{what} {column.name!r} is {{value!r}}, which is none of the classes {listed}"
        hint = _remedy([values.form(coded.values[code]) for code in outside], column, classes, task)
        found_first = place.problem(column, f"{coded.expression} IN ({raw})", said, hint=hint)
        problems.add(replace(found_first, remedy=_CLASSES if task == "multiclass" else ()))
    if coded.has_null:
        problems.add(_null(column, place, what))
    lut = np.array([0 if item is None else item for item in [*found, 0]], np.int32)
    return Classed(coded, lut.astype(np.uint8) if len(classes) < 255 else lut)


def _remedy(outside: list[str], column: Column, classes: tuple[str, ...], task: str) -> str:
    """Say how to write values as the classes are called, or how to make room for a class that no row is labelled with.

    Numbers from 0 are mostly what a label encoder made of the classes, which it sorts.
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


def _null(column: Column, place: Place, what: str) -> Problem:
    null = f"{column.ref} IS NULL" + (f" OR isnan({column.as_float()})" if column.is_number else "")
    hint = f"; leave such rows out: `df = df.dropna(subset=[{json.dumps(column.name)}])`" if what == "label" else ""
    return place.problem(column, null, f"{what} {column.name!r} is null", hint=hint)


def _too_many(label: Coded, column: Column, place: Place) -> Problem:
    """Say where each of more than two labels first stands: mostly it is one row that is wrong."""
    positions = place.first_positions(label.expression)
    first = [min(positions[raw] for raw in positions if label.lut[raw] == code) for code in range(len(label.values))]
    listed = [
        f"{cut(values.form(label.values[code]))!r} in {place.row(first[code])}" for code in range(min(len(first), 6))
    ]
    said = f"label {column.name!r} has {len(first)} values ({', '.join(listed)}); a binary task has two"
    cell = f"df[{json.dumps(column.name)}]"
    texts = {values.form(value).strip() for value in label.values}
    remedy = f"; without the blanks: `{cell} = {cell}.str.strip()`" if len(texts) == 2 else ""
    return Problem(said + remedy, place.table.path)
