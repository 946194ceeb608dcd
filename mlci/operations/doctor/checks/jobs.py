"""Checks of jobs: checkout and its depth, concurrency, timeouts, and a verdict that counts."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlci.config.types import Path
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.findings import Finding, LineInsertion
from mlci.operations.doctor.workflows import WorkflowFile, WorkflowStep

_OF_ONE_PULL_REQUEST = ("github.ref", "github.head_ref", "github.event.number", "pull_request.", "github.run_id", "sha")
_TIMEOUT = 60
_GROUP = "concurrency:\n  group: ${{ github.workflow }}-${{ github.ref }}\n"
_CANCEL = "  cancel-in-progress: ${{ github.event_name == 'pull_request' }}"


def check_checkout(facts: SetupFacts) -> Iterator[Finding]:
    """Report a job that evaluates without a checkout."""
    for job in facts.evaluating_jobs:
        if job.steps and not any(step.is_checkout or "git clone" in step.script for step in job.steps):
            yield Finding(
                name="checkout-missing",
                severity="error",
                what=f"Job `{job.id}` evaluates without checking the code out.",
                why="A job begins in an empty folder, without `mlci.yml`.",
                lines=f"- uses: {facts.pinned('actions/checkout')}\n  with:\n    persist-credentials: false",
                path=job.workflow.path,
                line=job.workflow.line(*job.path, "steps"),
            )


def check_fetch_depth(facts: SetupFacts) -> Iterator[Finding]:
    """Report a shallow checkout where another commit is the baseline."""
    for job in facts.evaluating_jobs if facts.ref else ():
        for step in job.steps if job.stages & {"run", "evaluate"} else ():
            if step.is_checkout and str(step.input("fetch-depth", 1)) != "0":
                yield Finding(
                    name="checkout-shallow",
                    severity="error",
                    what=f"The checkout of job `{job.id}` has the last commit only, and the baseline is `{facts.ref}`.",
                    why="The baseline's commit is not in the clone, and `mlci run` ends with exit code 2.",
                    lines="with:\n  fetch-depth: 0",
                    path=job.workflow.path,
                    line=job.workflow.line(*step.path),
                    fix=None if "fetch-depth" in step.inputs else _deepened(job.workflow, step),
                )


def _deepened(workflow: WorkflowFile, step: WorkflowStep) -> LineInsertion | None:
    if "with" in step.data:
        return workflow.insert_key((*step.path, "with"), "fetch-depth", 0, "fetch-depth: 0")
    lines = ("with:", "  fetch-depth: 0")
    return workflow.insert_after((*step.path, "uses"), "with", {"fetch-depth": 0}, lines)


def check_concurrency(facts: SetupFacts) -> Iterator[Finding]:
    """Report workflows without a concurrency group, and groups that pull requests share."""
    for workflow in facts.gates:
        groups = [(place, group) for place, group in _groups(workflow) if group is not None]
        if not groups:
            yield Finding(
                name="concurrency-missing",
                severity="warning",
                what="The workflow has no `concurrency` group.",
                why="Each push to a pull request trains beside the trainings of earlier pushes.",
                lines=_GROUP + _CANCEL,
                path=workflow.path,
                line=workflow.line("jobs"),
            )
        for place, group in groups:
            name = str(group.get("group", ""))
            if not any(part in name for part in _OF_ONE_PULL_REQUEST):
                yield Finding(
                    name="concurrency-shared",
                    severity="error",
                    what=f"All pull requests share the concurrency group `{name}`.",
                    why="A run of one pull request cancels that of another, whose required check then stays red.",
                    lines=_GROUP + _CANCEL,
                    path=workflow.path,
                    line=workflow.line(*place),
                )


def check_promotion_concurrency(facts: SetupFacts) -> Iterator[Finding]:
    """Report promotions that a later run cancels."""
    for workflow in facts.mlci_workflows:
        for place, group in _groups(workflow) if workflow.promotes else ():
            if group is not None and group.get("cancel-in-progress") is True:
                yield Finding(
                    name="concurrency-cancels-promotion",
                    severity="error",
                    what="A later run cancels a promotion that is in progress.",
                    why="The merged model is then not promoted, and production stays behind the default branch.",
                    lines="concurrency:\n  group: ${{ github.workflow }}\n  cancel-in-progress: false\n  queue: max",
                    path=workflow.path,
                    line=workflow.line(*place),
                )


def _groups(workflow: WorkflowFile) -> Iterator[tuple[Path, Mapping[str, Any] | None]]:
    yield ("concurrency",), _group(workflow.data.get("concurrency"))
    yield from (((*job.path, "concurrency"), _group(job.data.get("concurrency"))) for job in workflow.jobs)


def _group(written: object) -> Mapping[str, Any] | None:
    if isinstance(written, str):
        return {"group": written}
    return written if isinstance(written, dict) else None


def check_timeouts(facts: SetupFacts) -> Iterator[Finding]:
    """Report jobs without a timeout, and those with one that is shorter than training may take."""
    for job in facts.evaluating_jobs:
        if not job.steps:
            continue
        minutes = job.data.get("timeout-minutes")
        if minutes is None:
            line = f"timeout-minutes: {_TIMEOUT}"
            yield Finding(
                name="timeout-missing",
                severity="warning",
                what=f"Job `{job.id}` has no `timeout-minutes`.",
                why="GitHub stops it after six hours; until then its check is pending and its runner is busy.",
                lines=line,
                path=job.workflow.path,
                line=job.workflow.line(*job.path),
                fix=job.workflow.insert_after((*job.path, "runs-on"), "timeout-minutes", _TIMEOUT, (line,)),
            )
        elif isinstance(minutes, int) and (needed := _written_minutes(facts)) > minutes:
            yield Finding(
                name="timeout-shorter-than-training",
                severity="warning",
                what=f"Job `{job.id}` ends after {minutes} minutes, and `train.timeout` allows {needed:g}.",
                why="GitHub cancels the job before mlci can report which step was too slow.",
                lines=f"timeout-minutes: {round(needed) + 10}",
                path=job.workflow.path,
                line=job.workflow.line(*job.path, "timeout-minutes"),
            )


def _written_minutes(facts: SetupFacts) -> float:
    """Return the timeout of training in minutes if the configuration sets it; 0 without it."""
    train = facts.loaded.config.train if facts.loaded else None
    return float(train.timeout) / 60 if train is not None and "timeout" in train.model_fields_set else 0.0


def check_verdict_counts(facts: SetupFacts) -> Iterator[Finding]:
    """Report jobs and steps whose failure is ignored."""
    for workflow in facts.gates:
        for job in workflow.jobs:
            parts: list[tuple[Path, Mapping[str, Any]]] = [(job.path, job.data)] if job.stages & {"run", "gate"} else []
            parts += [(step.path, step.data) for step in job.steps if step.stages & {"run", "gate"}]
            for place, data in parts:
                if data.get("continue-on-error") is True:
                    yield Finding(
                        name="verdict-ignored",
                        severity="warning",
                        what=f"`continue-on-error` ignores the verdict in job `{job.id}`.",
                        why="The job is green although a gate blocks; a merge that depends on the job is not stopped.",
                        lines="continue-on-error: false   # or remove the line",
                        path=workflow.path,
                        line=workflow.line(*place, "continue-on-error"),
                    )


CHECKS = (
    check_checkout,
    check_fetch_depth,
    check_concurrency,
    check_promotion_concurrency,
    check_timeouts,
    check_verdict_counts,
)
