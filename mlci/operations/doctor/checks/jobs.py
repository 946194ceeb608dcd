"""Checks of jobs: their events, checkout and its depth, concurrency, timeouts, and a verdict that counts."""

import fnmatch
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from mlci.config.types import Path
from mlci.operations.doctor.checks.conditions import QUEUE, gate_events, known_values, may_run
from mlci.operations.doctor.checks.finding import Finding, LineInsertion
from mlci.operations.doctor.expressions import evaluate_condition
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.workflows import PULL_REQUESTS, WorkflowFile, WorkflowJob, WorkflowStep

_TYPES = ("opened", "synchronize", "reopened")
_OF_ONE_PULL_REQUEST = ("github.ref", "github.head_ref", "github.event.number", "pull_request.", "github.run_id", "sha")
_TIMEOUT = 60
_GROUP = "concurrency:\n  group: ${{ github.workflow }}-${{ github.ref }}\n"
_CANCEL = "  cancel-in-progress: ${{ github.event_name == 'pull_request' }}"


def check_pull_request_event(facts: SetupFacts) -> Iterator[Finding]:
    """Report that no workflow evaluates pull requests although one evaluates."""
    evaluating = [one for one in facts.workflows if one.evaluates and not one.promotes]
    if evaluating and not facts.gates:
        workflow = evaluating[0]
        yield Finding(
            name="trigger-pull-request-missing",
            severity="error",
            what="The workflow evaluates, but not on `pull_request`.",
            why="Pull requests get no check, and a required one stays pending.",
            lines="on:\n  pull_request:\n  merge_group:",
            path=workflow.path,
            line=workflow.line("on"),
            fix=workflow.insert_key(("on",), "pull_request", None, "pull_request:"),
        )


def check_merge_group(facts: SetupFacts) -> Iterator[Finding]:
    """Report that no workflow evaluates the commits of a merge queue."""
    queue = facts.repository is not None and facts.repository.queue
    if facts.gates and not any(one.evaluates and "merge_group" in one.events for one in facts.workflows):
        workflow = facts.gates[0]
        yield Finding(
            name="trigger-merge-group-missing",
            severity="error" if queue else "warning",
            what="The workflow is not started by `merge_group`.",
            why=f"In a merge queue{', which this repository has,' if queue else ''} the required check never reports, "
            "and the queue waits until it times out.",
            lines="on:\n  merge_group:",
            path=workflow.path,
            line=workflow.line("on"),
            fix=workflow.insert_key(("on",), "merge_group", None, "merge_group:"),
        )


def check_path_filters(facts: SetupFacts) -> Iterator[Finding]:
    """Report path filters on the workflow, which leave a required check pending."""
    for workflow, event in _gate_events(facts):
        for key in ("paths", "paths-ignore"):
            if key in workflow.events[event]:
                yield Finding(
                    name="trigger-path-filter",
                    severity="error",
                    what=f"`on.{event}.{key}` skips the workflow for some pull requests.",
                    why="There the required check never reports, and the merge stays blocked.",
                    lines="paths: [src/**, data/**, requirements.txt]   # in mlci.yml instead: the check is green "
                    "without training",
                    path=workflow.path,
                    line=workflow.line("on", event, key),
                )


def check_branch_filters(facts: SetupFacts) -> Iterator[Finding]:
    """Report branch filters that leave the default branch out."""
    branch = facts.repository.branch if facts.repository else "main"
    queues = ((workflow, QUEUE) for workflow in facts.gates if QUEUE in workflow.events)
    for workflow, event in (*_gate_events(facts), *queues):
        filters = workflow.events[event]
        wanted, ignored = _texts(filters.get("branches")), _texts(filters.get("branches-ignore"))
        known = facts.repository is not None or not {"main", "master", "trunk", "develop"} & set(wanted)
        missed = bool(wanted) and known and not any(fnmatch.fnmatch(branch, one) for one in wanted)
        if missed or any(fnmatch.fnmatch(branch, one) for one in ignored):
            yield Finding(
                name="trigger-branch-filter",
                severity="error",
                what=f"`on.{event}` leaves out pull requests into `{branch}`.",
                why="They get no check, and a required one stays pending.",
                lines=f"on:\n  {event}:\n    branches: [{branch}]",
                path=workflow.path,
                line=workflow.line("on", event, "branches-ignore" if ignored else "branches"),
            )


