"""Checks of what the code of a pull request can reach: permissions of jobs, pins of actions, secrets, credentials."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlci.config.types import GITHUB, Path
from mlci.operations.doctor.checks.finding import Finding, LineInsertion, Severity
from mlci.operations.doctor.expressions import ANY, find_references
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.workflows import ActionUse, WorkflowFile, WorkflowJob, WorkflowStep


@dataclass(frozen=True)
class _Need:
    """A permission with its purpose, which is also the comment of the line, and the effect of its absence."""

    name: str
    level: str
    purpose: str
    without: str
    severity: Severity


_READ = _Need("contents", "read", "to check the code out", "The checkout fails in a private repository.", "error")
_PUBLISHES = (
    _Need("checks", "write", "to write the check", "The check is not written; the commit status stands in.", "error"),
    _Need("statuses", "write", "to write the commit status of the same name", "The status is missing.", "warning"),
    _Need("pull-requests", "write", "to write the comment", "Pull requests get no comment.", "warning"),
)
_VERIFIES = _Need(
    "actions", "read", "to verify the run that trained, and to download its predictions", "Nothing is judged.", "error"
)
_WRITE = _Need("contents", "write", "to write the registry", "The registry refuses the promotion.", "error")


def check_missing_permissions(facts: SetupFacts) -> Iterator[Finding]:
    """Report permissions that a job of mlci needs and does not have."""
    for job in _jobs(facts):
        given = job.permissions
        needs = _needs(facts, job)
        if given is None:
            yield _unset(job, needs)
            continue
        for need in needs:
            if given.get(need.name) not in {need.level, "write"}:
                yield _missing(job, need)


def check_wide_permissions(facts: SetupFacts) -> Iterator[Finding]:
    """Report jobs that run a pull request's code with a token that may write the repository."""
    for workflow in facts.gates:
        for job in workflow.jobs:
            given = job.permissions or {}
            if job.evaluates and not job.calls_mlci and given.get("contents") == "write":
                owner = job.path if "permissions" in job.data else ()
                yield Finding(
                    name="permission-too-wide",
                    severity="error",
                    what=f"Job `{job.id}` runs the code of pull requests with `contents: write`.",
                    why="That code can push to the repository and rewrite a registry in it.",
                    lines="permissions:\n  contents: read # to promote: docs/how-to/workflows/promote-on-merge.md",
                    path=workflow.path,
                    line=workflow.line(*owner, "permissions", "contents"),
                )


def _jobs(facts: SetupFacts) -> Iterator[WorkflowJob]:
    for workflow in facts.mlci_workflows:
        yield from (job for job in workflow.jobs if job.stages)


def _needs(facts: SetupFacts, job: WorkflowJob) -> list[_Need]:
    """Return what a job needs, by its stages, and by the configuration's registry and policy on comments."""
    if job.stages == {"models-publish"}:
        return list(_PUBLISHES)
    config = facts.loaded.config if facts.loaded else None
    writes = job.promotes and config is not None and config.registry == GITHUB
    needs = [_WRITE if writes else _READ]
    if job.stages & {"publish", "open"}:
        comments = "publish" in job.stages and (config is None or config.policy.comment != "never")
        pulls = any(name in job.workflow.events for name in ("pull_request", "pull_request_target"))
        needs += [one for one in _PUBLISHES if one.name != "pull-requests" or (comments and pulls)]
    return [*needs, _VERIFIES, *_PUBLISHES] if job.judges_sealed else needs


def _unset(job: WorkflowJob, needs: list[_Need]) -> Finding:
    written = tuple(f"  {one.name}: {one.level} # {one.purpose}" for one in needs)
    value = {one.name: one.level for one in needs}
    anchor = "uses" if job.calls_mlci else "runs-on"
    return Finding(
        name="permissions-unset",
        severity="warning",
        what=f"Job `{job.id}` has no `permissions`, so a setting of the repository decides what its token may do.",
        why="By default it can only read, so neither check nor comment is written; or it can write everything.",
        lines="\n".join(("permissions:", *written)),
        path=job.workflow.path,
        line=job.workflow.line(*job.path),
        fix=job.workflow.insert_after((*job.path, anchor), "permissions", value, ("permissions:", *written)),
    )


def _missing(job: WorkflowJob, need: _Need) -> Finding:
    line = f"{need.name}: {need.level} # {need.purpose}"
    own = "permissions" in job.data
    place = (*job.path, "permissions") if own else job.path
    return Finding(
        name=f"permission-{need.name}-missing" if need is not _WRITE else "permission-contents-write-missing",
        severity=need.severity,
        what=f"Job `{job.id}` lacks `{need.name}: {need.level}`.",
        why=need.without,
        lines=f"permissions:\n  {line}",
        path=job.workflow.path,
        line=job.workflow.line(*place),
        fix=_addition(job, need, line) if own else None,
    )


def _addition(job: WorkflowJob, need: _Need, line: str) -> LineInsertion | None:
    """Return the new line; ``None`` if the permission has a line with another level, which a user has to change."""
    written = job.data["permissions"]
    if not isinstance(written, dict) or need.name in written:
        return None
    return job.workflow.insert_key((*job.path, "permissions"), need.name, need.level, line)


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
    known = facts.pins.get(use.repository.lower())
    if known is not None:
        return f"uses: {use.repository}{use.path}@{known[0]} # {known[1]}"
    return (
        f"git ls-remote https://github.com/{use.repository} {use.ref}   # prints the commit\n"
        f"uses: {use.repository}{use.path}@<commit> # {use.ref}"
    )


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
                lines="on:\n  pull_request:   # docs/how-to/workflows/accept-forks.md says what forks get",
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
        if job.trains_sealed:
            continue  # `sealed-train-secret` allows it none at all
        places: list[tuple[Path, Any]] = [
            (("env",), job.workflow.data.get("env")),
            ((*job.path, "env"), job.data.get("env")),
        ]
        for step in (one for one in job.steps if one.stages):
            places += [((*step.path, "env"), step.data.get("env")), (step.path, {"run": step.script})]
        for place, environment in places:
            for name, secret in _secrets(environment):
                yield Finding(
                    name="secret-beside-code",
                    severity="error" if "pull_request_target" in job.workflow.events else "warning",
                    what=f"`{name}` puts {secret} beside the code of pull requests.",
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
        found = [one for one in find_references(value, "secrets") if one != "github_token"]
        if found:
            yield name, "all secrets" if ANY in found else f"the secret `{found[0].upper()}`"


CHECKS = (
    check_missing_permissions,
    check_wide_permissions,
    check_action_pins,
    check_one_version,
    check_target_checkout,
    check_target_base,
    check_secrets_beside_code,
    check_inherited_secrets,
    check_persisted_credentials,
)
