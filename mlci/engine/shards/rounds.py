"""Two rounds of shards: a survey of the scores, from which bins follow, and the sums; then the statistics of all rows.

Codes of labels, decisions and groups come from all rows in every shard, so that sums of all shards have one meaning.
Scores, keys and predictions are read, checked and joined for the rows of the shard alone.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.blocks.block import Block
from mlci.engine.blocks.finish import auc_bounds, finish
from mlci.engine.blocks.plan import MOST_GROUPS, MOST_RANKED, LossPlan, SumPlan, count_combinations, rank_bins
from mlci.engine.blocks.score_range import FINE, ScoreSurvey
from mlci.engine.blocks.sums import PartialSums
from mlci.engine.encode.binder import BoundJob, BoundPredictions, bind_job, needs_decision
from mlci.engine.encode.columns import EncodedColumns, encode_columns
from mlci.engine.fingerprint import fingerprint_table
from mlci.engine.interface import Job, Observed, Source
from mlci.engine.join import ScoreNotes, read_rows
from mlci.engine.shards.shard_file import Round, ScoreFacts, ShardFile, ShardHeading, check_complete, write_shard
from mlci.engine.shards.split import Shard, content_sums, split_tables
from mlci.engine.sql import Array
from mlci.errors import InputError
from mlci.lineage.rows import Fingerprint
from mlci.metrics.statistics import unit_of


@dataclass(frozen=True, kw_only=True)
class ShardFacts:
    """Facts that all shards of one evaluation share.

    Attributes:
        version: Version of mlci.
        configuration: Digest of the configuration.
        commit: Commit of the checkout; ``None`` outside of git.
    """

    version: str
    configuration: str
    commit: str | None


def survey_shard(job: Job, shard: Shard, facts: ShardFacts) -> bytes:
    """Return the first round's file: where the scores of a shard's rows are.

    Raises:
        InputError: if the job needs all rows at once, or tables or their rows are invalid.
    """
    refuse_whole_rows(job)
    with sql.session() as (connection, scratch):
        reading = ShardReading(bind_job(connection, job, scratch), shard, facts)
        block = reading.block
        surveys = [ScoreSurvey() if scores is not None else None for scores in block.scores]
        for survey, scores in zip(surveys, block.scores, strict=True):
            if survey is not None and scores is not None:
                survey.add(scores)
        return write_shard(reading.heading("survey"), [b"" if one is None else one.to_bytes() for one in surveys])


def sum_shard(job: Job, shard: Shard, facts: ShardFacts, surveys: Sequence[ShardFile]) -> bytes:
    """Return the second round's file: the sums of a shard's rows.

    Args:
        job: The job.
        shard: The shard.
        facts: Facts about the checkout.
        surveys: The files of the first round, of all shards.

    Raises:
        InputError: if the surveys are not those of this job, or tables or their rows are invalid.
    """
    refuse_whole_rows(job)
    complete = check_complete(surveys, "survey")
    with sql.session() as (connection, scratch):
        reading = ShardReading(bind_job(connection, job, scratch), shard, facts)
        heading = reading.heading("sums", surveys=digest_of(complete))
        _refuse_other(complete[0], heading)
        sums = PartialSums(reading.plan(merge_surveys(complete)))
        sums.add(reading.block)
        return write_shard(heading, [sums.to_bytes()])


def merge_shards(job: Job, facts: ShardFacts, surveys: Sequence[ShardFile], sums: Sequence[ShardFile]) -> Observed:
    """Return the result of all shards, as of one run over all rows.

    Raises:
        InputError: if a shard is missing, there twice, or of another evaluation.
    """
    refuse_whole_rows(job)
    first, second = check_complete(surveys, "survey"), check_complete(sums, "sums")
    with sql.session() as (connection, scratch):
        reading = ShardReading(bind_job(connection, job, scratch), first[0].heading.shard, facts)
        heading = reading.heading("sums", surveys=digest_of(first))
        for one in (first[0], second[0]):
            _refuse_other(one, heading)
        if second[0].heading.surveys != heading.surveys:
            raise InputError("the sums are based on other surveys; write the second round again, with these surveys")
        merged = merge_surveys(first)
        plan = reading.plan(merged)
    total = PartialSums(plan)
    for one in second:
        total.merge(_sums_of(plan, one))
    if total.rows != heading.total:
        raise InputError(f"the shards have {total.rows:,} rows together, and the evaluation set {heading.total:,}")
    bounds = auc_bounds(plan, total)
    notes = ScoreNotes(job)
    for role, name, low, high, ends in _ranges(first[0].heading, merged):
        notes.add_column(role, name, low, high, only_ends=ends)
    return Observed(
        statistics=finish(plan, total),
        rows=total.rows,
        fingerprint=Fingerprint(first[0].heading.fingerprint, first[0].heading.former_fingerprint),
        notes=(*heading.notes, *notes.notes, *_bin_note(max(bounds.values(), default=0.0))),
        undecided=tuple(notes.undecided),
    )


def refuse_whole_rows(job: Job) -> None:
    """Refuse a job that needs all rows at once.

    Raises:
        InputError: if it does; the message names what does, and the remedy.
    """
    names = ", ".join(one.name for one in job.row_metrics)
    several = bool(job.class_ranks) or any(one.probabilities for one in _sources(job))
    reasons = [
        (bool(job.row_metrics), f"the row bootstrap of {names} resamples all rows; leave the metric out of mlci.yml"),
        (several, "AUCs over several classes rank all rows; name the `decision` instead of `probabilities`"),
        (job.task == "regression", "losses of a regression need the range of all labels; evaluate without --shard"),
        (job.cluster is not None, "`evaluation.cluster` needs all rows of a cluster; evaluate without --shard"),
        (job.weight is not None, "`evaluation.weight` is for rows in memory; evaluate without --shard"),
        (job.slice_search is not None, "`slices: auto` searches all rows; evaluate without --shard"),
        (job.task == "ranking", "a ranking needs all documents of a query in one place; evaluate without --shard"),
        (bool(job.row_changes), "`report: {rows: …}` compares all rows; leave it out of mlci.yml"),
    ]
    if found := [f"shards can't be used for this: {reason}" for needed, reason in reasons if needed]:
        raise InputError(*found)


def _sources(job: Job) -> Iterator[Source]:
    yield from (one for one in (job.candidate, job.baseline) if one is not None)


def digest_of(files: Sequence[ShardFile]) -> str:
    """Return a digest of the surveys of all shards."""
    state = hashlib.sha256()
    for one in files:
        for part in one.parts:
            state.update(len(part).to_bytes(8, "big") + part)
    return state.hexdigest()


def merge_surveys(files: Sequence[ShardFile]) -> dict[int, ScoreSurvey]:
    """Return the surveys of all rows, by the position of the model.

    Raises:
        InputError: if a survey is damaged, or scores are missing.
    """
    merged: dict[int, ScoreSurvey] = {}
    for one in files:
        for model, part in enumerate(one.parts):
            if not part:
                continue
            survey = ScoreSurvey.from_bytes(part)
            if model in merged:
                merged[model].merge(survey)
            else:
                merged[model] = survey
    return merged


def _sums_of(plan: SumPlan, file: ShardFile) -> PartialSums:
    if len(file.parts) != 1:
        raise InputError(f"{file.path} is damaged; write the shard again")
    return PartialSums.from_bytes(plan, file.parts[0])


def _refuse_other(file: ShardFile, mine: ShardHeading) -> None:
    """Refuse files of another evaluation than this one.

    Raises:
        InputError: if they are; the message says what differs.
    """
    theirs = file.heading
    differs = [
        ("another version of mlci or DuckDB", theirs.version, mine.version),
        ("another commit", theirs.commit, mine.commit),
        ("another configuration", theirs.configuration, mine.configuration),
        ("other data", (theirs.content, theirs.total), (mine.content, mine.total)),
        ("another number of shards", theirs.count, mine.count),
    ]
    wrong = [what for what, one, other in differs if one != other]
    if wrong:
        raise InputError(f"{file.path} is of {' and of '.join(wrong)} than this job; write all shards again")


def _ranges(heading: ShardHeading, surveys: dict[int, ScoreSurvey]) -> Iterator[tuple[str, str, float, float, bool]]:
    for model, column in enumerate(heading.scores):
        if column is not None and not column.decided and model in surveys:
            survey = surveys[model]
            ends = bool(np.isin(survey.cells().values, (0.0, 1.0)).all())
            yield column.role, column.name, survey.lowest, survey.highest, ends


def _bin_note(worst: float) -> tuple[str, ...]:
    return (f"scores ranked in {FINE:,} bins; the AUC is off by at most {worst:.1e}",) if worst else ()


@dataclass(frozen=True)
class ShardReading:
    """The rows of one shard, with codes of all rows."""

    bound: BoundJob
    shard: Shard
    facts: ShardFacts

    @cached_property
    def encoded(self) -> EncodedColumns:
        """Codes of the values that occur in all rows."""
        return encode_columns(self.bound)

    @cached_property
    def own(self) -> BoundJob:
        """The job on the rows of the shard."""
        return split_tables(self.bound, self.shard)

    @cached_property
    def block(self) -> Block:
        """Rows of the shard, checked and joined."""
        encoded = self.encoded
        if not self.own.table.rows:
            raise InputError(f"shard {self.shard} has no rows; use fewer shards")
        read = read_rows(self.own, encoded, threads=None)
        return Block(
            slices=tuple(bins.final(codes) for bins, codes in zip(encoded.bins, read.slices, strict=True)),
            labels=read.labels,
            scores=tuple(model.score for model in read.models),
            decisions=tuple(self._decisions(model.decision, number) for number, model in enumerate(read.models)),
        )

    def _decisions(self, decided: Array | None, number: int) -> Array | None:
        """Return decisions that were read; those that follow from a threshold are made when rows are added up."""
        return decided if self.bound.models[number].decision is not None else None

    def heading(self, round_: Round, *, surveys: str = "") -> ShardHeading:
        """Return the facts about this shard."""
        bound, job = self.bound, self.bound.job
        asked = hashlib.sha256(f"{self.facts.configuration}\n{_without_paths(job)!r}".encode()).hexdigest()
        return ShardHeading(
            round=round_,
            number=self.shard.number,
            count=self.shard.count,
            version=f"{self.facts.version}, DuckDB {duckdb.__version__}",
            configuration=asked,
            commit=self.facts.commit,
            content=content_sums(bound),
            surveys=surveys,
            fingerprint=self._fingerprint if round_ == "survey" and self.shard.number == 1 else "",
            former_fingerprint=self._fingerprint.former if round_ == "survey" and self.shard.number == 1 else None,
            rows=self.own.table.rows,
            total=bound.table.rows,
            notes=(*self.encoded.notes, *self._joined_notes()),
            scores=tuple(_score_facts(model) for model in bound.models),
        )

    @cached_property
    def _fingerprint(self) -> Fingerprint:
        return fingerprint_table(self.bound.connection, self.bound.table, self.bound.prediction_columns)

    def _joined_notes(self) -> Iterator[str]:
        for model in self.bound.models:
            if self.bound.is_joined(model) and model.key is None:
                yield f"{model.role} joined by position: neither table has a key"

    def plan(self, surveys: Mapping[int, ScoreSurvey]) -> SumPlan:
        """Return the plan of the second round.

        Raises:
            InputError: if a slice has too many combinations of groups.
        """
        job, models = self.bound.job, self.bound.models
        bases, slices = tuple(bins.names for bins in self.encoded.bins), self._slices
        most = MOST_RANKED if job.scores else MOST_GROUPS
        wide = [name for name, members in slices if count_combinations(bases, [(name, members)]) > most]
        if wide:
            raise InputError(f"slice {wide[0]!r} has too many combinations of groups for shards; cut or drop a column")
        ends = [abs(end) for one in surveys.values() for end in (one.lowest, one.highest)]
        reach = max(ends, default=0.0) + 1.0 if max(ends, default=0.0) > 1.0 else 1.0
        groups = count_combinations(bases, slices)
        ranks = tuple(rank_bins(surveys[i].cells(), groups) for i in range(len(models))) if job.scores else ()
        return SumPlan(
            task=job.task,
            classes=self.encoded.classes,
            models=len(models),
            bases=bases,
            slices=slices,
            decisions=needs_decision(job),
            thresholds=tuple(None if model.decision else model.threshold for model in models),
            scored=tuple(model.is_scored for model in models),
            losses=tuple(LossPlan(name=name, unit=_loss_unit(name, reach)) for name in job.losses),
            calibration=job.calibration,
            score_unit=unit_of(reach) if reach > 1 else 1.0,
            ranks=ranks,
            max_groups=job.max_groups,
            path="the evaluation set",
        )

    @property
    def _slices(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        places = {base: number for number, (base, _) in enumerate(self.bound.bases)}
        return tuple((spec.name, tuple(places[one] for one in spec.columns)) for spec in self.bound.job.slices)


def _without_paths(job: Job) -> Job:
    """Return a job without the places of its tables, which differ by machine; their content is compared by itself."""
    baseline = None if job.baseline is None else replace(job.baseline, path="")
    return replace(job, data="", candidate=replace(job.candidate, path=""), baseline=baseline)


def _score_facts(model: BoundPredictions) -> ScoreFacts | None:
    if model.score is None:
        return None
    return ScoreFacts(role=model.role, name=model.score.name, decided=model.decision is not None)


def _loss_unit(name: str, reach: float) -> float:
    """Return a power of two at or above every loss of scores whose distance from a label is at most ``reach``."""
    if name == "log":
        return 64.0
    return 1.0 if reach == 1 else unit_of(reach * reach if name == "squared" else reach)
