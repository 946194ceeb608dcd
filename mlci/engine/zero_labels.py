"""Labels of 0 under metrics that divide by the label: the first row is named, with what helps."""

from dataclasses import replace

import numpy as np

from mlci.engine.bind import Bound
from mlci.engine.frame import Frame
from mlci.engine.interface import Job
from mlci.errors import InputError

LOSS = "percentage"
_EPS = float(np.finfo(np.float64).eps)
_WHY = ", and mean_absolute_percentage_error divides by the label"
_CURE = "; use mean_absolute_error, or take rows with a label of 0 out of the evaluation set"


def leave_out_percentages(bound: Bound, frame: Frame) -> tuple[Job, tuple[str, ...]]:
    """Return the job, without percentages of the label where a label is 0, and a note about what was left out.

    A label nearer to 0 than the float64 epsilon counts as 0: the loss of its row alone would be the metric.

    Raises:
        InputError: if a metric that divides by the label was asked for by name.
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
