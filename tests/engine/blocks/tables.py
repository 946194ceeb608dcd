"""Plans and blocks of small tables, from the arrays that the reduction in memory has."""

from collections.abc import Iterator

import numpy as np

from mlci.engine import sql
from mlci.engine.blocks.block import Block
from mlci.engine.blocks.plan import LossPlan, RankBins, SumPlan, count_combinations, rank_bins
from mlci.engine.blocks.score_range import ScoreSurvey
from mlci.engine.blocks.sums import PartialSums
from mlci.engine.duckdb_engine import load_frame
from mlci.engine.encode.binder import bind_job
from mlci.engine.in_memory.reduce import reduce
from mlci.engine.interface import Job
from mlci.engine.join import Frame
from mlci.metrics.statistics import Statistics


def in_memory(job: Job) -> tuple[Frame, tuple[Statistics, ...]]:
    """Return the arrays of a job and its statistics, with exact ranks."""
    with sql.session() as (connection, scratch):
        frame = load_frame(bind_job(connection, job, scratch), threads=1)
        return frame, reduce(job, frame, exact_rows=frame.rows, threads=1)[0]


def block_of(frame: Frame) -> Block:
    """All rows as one block."""
    return Block(
        slices=tuple(one.codes for one in frame.partition.bases.each),
        labels=frame.labels,
        scores=tuple(model.score for model in frame.models),
        decisions=tuple(None if job_decides(model) else model.decision for model in frame.models),
    )


def job_decides(model) -> bool:
    """Whether decisions follow from the score."""
    return model.score is not None


def plan_of(job: Job, frame: Frame) -> SumPlan:
    """The plan of a job over small tables."""
    bases = tuple(one.names for one in frame.partition.bases.each)
    slices = tuple(
        (spec.name, crossing.members) for spec, crossing in zip(job.slices, frame.partition.crossings, strict=True)
    )
    groups = count_combinations(bases, slices)
    return SumPlan(
        task=job.task,
        classes=frame.classes,
        models=len(frame.models),
        bases=bases,
        slices=slices,
        thresholds=tuple(0.5 if job_decides(model) else None for model in frame.models),
        scored=tuple(model.score is not None for model in frame.models),
        losses=tuple(LossPlan(name=name, unit=64.0 if name == "log" else 1.0) for name in job.losses),
        calibration=job.calibration,
        ranks=tuple(bins_of(model.scores, groups) for model in frame.models) if job.scores else (),
        max_groups=job.max_groups,
        path=job.data,
    )


def bins_of(scores, groups: int) -> RankBins:
    survey = ScoreSurvey()
    survey.add(scores)
    return rank_bins(survey.cells(), groups)


def sums_of(plan: SumPlan, blocks: list[Block]) -> PartialSums:
    sums = PartialSums(plan)
    for block in blocks:
        sums.add(block)
    return sums


def cut(block: Block, order, step: int) -> Iterator[Block]:
    """Yield the rows in another order, in blocks of ``step`` rows."""
    for start in range(0, block.rows, step):
        rows = order[start : start + step]
        yield Block(
            slices=tuple(one[rows] for one in block.slices),
            labels=block.labels[rows],
            scores=tuple(None if one is None else one[rows] for one in block.scores),
            decisions=tuple(None if one is None else one[rows] for one in block.decisions),
        )


def assert_close(left: object, right: object, *, rel: float = 2e-11) -> None:
    """Compare statistics, without ranks, up to the rounding of each loss to 2**-37."""
    if isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        np.testing.assert_allclose(left, right, rtol=rel, atol=rel * max(1.0, float(np.abs(left).max(initial=0))))
    elif hasattr(left, "__dataclass_fields__"):
        for name in set(left.__dataclass_fields__) - {"scores"}:
            assert_close(getattr(left, name), getattr(right, name), rel=rel)
    elif isinstance(left, tuple | list):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_close(one, other, rel=rel)
    elif isinstance(left, dict):
        assert left.keys() == right.keys()
        for key in left:
            assert_close(left[key], right[key], rel=rel)
    else:
        assert left == right, (left, right)
