"""A job in blocks: survey of the scores, then sums, then statistics, in memory that does not grow with its rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlci.engine.blocks.block import Block
from mlci.engine.blocks.duckdb_blocks import BlockSource
from mlci.engine.blocks.finish import auc_bounds, finish
from mlci.engine.blocks.loose_scopes import rank_loosely_binned
from mlci.engine.blocks.parallel import Pool
from mlci.engine.blocks.plan import MOST_GROUPS, MOST_RANKED, LossPlan, SumPlan, count_combinations, rank_bins
from mlci.engine.blocks.score_range import FINE
from mlci.engine.blocks.sums import PartialSums
from mlci.engine.blocks.surveys import ScoreEnds, SurveyedScores, survey_scores
from mlci.engine.cell_errors import ProblemCollector, bad_scores, is_fine, is_rounded, kind_of_score
from mlci.engine.encode.binder import BoundJob, needs_decision
from mlci.engine.encode.columns import EncodedColumns, encode_columns
from mlci.engine.encode.dictionary import KnownValues
from mlci.engine.fingerprint import fingerprint_table
from mlci.engine.interface import Observed
from mlci.engine.join import ScoreNotes, explain_unpaired, score_column
from mlci.engine.sql import Array
from mlci.lineage.rows import Fingerprint
from mlci.metrics.statistics import unit_of

_BLOCK_TASKS = frozenset({"binary", "multiclass"})


def goes_in_blocks(bound: BoundJob, exact_rows: int) -> bool:
    """Return whether a job is too large for exact ranks, and needs no rows in memory.

    Bootstraps, rows to show, a search for slices, clusters and weights, probabilities of several classes, regressions
    and tables that are joined by position need rows.
    """
    job = bound.job
    needs_rows = bool(job.row_metrics or job.row_changes or any(model.probabilities for model in bound.models))
    needs_rows = needs_rows or job.by_cluster or job.slice_search is not None
    positional = bound.key is None and any(bound.is_joined(model) for model in bound.models)
    return bound.table.rows > exact_rows and job.task in _BLOCK_TASKS and not needs_rows and not positional


def observe_blocks(bound: BoundJob, pool: Pool) -> Observed | None:
    """Read, check and join the tables of a job, and reduce them; ``None`` if a slice has too many combinations.

    Raises:
        InputError: if cells are invalid or keys do not match; the message has the row and key of each.
    """
    observation = _Observation(bound, encode_columns(bound), pool)
    return None if observation.is_too_wide else observation.observe()


class _CheckedSums:
    """Sums of a plan, and the ranges of the scores: a row with an invalid one may be left out, as an error follows."""

    def __init__(self, source: BlockSource, plan: SumPlan) -> None:
        self._source, self.sums, self.rows = source, PartialSums(plan), 0
        self.ranges: dict[int, ScoreEnds] = {}

    def add_batch(self, arrays: list[Array]) -> None:
        block = self._source.block(arrays)
        self.rows += block.rows
        if block.rows and (self.sums.plan.ranks or self._note_ranges(block)):
            self.sums.add(block)

    def _note_ranges(self, block: Block) -> bool:
        """Note the scores' ranges, unless a survey has them, and return whether the scores are valid."""
        kind, valid = kind_of_score(self._source.bound.job), True
        for model, scores in enumerate(block.scores):
            if scores is not None:
                one = ScoreEnds.of(scores)
                self.ranges[model] = self.ranges.get(model, ScoreEnds()).merge(one)
                valid = valid and not one.missing and is_fine(one.lowest, one.highest, kind)
        return valid

    def merge(self, other: "_CheckedSums") -> None:
        self.sums.merge(other.sums)
        self.rows += other.rows
        for model, one in other.ranges.items():
            self.ranges[model] = self.ranges.get(model, ScoreEnds()).merge(one)


