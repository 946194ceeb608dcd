"""Scores that are not what a threshold of 0.5 cuts: margins, percentages, and decisions in a score's column."""

from dataclasses import dataclass, field

from mlci.engine.bind import Side
from mlci.engine.interface import Job
from mlci.errors import yaml_value


@dataclass(frozen=True)
class ScoreNotes:
    """Collects what is odd about the scores of a binary job.

    Attributes:
        job: The job.
        undecided: For each model whose scores have no threshold, the column and its range.
        notes: Lines for the report.
    """

    job: Job
    undecided: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def look(self, side: Side, low: float, high: float, *, only_ends: bool) -> None:
        """Note a model's scores between ``low`` and ``high``; ``only_ends`` if they are always one of both."""
        if self.job.task != "binary" or side.score is None or side.decision is not None:
            return
        name = side.score.name
        if self.job.assumed_threshold and not (low >= 0 and high <= 1):
            self.undecided.append(f"the {side.what}'s {name!r} has scores from {low:.6g} to {high:.6g}")
        if only_ends and (low, high) == (0, 1):
            said = f"the {side.what}'s score {name!r} has only 0 and 1 and looks like decisions"
            self.notes.append(f"{said}; if so, write `predict: {{decision: {yaml_value(name)}}}` instead of `score`")
