"""Jobs that Spark's engine does not carry out, with the remedy for each."""

from collections.abc import Iterator

from mlci.engine.interface import Job
from mlci.engine.tables.table_path import labels_of
from mlci.errors import InputError, Problem

_HERE = "or remove `engine` to evaluate on this machine"


def refuse_job(job: Job) -> None:
    """Refuse a job that needs more than sums over rows.

    Raises:
        InputError: if it does; the message has every reason.
    """
    if problems := [*_reasons(job)]:
        raise InputError.of(problems)


def _reasons(job: Job) -> Iterator[Problem]:
    if job.row_metrics:
        names = ", ".join(f"`{metric.name}`" for metric in job.row_metrics)
        message = f"`engine: spark` has no custom and scikit-learn metrics, which need all rows in one place: {names}"
        yield Problem(f"{message}; leave them out, {_HERE}")
    if job.task == "ranking":
        message = "`engine: spark` does not evaluate `task: ranking`, which needs all documents of a query in one place"
        yield Problem(f"{message}; remove `engine` to evaluate on this machine")
    if job.row_changes:
        yield Problem(
            "`engine: spark` does not list the rows whose loss changed most; remove `report: {rows: …}`, " + _HERE
        )
    if job.slice_search is not None:
        message = "`engine: spark` does not search for the worst slices; remove `slices: auto` or `slice_search`"
        yield Problem(f"{message}, {_HERE}", setting=("evaluation", "slice_search"))
    for key, what in (("cluster", "sum by cluster"), ("weight", "weigh rows")):
        if getattr(job, key) is not None:
            yield Problem(f"`engine: spark` does not {what}; remove `{key}`, {_HERE}", setting=("evaluation", key))
    if job.candidate.probabilities or (job.baseline is not None and job.baseline.probabilities):
        message = "`engine: spark` does not read a probability for each class"
        yield Problem(f"{message}; keep `decision` alone, {_HERE}", setting=("candidate", "probabilities"))
    if labels_of(job.data) is not None:
        message = "`engine: spark` reads labels from the evaluation set itself"
        yield Problem(f"{message}; join them to `data` before, {_HERE}", setting=("evaluation", "labels"))
    apart = [model.path for model in (job.candidate, job.baseline) if model is not None and model.path != job.data]
    if job.key is None and apart:
        message = "`engine: spark` joins predictions by key, because tables on a cluster have no order"
        yield Problem(f"{message}; name the column under `evaluation`: `key: …`", setting=("evaluation", "key"))
