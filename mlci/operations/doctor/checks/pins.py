"""Checks of pins: actions by commit, and one version of mlci in all workflows."""

from collections.abc import Iterator

from mlci.config.types import Path
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.findings import Finding
from mlci.operations.doctor.workflows import ActionUse, WorkflowFile


def check_action_pins(facts: SetupFacts) -> Iterator[Finding]:
    """Report actions and reusable workflows that a tag or a branch names instead of a commit."""
    for workflow in facts.mlci_workflows:
        for place, use in _uses(workflow):
            if use.is_pinned:
                continue
            yield Finding(
                name="pin-mlci" if use.is_mlci else "pin-action",
                severity="warning",
                what=f"`{use.repository}{use.path}@{use.ref}` is named by a tag or a branch.",
                why="Its owner can move the name to other code, which then runs with this job's token.",
                lines=_pinned(facts, use),
                path=workflow.path,
                line=workflow.line(*place),
            )


def check_one_version(facts: SetupFacts) -> Iterator[Finding]:
    """Report several versions of mlci, of which one may not read what another wrote."""
    found = [(one, place, use) for one in facts.mlci_workflows for place, use in _uses(one) if use.is_mlci]
    versions = list(dict.fromkeys(use.ref for _, _, use in found))
    if len(versions) > 1:
        workflow, place, use = next(one for one in found if one[2].ref == versions[1])
        yield Finding(
            name="pin-mlci-mixed",
            severity="warning",
            what=f"The workflows use {len(versions)} versions of mlci: {', '.join(one[:12] for one in versions)}.",
            why="An older version may stop at a measurement or a ledger entry that a newer one wrote.",
            lines=f"uses: {use.repository}{use.path}@{versions[0]}",
            path=workflow.path,
            line=workflow.line(*place),
        )


def _uses(workflow: WorkflowFile) -> Iterator[tuple[Path, ActionUse]]:
    for job in workflow.jobs:
        if job.use is not None:
            yield (*job.path, "uses"), job.use
        yield from (((*step.path, "uses"), step.use) for step in job.steps if step.use is not None)


def _pinned(facts: SetupFacts, use: ActionUse) -> str:
    """Return the pinned line; with a command that finds the commit if mlci does not know it."""
    known = facts.pins.get(use.repository)
    if known is not None:
        return f"uses: {use.repository}{use.path}@{known[0]} # {known[1]}"
    return (
        f"git ls-remote https://github.com/{use.repository} {use.ref}   # prints the commit\n"
        f"uses: {use.repository}{use.path}@<commit> # {use.ref}"
    )


CHECKS = (check_action_pins, check_one_version)
