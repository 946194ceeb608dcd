"""Aggregate push-down: counting in DuckDB for jobs that need only decisions of one table."""

import numpy as np

from mlci.engine import sql
from mlci.engine.cell_errors import ProblemCollector, bad_scores, is_fine, is_rounded, kind_of_score
from mlci.engine.encode.binder import BoundJob, BoundPredictions, needs_values
from mlci.engine.encode.columns import EncodedColumns
from mlci.engine.join import row_scan
from mlci.engine.join.frame import ModelColumns
from mlci.engine.join.row_scan import ScannedRows, ScoreNotes, own_columns
from mlci.engine.sql import Array


def is_countable(bound: BoundJob) -> bool:
    """Return whether a job needs only counts of (slices, label, decisions) of one table.

    A table with any other column is read row by row for its fingerprint, and then rows are cheaper to count in memory.
    """
    job = bound.job
    if needs_values(job) or job.task == "regression" or job.row_metrics:
        return False
    coded = {bound.label.name, *(column.name for base, column in bound.bases if base.cut is None)}
    content = {column.name for column in bound.table.columns} - bound.prediction_columns
    return content <= coded and not any(bound.is_joined(model) for model in bound.models)


def count_rows(bound: BoundJob, encoded: EncodedColumns, *, threads: int | None) -> ScannedRows:
    """Count in the database; each returned element has ``weights`` rows.

    Raises:
        InputError: if scores are invalid, or keys are missing or repeated; the message has the first row of each.
    """
    if encoded.label is None:
        raise AssertionError(bound.job.task)  # a regression is not countable
    if bound.key is not None:
        query = sql.select(row_scan.key_columns(bound, bound.key), bound.table.relation)
        row_scan.index_keys(bound, sql.fetch_columns(bound.connection, query), threads=threads)
    groups, checks = own_columns(bound, encoded), ["count(*) AS n"]
    for i, model in enumerate(bound.models):
        classed = encoded.decisions[i]
        if classed is not None:
            groups.append(f"{classed.coded.expression} AS d{i}")
        elif model.score is not None:
            value = model.score.as_float()
            groups.append(f"({value} >= {sql.float_literal(model.threshold)}) AS d{i}")
            checks += [f"min({value}) AS lo{i}", f"max({value}) AS hi{i}", f"count({value}) AS n{i}"]
    checks += _count_unequal_scores(bound)
    by = ", ".join(str(place + 1) for place in range(len(groups)))
    fetched = sql.fetch_columns(bound.connection, sql.select([*groups, *checks], bound.table.relation, group_by=by))
    problems, odd = ProblemCollector(), ScoreNotes(bound.job)
    models = [_model(bound, encoded, i, fetched, problems) for i in range(len(bound.models))]
    problems.stop()
    labels, weights = encoded.label.final(fetched["y"]), fetched["n"]
    for i, model in enumerate(bound.models):
        if encoded.decisions[i] is None and model.score is not None:
            _check_scores(bound, model, i, fetched, odd)
    found = {"notes": tuple(odd.notes), "undecided": tuple(odd.undecided)}
    return ScannedRows(
        fetched, labels, models, weights=weights, differing=_count_differing(bound, models, fetched), **found
    )


def _check_scores(bound: BoundJob, model: BoundPredictions, i: int, fetched: dict[str, Array], odd: ScoreNotes) -> None:
    low, high = float(sql.without_mask(fetched[f"lo{i}"]).min()), float(sql.without_mask(fetched[f"hi{i}"]).max())
    other = "" if model.score is None else f"{model.score.as_float()} NOT IN (0, 1)"
    ends = (low, high) == (0, 1) and not sql.file_exists(bound.connection, model.table.relation, other)
    odd.look(model, low, high, only_ends=ends)


def _count_unequal_scores(bound: BoundJob) -> list[str]:
    """SQL for the number of rows with unequal scores, if both models have scores."""
    scores = [model.score.as_float() for model in bound.models if model.score is not None]
    return [f"count(*) FILTER (WHERE {scores[0]} IS DISTINCT FROM {scores[1]}) AS u"] if bound.both_score else []


def _count_differing(bound: BoundJob, models: list[ModelColumns], fetched: dict[str, Array]) -> Array | None:
    """Return how many of each element's rows have unequal predictions; ``None`` without a baseline."""
    if len(models) == 1:
        return None
    counts, (first, second) = fetched["n"], (model.decision for model in models)
    if bound.one_scores:
        return counts
    unequal = np.zeros(len(counts), bool) if first is None or second is None else first != second
    return np.where(unequal, counts, fetched.get("u", 0))


def _model(
    bound: BoundJob, encoded: EncodedColumns, i: int, fetched: dict[str, Array], problems: ProblemCollector
) -> ModelColumns:
    model, classed = bound.models[i], encoded.decisions[i]
    if classed is not None:
        return ModelColumns(None, classed.final(fetched[f"d{i}"]))
    if model.score is None:
        return ModelColumns(None, None)
    if not _scores_are_fine(bound, model, i, fetched):
        problems.add(*bad_scores(model.score, bound.place(model), kind_of_score(bound.job)))
    return ModelColumns(None, sql.without_mask(fetched[f"d{i}"]).astype(np.uint8))


def _scores_are_fine(bound: BoundJob, model: BoundPredictions, i: int, fetched: dict[str, Array]) -> bool:
    low, high = sql.without_mask(fetched[f"lo{i}"]).min(), sql.without_mask(fetched[f"hi{i}"]).max()
    complete = np.array_equal(fetched[f"n{i}"], fetched["n"])
    exact = model.score is None or not is_rounded(model.score, bound.place(model), low, high)
    return complete and is_fine(low, high, kind_of_score(bound.job)) and exact
