"""Survey of a table: different values of columns, conditions that some row meets, and ranges of scores, in one scan."""

import math
import pickle
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import mlci
from mlci.engine import sql
from mlci.engine.blocks.score_range import Ranges, ScoreSurvey
from mlci.engine.spark.executors.batches import BatchReader, BatchSource, open_reader

Values = set[tuple[Any, ...]]


@dataclass(frozen=True)
class SurveyQuestions:
    """Questions about a table.

    Attributes:
        distinct: SQL of cells whose different values are asked for.
        limit: Most different values of each that are collected.
        conditions: SQL of conditions.
        scores: SQL of scores as float64.
        ranges: For each of the scores, the ranges to which its survey is restricted; all scores by default.
    """

    distinct: tuple[str, ...] = ()
    limit: int = 0
    conditions: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    ranges: tuple[Ranges | None, ...] = ()

    def start(self) -> "TableSurvey":
        """Return the survey of no rows."""
        ranges = self.ranges or (None,) * len(self.scores)
        return TableSurvey(
            limit=self.limit,
            distinct={cell: set() for cell in self.distinct},
            met=dict.fromkeys(self.conditions, False),
            scores={score: ScoreSurvey(one) for score, one in zip(self.scores, ranges, strict=True)},
        )


@dataclass
class TableSurvey:
    """Answers about some rows, which add up.

    Attributes:
        limit: Most different values of a cell that are kept.
        distinct: Different values of each cell, at most ``limit``.
        met: Whether some row meets each condition.
        scores: Ranges of each score.
        sums: Sum of each score.
        rows: Number of rows.
        versions: mlci's versions on the executors.
    """

    limit: int
    distinct: dict[str, Values]
    met: dict[str, bool]
    scores: dict[str, ScoreSurvey]
    sums: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    versions: set[str] = field(default_factory=lambda: {mlci.__version__})

    def add(self, reader: BatchReader, rows: int) -> None:
        """Add the reader's current rows."""
        self.rows += rows
        relation = reader.source.relation
        for cell, values in self.distinct.items():
            if len(values) < self.limit:
                self._keep(cell, reader.rows(sql.select(f"DISTINCT {cell}", relation, limit=self.limit)))
        for condition, is_met in self.met.items():
            if not is_met:
                self.met[condition] = bool(reader.rows(sql.select("1", relation, where=condition, limit=1)))
        for score, fetched in zip(self.scores, reader.arrays(list(self.scores)), strict=True):
            mask = sql.null_mask(fetched)
            known = sql.without_mask(fetched) if mask is None else sql.without_mask(fetched)[~mask]
            self.scores[score].add(known, len(fetched) - len(known))
            self.sums[score] = self.sums.get(score, 0.0) + float(known.sum())

    def merge(self, other: "TableSurvey") -> None:
        """Add the answers about other rows."""
        self.rows += other.rows
        self.versions |= other.versions
        for cell, values in other.distinct.items():
            self._keep(cell, values)
        for condition, is_met in other.met.items():
            self.met[condition] |= is_met
        for score, survey in other.scores.items():
            self.scores[score].merge(survey)
            self.sums[score] = self.sums.get(score, 0.0) + other.sums.get(score, 0.0)

    def _keep(self, cell: str, rows: Any) -> None:  # noqa: ANN401 - rows of a database
        values = self.distinct[cell]
        for row in rows:
            if len(values) >= self.limit:
                return
            values.add(tuple(math.nan if _is_nan(one) else one for one in row))


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)  # math.nan itself is one key of a set, other NaNs are not


def survey_partition(source: BatchSource, questions: SurveyQuestions, batches: Iterator[Any]) -> bytes:
    """Return the survey of a partition's rows, on an executor."""
    survey = questions.start()
    with open_reader(source) as reader:
        for table in reader.each(batches):
            survey.add(reader, table.num_rows)
    return write_survey(survey)


def merge_table_surveys(first: bytes, second: bytes) -> bytes:
    """Return the survey of both surveys' rows."""
    both = read_survey(first)
    both.merge(read_survey(second))
    return write_survey(both)


def write_survey(survey: TableSurvey) -> bytes:
    """Return a survey as bytes; counts of scores are stored without zeros."""
    scores: dict[str, Any] = {
        name: one.to_bytes() if one.ranges is None else one for name, one in survey.scores.items()
    }
    return zlib.compress(pickle.dumps(replace(survey, scores=scores)), 1)


def read_survey(payload: bytes) -> TableSurvey:
    """Return the survey that an executor of this job sent."""
    survey: TableSurvey = pickle.loads(zlib.decompress(payload))  # noqa: S301 - from the job's own executors
    scores: dict[str, Any] = survey.scores
    survey.scores = {
        name: ScoreSurvey.from_bytes(one) if isinstance(one, bytes) else one for name, one in scores.items()
    }
    return survey


def survey_work(source: BatchSource, questions: SurveyQuestions) -> "partial[bytes]":
    """Return the work of executors."""
    return partial(survey_partition, source, questions)
