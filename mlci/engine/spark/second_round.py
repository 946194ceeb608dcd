"""Second round: the plan of all sums, from what the first round found, and the sums of all rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from mlci.engine.blocks.plan import MOST_GROUPS, LossPlan, RankBins, SumPlan, count_combinations, rank_bins
from mlci.engine.blocks.sums import PartialSums
from mlci.engine.encode.binder import BoundJob, needs_decision
from mlci.engine.encode.columns import EncodedColumns
from mlci.engine.spark.coded_rows import (
    CodedTable,
    KeyedWork,
    evaluation_columns,
    joined_models,
    keyed_work,
    predicted_columns,
)
from mlci.engine.spark.executors import map_merge
from mlci.engine.spark.executors.tables_work import JoinedWork, MergeTallies, OneTableWork, Tallied, share_plan
from mlci.engine.spark.failures import spark_failures
from mlci.engine.spark.first_round import Scored, cells_of, label_survey, mean_label
from mlci.engine.spark.keyed_rows import JoinedRows, join_by_key, largest_errors
from mlci.engine.spark.spark_table import spark_table
from mlci.engine.spark.unpaired import describe_unpaired
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table
from mlci.errors import InputError, Problem
from mlci.metrics.statistics import unit_of


def plan_sums(
    bound: BoundJob, encoded: EncodedColumns, scored: dict[int, Scored], joined: JoinedRows | None
) -> SumPlan:
    """Return the plan of a job.

    Raises:
        InputError: if a slice has more combinations of values than tables of sums can have.
    """
    job, places = bound.job, {base: i for i, (base, _) in enumerate(bound.bases)}
    bases = tuple(bins.names for bins in encoded.bins)
    slices = tuple((spec.name, tuple(places[column] for column in spec.columns)) for spec in job.slices)
    _check_width(bound.table.path, bases, slices)
    reach = _reach(scored)
    regression = job.task == "regression"
    losses = (
        _regression_losses(bound, encoded, joined) if regression else (_class_loss(one, reach) for one in job.losses)
    )
    ranks: tuple[RankBins, ...] = ()
    if job.scores:
        groups = count_combinations(bases, slices)
        ranks = tuple(rank_bins(cells_of(bound.connection, one), groups) for one in scored.values())
    return SumPlan(
        task=job.task,
        classes=encoded.classes,
        models=len(bound.models),
        bases=bases,
        slices=slices,
        decisions=not regression and needs_decision(job),
        thresholds=tuple(None if model.decision else model.threshold for model in bound.models),
        scored=tuple(i in scored for i in range(len(bound.models))),
        losses=tuple(losses),
        calibration=job.calibration,
        score_unit=unit_of(reach) if reach > 1 else 1.0,
        ranks=ranks,
        max_groups=job.max_groups,
        path=bound.table.path,
    )


def _check_width(path: str, bases: Sequence[tuple[str, ...]], slices: Sequence[tuple[str, tuple[int, ...]]]) -> None:
    wide = [one for one in slices if count_combinations(bases, [one]) > MOST_GROUPS]
    if wide:
        raise InputError.of(
            Problem(
                f"slice {name!r} has {count_combinations(bases, [(name, members)]):,} combinations of values, and "
                f"`engine: spark` has sums for {MOST_GROUPS:,}; cross fewer columns, or bin a number with `cut`",
                path,
            )
            for name, members in wide
        )


def _reach(scored: dict[int, Scored]) -> float:
    """Return a bound of every distance of a score from a label of 0 or 1, at least 1."""
    ends = [abs(end) for one in scored.values() for end in (one.survey.lowest, one.survey.highest)]
    farthest = max(ends, default=0.0)
    return farthest + 1.0 if farthest > 1.0 else 1.0


def _class_loss(name: str, reach: float) -> LossPlan:
    """Return the power of two at or above every loss of a task with classes."""
    if name == "log":
        return LossPlan(name=name, unit=64.0)
    return LossPlan(name=name, unit=1.0 if reach == 1 else unit_of(reach * reach if name == "squared" else reach))


def _regression_losses(bound: BoundJob, encoded: EncodedColumns, joined: JoinedRows | None) -> Iterator[LossPlan]:
    """Yield each loss with the powers of two at or above its values, and for R² with those of the centred labels."""
    label, centre = label_survey(bound), float(f"{mean_label(bound):.12g}")  # sums depend on their order beyond these
    frame = _coded_frame(bound, encoded) if joined is None else joined.frame
    with spark_failures(bound.table.path):
        error, share = largest_errors(frame, len(bound.models))
    for name in bound.job.losses:
        largest = {"squared": error * error, "variance": error * error, "percentage": share}.get(name, error)
        if name == "variance":
            spread = max(label.highest - centre, centre - label.lowest)
            yield LossPlan(name=name, unit=unit_of(largest), label_unit=unit_of(spread), centre=centre)
        else:
            yield LossPlan(name=name, unit=unit_of(largest))


def _coded_frame(bound: BoundJob, encoded: EncodedColumns) -> Any:  # noqa: ANN401 - pyspark is optional
    """Return the data frame of the coded columns of one table."""
    columns = evaluation_columns(bound, encoded)
    selection = spark_table(bound.table).select_with(bound.connection, columns.expressions.listed())
    work = KeyedWork((), columns, 0, selection.source)
    return selection.frame.mapInArrow(work, work.schema)


def tally(
    session: Any,  # noqa: ANN401 - pyspark is optional
    bound: BoundJob,
    encoded: EncodedColumns,
    plan: SumPlan,
    joined: JoinedRows | None,
) -> tuple[Tallied, int]:
    """Sum up all rows by the plan; also return the number of bytes that the driver got.

    Raises:
        InputError: if keys do not match.
    """
    shared = share_plan(session, plan)
    merge = MergeTallies(shared)
    with spark_failures(bound.table.path):
        if joined is None:
            columns = evaluation_columns(bound, encoded)
            selection = spark_table(bound.table).select_with(bound.connection, columns.expressions.listed())
            work = OneTableWork(selection.source, columns, shared)
            payload = map_merge.collect_merged(selection.frame, work, merge)
        else:
            both = JoinedWork(shared, joined.sides)
            payload = map_merge.collect_merged(joined.frame, both, merge, partitions=joined.partitions)
    tallied = Tallied(PartialSums(plan)) if payload is None else Tallied.from_bytes(plan, payload)
    if joined is not None and tallied.unpaired:
        raise describe_unpaired(bound, joined)
    return tallied, len(payload or b"")


def join_tables(bound: BoundJob, encoded: EncodedColumns) -> JoinedRows | None:
    """Return the rows joined by key; ``None`` if one table has all columns, and no key is to be checked."""
    if bound.key is None:
        return None
    tables: list[tuple[Table, TableColumn | None, CodedTable]]
    tables = [(bound.table, bound.key, evaluation_columns(bound, encoded))]
    tables += [(model.table, model.key, predicted_columns(bound, encoded, i)) for i, model in joined_models(bound)]
    parts = []
    for side, (table, key, columns) in enumerate(tables):
        if key is None:
            raise AssertionError(bound.job)  # joined tables have keys
        work = keyed_work(bound, key, columns, side)
        selection = spark_table(table).select_with(bound.connection, [*work.key, *columns.expressions.listed()])
        parts.append((selection.frame, work.on(selection.source)))
    return join_by_key(parts)