def check_event_types(facts: SetupFacts) -> Iterator[Finding]:
    """Report activity types that leave pushes to an open pull request out."""
    for workflow, event in _gate_events(facts):
        types = _texts(workflow.events[event].get("types"))
        missing = [one for one in _TYPES if one not in types] if types else []
        if missing:
            yield Finding(
                name="trigger-types",
                severity="error",
                what=f"`on.{event}.types` leaves out {', '.join(f'`{one}`' for one in missing)}.",
                why="`synchronize` is a push to an open pull request: its new head commit gets no check.",
                lines=f"types: [{', '.join([*_TYPES, *(one for one in types if one not in _TYPES)])}]",
                path=workflow.path,
                line=workflow.line("on", event, "types"),
            )
    for workflow in facts.gates:
        types = _texts(workflow.events.get(QUEUE, {}).get("types"))
        if types and "checks_requested" not in types:
            yield Finding(
                name="trigger-types",
                severity="error",
                what=f"`on.{QUEUE}.types` leaves out `checks_requested`.",
                why="It is the request of a merge queue for checks: the queue waits until it times out.",
                lines="types: [checks_requested]",
                path=workflow.path,
                line=workflow.line("on", QUEUE, "types"),
            )


def check_label_event(facts: SetupFacts) -> Iterator[Finding]:
    """Report that no workflow runs when the label is set that asks for training."""
    train = facts.loaded.config.train if facts.loaded is not None else None
    if train is None or train.when == "always" or not facts.gates:
        return
    events = list(_gate_events(facts))
    if any("labeled" in _texts(workflow.events[event].get("types")) for workflow, event in events):
        return
    workflow, event = events[0]
    yield Finding(
        name="trigger-label-missing",
        severity="error",
        what=f"`train.when` is `asked`, and no workflow runs when the label `{train.label}` is set.",
        why="The label starts no training, and the check blocks the merge until a person runs the workflow again.",
        lines=f"on:\n  {event}:\n    types: [{', '.join([*_TYPES, 'labeled'])}]",
        path=workflow.path,
        line=workflow.line("on", event),
    )


def _gate_events(facts: SetupFacts) -> Iterator[tuple[WorkflowFile, str]]:
    for workflow in facts.gates:
        yield from ((workflow, event) for event in PULL_REQUESTS if event in workflow.events)


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list) else []


def check_checkout(facts: SetupFacts) -> Iterator[Finding]:
    """Report a job that evaluates without a checkout before it."""
    for job in facts.evaluating_jobs:
        if job.steps and not any(_checks_out(step) for step in _before_evaluation(job)):
            yield Finding(
                name="checkout-missing",
                severity="error",
                what=f"Job `{job.id}` evaluates without checking the code out first.",
                why="A job begins in an empty folder, without `mlci.yml`.",
                lines=f"- uses: {facts.pinned('actions/checkout')}\n  with:\n    persist-credentials: false",
                path=job.workflow.path,
                line=job.workflow.line(*job.path, "steps"),
            )


def _before_evaluation(job: WorkflowJob) -> Iterator[WorkflowStep]:
    return itertools.takewhile(lambda step: not step.stages & {"run", "train", "evaluate", "sealed-predict"}, job.steps)


def _checks_out(step: WorkflowStep) -> bool:
    events = gate_events(step.job.workflow) or [""]
    return (step.is_checkout or "git clone" in step.script) and any(may_run(step, event) for event in events)


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
        elif isinstance(minutes, int | float) and minutes <= 0:
            yield Finding(
                name="timeout-zero",
                severity="error",
                what=f"Job `{job.id}` has {minutes:g} minutes.",
                why="GitHub cancels it before it evaluates, and nothing is judged.",
                lines=f"timeout-minutes: {_TIMEOUT}",
                path=job.workflow.path,
                line=job.workflow.line(*job.path, "timeout-minutes"),
            )
        elif isinstance(minutes, int | float) and (needed := _written_minutes(facts)) > minutes:
            yield Finding(
                name="timeout-shorter-than-training",
                severity="warning",
                what=f"Job `{job.id}` ends after {minutes:g} minutes, and `train.timeout` allows {needed:g}.",
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
                if _is_ignored(data.get("continue-on-error"), workflow):
                    yield Finding(
                        name="verdict-ignored",
                        severity="warning",
                        what=f"`continue-on-error` ignores the verdict in job `{job.id}`.",
                        why="The job is green although a gate blocks; a merge that depends on the job is not stopped.",
                        lines="continue-on-error: false   # or remove the line",
                        path=workflow.path,
                        line=workflow.line(*place, "continue-on-error"),
                    )


def _is_ignored(flag: object, workflow: WorkflowFile) -> bool:
    return any(evaluate_condition(flag, known_values(event)) for event in gate_events(workflow))


CHECKS = (
    check_pull_request_event,
    check_merge_group,
    check_path_filters,
    check_branch_filters,
    check_event_types,
    check_label_event,
    check_checkout,
    check_fetch_depth,
    check_concurrency,
    check_promotion_concurrency,
    check_timeouts,
    check_verdict_counts,
)
