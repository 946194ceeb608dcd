"""Checks of the permissions that jobs give their token."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlci.config.types import GITHUB
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.findings import Finding, LineInsertion, Severity
from mlci.operations.doctor.workflows import WorkflowJob


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
                    lines="permissions:\n  contents: read # promote in a separate job: docs/how-to/promote-on-merge.md",
                    path=workflow.path,
                    line=workflow.line(*owner, "permissions", "contents"),
                )


def _jobs(facts: SetupFacts) -> Iterator[WorkflowJob]:
    for workflow in facts.mlci_workflows:
        yield from (job for job in workflow.jobs if job.stages)


def _needs(facts: SetupFacts, job: WorkflowJob) -> list[_Need]:
    """Return what a job needs, by its stages, and by the configuration's registry and policy on comments."""
    config = facts.loaded.config if facts.loaded else None
    writes = job.promotes and config is not None and config.registry == GITHUB
    needs = [_WRITE if writes else _READ]
    if job.stages & {"publish", "open"}:
        comments = "publish" in job.stages and (config is None or config.policy.comment != "never")
        pulls = any(name in job.workflow.events for name in ("pull_request", "pull_request_target"))
        needs += [one for one in _PUBLISHES if one.name != "pull-requests" or (comments and pulls)]
    return needs


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


CHECKS = (check_missing_permissions, check_wide_permissions)
