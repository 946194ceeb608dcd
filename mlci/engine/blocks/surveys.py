"""Surveys of the scores of a job: of all rows, table by table, and of the rows of some groups."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlci.engine import sql
from mlci.engine.blocks.duckdb_blocks import BlockSource, TablePart
from mlci.engine.blocks.parallel import Pool
from mlci.engine.blocks.score_range import Ranges, ScoreCells, ScoreSurvey, crowded, resolve
from mlci.engine.sql import Array


@dataclass(frozen=True)
class ScoreEnds:
    """Scores of one model.

    Attributes:
        missing: Rows whose score is null, NaN or infinite.
        lowest, highest: Range of the others.
        only_ends: Whether every score is 0 or 1.
    """

    missing: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    only_ends: bool = True

    def merge(self, other: "ScoreEnds") -> "ScoreEnds":
        """Return the range of both models' rows."""
        return ScoreEnds(
            self.missing + other.missing,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            self.only_ends and other.only_ends,
        )

    @classmethod
    def of(cls, scores: Array) -> "ScoreEnds":
        """Return the range of some scores, NaN if they are null."""
        low, high = float(scores.min()), float(scores.max())
        finite = scores
        if not (np.isfinite(low) and np.isfinite(high)):
            finite = scores[np.isfinite(scores)]
            low, high = float(finite.min(initial=np.inf)), float(finite.max(initial=-np.inf))
        ends = (low, high) in {(0, 0), (0, 1), (1, 1)} and bool(((finite == 0) | (finite == 1)).all())
        return cls(len(scores) - len(finite), low, high, ends)


@dataclass(frozen=True)
class SurveyedScores:
    """One model's scores: their range, and the occupied cells."""

    range: ScoreEnds
    cells: ScoreCells


class _Surveys:
    """Surveys of several columns of scores."""

    def __init__(self, ranges: Sequence[Ranges | None]) -> None:
        self.each = [ScoreSurvey(one) for one in ranges]

    def add_batch(self, arrays: list[Array]) -> None:
        for survey, fetched in zip(self.each, arrays, strict=True):
            mask, scores = sql.null_mask(fetched), sql.without_mask(fetched)
            if mask is None:
                survey.add(scores)
            else:
                survey.add(scores[~mask], missing=int(mask.sum()))

    def merge(self, other: "_Surveys") -> None:
        for mine, theirs in zip(self.each, other.each, strict=True):
            mine.merge(theirs)


def survey_scores(source: BlockSource, pool: Pool) -> dict[int, SurveyedScores]:
    """Survey the scores of each model, by its position in the job; tables are read one by one, without a join."""
    found: dict[int, SurveyedScores] = {}
    for part in source.parts:
        if part.columns.scores:
            found |= _survey_table(source, part, pool)
    return found


def _survey_table(source: BlockSource, part: TablePart, pool: Pool) -> dict[int, SurveyedScores]:
    models = list(part.columns.scores)
    rows = part.table.rows
    first = _add_up(source, part, dict.fromkeys(models), pool, rows)
    cells = {model: survey.cells() for model, survey in first.items()}
    while pending := {model: ranges for model in models if (ranges := crowded(cells[model])) is not None}:
        finer = _add_up(source, part, pending, pool, rows)
        cells |= {model: resolve(cells[model], survey.cells()) for model, survey in finer.items()}
    return {model: SurveyedScores(_range_of(first[model], cells[model]), cells[model]) for model in models}


def _add_up(
    source: BlockSource, part: TablePart, ranges: Mapping[int, Ranges | None], pool: Pool, rows: int
) -> dict[int, ScoreSurvey]:
    stream = source.score_stream(part, list(ranges))
    create: Callable[[], _Surveys] = lambda: _Surveys(list(ranges.values()))  # noqa: E731 - typed
    surveys = pool.add_up(stream, create, stage="reading scores", rows=rows)
    return dict(zip(ranges, surveys.each, strict=True))


def _range_of(survey: ScoreSurvey, cells: ScoreCells) -> ScoreEnds:
    ends = bool(np.isin(cells.values, (0.0, 1.0)).all())
    return ScoreEnds(survey.missing, survey.lowest, survey.highest, ends)
