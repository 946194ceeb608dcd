"""Checks of the events that start an evaluation, and of filters that leave a required check pending."""

import fnmatch
from collections.abc import Iterator

from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.findings import Finding
from mlci.operations.doctor.workflows import PULL_REQUESTS, WorkflowFile

_TYPES = ("opened", "synchronize", "reopened")


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
    for workflow, event in _gate_events(facts):
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


def _gate_events(facts: SetupFacts) -> Iterator[tuple[WorkflowFile, str]]:
    for workflow in facts.gates:
        yield from ((workflow, event) for event in PULL_REQUESTS if event in workflow.events)


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list) else []


CHECKS = (check_pull_request_event, check_merge_group, check_path_filters, check_branch_filters, check_event_types)