@dataclass(frozen=True)
class _Observation:
    """One job with its encodings."""

    bound: BoundJob
    encoded: EncodedColumns
    pool: Pool

    @property
    def is_too_wide(self) -> bool:
        """Whether a slice has more combinations of codes than tables by code can have."""
        most = MOST_RANKED if self.bound.job.scores else MOST_GROUPS
        return any(count_combinations(self._bases, [one]) > most for one in self._slices)

    def observe(self) -> Observed:
        """Return the statistics, the fingerprint and the notes."""
        bound, source = self.bound, BlockSource(self.bound, self.encoded)
        if not source.may_keys_match():
            raise explain_unpaired(bound)
        surveyed = survey_scores(source, self.pool) if self._needs_survey else {}
        notes = self._check({model: one.range for model, one in surveyed.items()})
        plan = self._plan(surveyed)
        checked = self.pool.add_up(
            source.stream(), lambda: _CheckedSums(source, plan), stage="reading rows", rows=bound.table.rows
        )
        if checked.rows != bound.table.rows:
            raise explain_unpaired(bound)
        notes = notes if surveyed else self._check(checked.ranges)
        statistics, bounds = finish(plan, checked.sums), auc_bounds(plan, checked.sums)
        statistics, bounds = rank_loosely_binned(source, plan, statistics, bounds, self.pool)
        return Observed(
            statistics=statistics,
            rows=bound.table.rows,
            fingerprint=self._fingerprint(checked.sums),
            notes=(*self.encoded.notes, *notes.notes, *_bin_notes(max(bounds.values(), default=0.0))),
            undecided=tuple(notes.undecided),
        )

    @property
    def _needs_survey(self) -> bool:
        """Whether ranks need bins, or the range of scores is not known before they are read."""
        job = self.bound.job
        return job.scores or (bool(job.losses or job.calibration) and not job.probabilities)

    def _check(self, ranges: Mapping[int, ScoreEnds]) -> ScoreNotes:
        """Check the scores.

        Raises:
            InputError: if some are null, not finite or out of range.
        """
        problems, notes = ProblemCollector(), ScoreNotes(self.bound.job)
        kind = kind_of_score(self.bound.job)
        for number, found in sorted(ranges.items()):
            model, column = self.bound.models[number], score_column(self.bound, number)
            if column is None:
                raise AssertionError(model)  # its scores were read
            place = self.bound.place(model)
            low, high = found.lowest, found.highest
            if found.missing or not is_fine(low, high, kind) or is_rounded(column, place, low, high):
                problems.add(*bad_scores(column, place, kind))
            notes.add(model, low, high, only_ends=found.only_ends)
        problems.stop()
        return notes

    def _plan(self, surveyed: Mapping[int, SurveyedScores]) -> SumPlan:
        job, models = self.bound.job, self.bound.models
        groups = count_combinations(self._bases, self._slices)
        ends = [abs(end) for one in surveyed.values() for end in (one.range.lowest, one.range.highest)]
        reach = max(ends, default=0.0) + 1.0 if max(ends, default=0.0) > 1.0 else 1.0
        return SumPlan(
            task=job.task,
            classes=self.encoded.classes,
            models=len(models),
            bases=self._bases,
            slices=self._slices,
            decisions=needs_decision(job),
            thresholds=tuple(None if model.decision else model.threshold for model in models),
            scored=tuple(model.is_scored for model in models),
            losses=tuple(LossPlan(name=name, unit=_loss_unit(name, reach)) for name in job.losses),
            calibration=job.calibration,
            score_unit=unit_of(reach) if reach > 1 else 1.0,
            ranks=tuple(rank_bins(surveyed[i].cells, groups) for i in range(len(models))) if job.scores else (),
            max_groups=job.max_groups,
            path=self.bound.table.path,
        )

    @property
    def _bases(self) -> tuple[tuple[str, ...], ...]:
        return tuple(bins.names for bins in self.encoded.bins)

    @property
    def _slices(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        places = {base: number for number, (base, _) in enumerate(self.bound.bases)}
        return tuple((spec.name, tuple(places[one] for one in spec.columns)) for spec in self.bound.job.slices)

    def _fingerprint(self, sums: PartialSums) -> Fingerprint:
        """Return the fingerprint, from the counted combinations of values if no other column needs rows."""
        bound = self.bound
        coded = {column.name: bins.coded for (_, column), bins in zip(bound.bases, self.encoded.bins, strict=True)}
        content = {column.name for column in bound.table.columns} - bound.prediction_columns
        label, level = self.encoded.label, sums.plan.levels[0]
        known = {name for name, one in coded.items() if one is not None}
        if label is None or len(level.members) < len(bound.bases) or content - known - {bound.label.name}:
            return fingerprint_table(bound.connection, bound.table, bound.prediction_columns, threads=self.pool.threads)
        codes, counts = sums.cells[0].occurring()
        digits = np.unravel_index(codes // sums.plan.width, level.sizes) if level.sizes else ()
        classes = codes % sums.plan.width // (sums.plan.width // len(self.encoded.classes))
        few = {
            column.name: KnownValues(one, own)
            for (_, column), own in zip(bound.bases, digits, strict=True)
            if (one := coded[column.name]) is not None
        }
        few.setdefault(bound.label.name, KnownValues(label.coded, label.values_of(len(self.encoded.classes))[classes]))
        return fingerprint_table(
            bound.connection,
            bound.table,
            bound.prediction_columns,
            coded=few,
            weights=counts,
            threads=self.pool.threads,
        )


def _loss_unit(name: str, reach: float) -> float:
    """Return a power of two at or above every loss of scores whose distance from a label is at most ``reach``."""
    if name == "log":
        return 64.0
    return 1.0 if reach == 1 else unit_of(reach * reach if name == "squared" else reach)


def _bin_notes(worst: float) -> tuple[str, ...]:
    return (f"scores ranked in {FINE:,} bins; the AUC is off by at most {worst:.1e}",) if worst else ()
