"""Checks of what the code of a pull request can reach: a token that can write, secrets, credentials of the checkout."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlci.config.types import Path
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.findings import Finding
from mlci.operations.doctor.workflows import WorkflowJob, WorkflowStep

_SECRET = re.compile(r"\bsecrets\.(?!GITHUB_TOKEN\b)(\w+)")


def check_target_checkout(facts: SetupFacts) -> Iterator[Finding]:
    """Report `pull_request_target` or `workflow_run` with a checkout of the pull request's head."""
    for workflow in facts.mlci_workflows:
        event = next((one for one in ("pull_request_target", "workflow_run") if one in workflow.events), None)
        heads = [step for job in workflow.jobs for step in job.steps if step.fetches_head]
        for step in heads if event else []:
            yield Finding(
                name="fork-target-checkout",
                severity="error",
                what=f"On `{event}`, job `{step.job.id}` checks out the head of the pull request.",
                why="A stranger's code then runs with a token that can write and with the repository's secrets.",
                lines="on:\n  pull_request:   # docs/how-to/accept-forks.md says what forks get",
                path=workflow.path,
                line=workflow.line(*step.path),
            )


def check_target_base(facts: SetupFacts) -> Iterator[Finding]:
    """Report an evaluation on `pull_request_target`, whose checkout is the base branch."""
    for workflow in facts.gates:
        heads = any(step.fetches_head for job in workflow.jobs for step in job.steps)
        if "pull_request_target" in workflow.events and "pull_request" not in workflow.events and not heads:
            yield Finding(
                name="fork-target-base",
                severity="error",
                what="The workflow evaluates on `pull_request_target`, whose checkout is the base branch.",
                why="The base is measured instead of the pull request, and every pull request passes.",
                lines="on:\n  pull_request:\n  merge_group:",
                path=workflow.path,
                line=workflow.line("on", "pull_request_target"),
            )


def check_secrets_beside_code(facts: SetupFacts) -> Iterator[Finding]:
    """Report secrets in the environment in which the code of a pull request runs."""
    for job in _gate_jobs(facts):
        places: list[tuple[Path, Any]] = [
            (("env",), job.workflow.data.get("env")),
            ((*job.path, "env"), job.data.get("env")),
        ]
        places += [((*step.path, "env"), step.data.get("env")) for step in job.steps if step.stages]
        for place, environment in places:
            for name, secret in _secrets(environment):
                yield Finding(
                    name="secret-beside-code",
                    severity="error" if "pull_request_target" in job.workflow.events else "warning",
                    what=f"`{name}` puts the secret `{secret}` beside the code of pull requests.",
                    why="Who may open a pull request from a branch can read it, and send it anywhere.",
                    lines="uses: mlci/mlci/.github/workflows/model-ci.yml@<commit>   # or `env:` of the one step that "
                    "needs it\nsecrets:\n  env: ${{ secrets.TRAINING_ENV }}",
                    path=job.workflow.path,
                    line=job.workflow.line(*place, name),
                )


def check_inherited_secrets(facts: SetupFacts) -> Iterator[Finding]:
    """Report a called workflow that gets all secrets of the repository."""
    for job in _gate_jobs(facts):
        if job.use is not None and job.data.get("secrets") == "inherit":
            yield Finding(
                name="secrets-inherited",
                severity="warning",
                what=f"Job `{job.id}` passes all secrets of the repository on.",
                why="The job that trains runs the pull request's code; it needs the secrets of training at most.",
                lines="secrets:\n  env: ${{ secrets.TRAINING_ENV }}",
                path=job.workflow.path,
                line=job.workflow.line(*job.path, "secrets"),
            )


def check_persisted_credentials(facts: SetupFacts) -> Iterator[Finding]:
    """Report a checkout that leaves the job's token in `.git/config`, where the pull request's code finds it."""
    for job in _gate_jobs(facts):
        for step in job.steps:
            if step.is_checkout and str(step.input("persist-credentials", "true")).lower() != "false":
                yield _persisted(job, step)


def _persisted(job: WorkflowJob, step: WorkflowStep) -> Finding:
    line = "persist-credentials: false"
    workflow = job.workflow
    fix = workflow.insert_key((*step.path, "with"), "persist-credentials", False, line) if step.inputs else None
    if "with" not in step.data:
        value = {"persist-credentials": False}
        fix = workflow.insert_after((*step.path, "uses"), "with", value, ("with:", f"  {line}"))
    return Finding(
        name="checkout-keeps-token",
        severity="warning",
        what=f"The checkout of job `{job.id}` leaves the job's token in `.git/config`.",
        why="Training runs in that folder and can read it.",
        lines=f"with:\n  {line}",
        path=workflow.path,
        line=workflow.line(*step.path),
        fix=None if "persist-credentials" in step.inputs else fix,
    )


def _gate_jobs(facts: SetupFacts) -> Iterator[WorkflowJob]:
    """Yield the jobs in which the code of a pull request runs."""
    for workflow in facts.gates:
        yield from (job for job in workflow.jobs if job.evaluates)


def _secrets(environment: object) -> Iterator[tuple[str, str]]:
    for name, value in environment.items() if isinstance(environment, Mapping) else ():
        if found := _SECRET.search(str(value)):
            yield name, found[1]


CHECKS = (
    check_target_checkout,
    check_target_base,
    check_secrets_beside_code,
    check_inherited_secrets,
    check_persisted_credentials,
)
