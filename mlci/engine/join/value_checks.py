"""Checks of scores and labels: thresholds that do not fit, labels of 0 under relative errors."""

from dataclasses import dataclass, field, replace

import numpy as np

from mlci.engine.encode.binder import BoundJob, BoundPredictions
from mlci.engine.interface import Job
from mlci.engine.join.frame import Frame
from mlci.errors import InputError, yaml_value


@dataclass(frozen=True)
class ScoreNotes:
    """Notes on unusual scores of a binary job.

    Attributes:
        job: The job.
        undecided: For each model whose scores have no threshold, the column and its range.
        notes: Lines for the report.
    """

    job: Job
    undecided: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def look(self, model: BoundPredictions, low: float, high: float, *, only_ends: bool) -> None:
        """Check a model's scores between ``low`` and ``high``; ``only_ends`` if every score is one of both."""
        if self.job.task != "binary" or model.score is None or model.decision is not None:
            return
        name = model.score.name
        if self.job.assumed_threshold and not (low >= 0 and high <= 1):
            self.undecided.append(f"the {model.role}'s {name!r} has scores from {low:.6g} to {high:.6g}")
        if only_ends and (low, high) == (0, 1):
            message = f"the {model.role}'s score {name!r} has only 0 and 1 and looks like decisions"
            self.notes.append(f"{message}; if so, write `predict: {{decision: {yaml_value(name)}}}` instead of `score`")


LOSS = "percentage"
_EPS = float(np.finfo(np.float64).eps)
_WHY = ", and mean_absolute_percentage_error divides by the label"
_CURE = "; use mean_absolute_error, or take rows with a label of 0 out of the evaluation set"


def leave_out_percentages(bound: BoundJob, frame: Frame) -> tuple[Job, tuple[str, ...]]:
    """Return the job without percentages of the label if a label is 0, and a note about the omitted metric.

    A label nearer to 0 than the float64 epsilon counts as 0: the loss of its row alone would be the metric.

    Raises:
        InputError: if a metric that divides by the label is configured by name.
    """
    job = bound.job
    refused = job.zero_labels == "refused"
    divides = job.task == "regression" and (LOSS in job.losses or refused)
    if not divides or not bool((np.abs(frame.labels) < _EPS).any()):
        return job, ()
    near_zero = f"abs({bound.label.as_float()}) < {_EPS!r}"
    found = bound.place().problem(bound.label, near_zero, f"label {bound.label.name!r} is {{value}}", hint=_WHY)
    if refused:
        raise InputError(replace(found, message=found.message + _CURE))
    left = tuple(loss for loss in job.losses if loss != LOSS)
    return replace(job, losses=left), (f"{found.message}, so it is left out",)
