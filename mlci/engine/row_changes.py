"""Rows whose loss changed most between both models, with their keys and groups."""

import numpy as np

from mlci.engine import sql
from mlci.engine.encode.binder import BoundJob
from mlci.engine.join import Frame, ModelColumns
from mlci.engine.sql import Array
from mlci.metrics.row_changes import RowChange, RowChanges


def find_row_changes(bound: BoundJob, frame: Frame, most: int) -> RowChanges | None:
    """Return at most ``most`` rows, those with the largest change; ``None`` without a baseline.

    The loss is the absolute error of a regression, the squared error of two probabilities, and else 1 for a wrong
    decision. Rows of equal change are chosen in the order of the evaluation set.

    Args:
        bound: The job.
        frame: Its columns, each element a row.
        most: Most rows.
    """
    found = _losses(frame)
    if found is None:
        return None
    loss, before, after = found
    change = after - before
    order = np.argsort(-np.abs(change), kind="stable")[:most]
    chosen = order[change[order] != 0]
    chosen = chosen[np.argsort(-change[chosen], kind="stable")]
    keys = _keys(bound, chosen)
    return RowChanges(loss, tuple(_row(bound, frame, int(row), float(change[row]), keys) for row in chosen))


def _losses(frame: Frame) -> tuple[str, Array, Array] | None:
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


def _row(bound: BoundJob, frame: Frame, row: int, change: float, keys: dict[int, str | None]) -> RowChange:
    partition, classes = frame.partition, frame.classes
    groups = {
        spec.name: partition.groups[index][int(partition.codes(index)[row])]
        for index, spec in enumerate(bound.job.slices)
    }
    scores = [None if model.score is None else float(model.score[row]) for model in frame.models]
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
