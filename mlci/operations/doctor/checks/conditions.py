"""Checks of what decides that the jobs of a gate run: `if`, and the jobs that they need."""

from collections.abc import Iterable, Iterator

from mlci.config.types import Path
from mlci.operations.doctor.checks.finding import Finding
from mlci.operations.doctor.checks.models import configurations
from mlci.operations.doctor.expressions import Known, called_functions, depends_on_run, evaluate_condition
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.workflows import PULL_REQUESTS, WorkflowFile, WorkflowJob, WorkflowStep

QUEUE = "merge_group"
_EVALUATING = frozenset({"run", "train", "evaluate", "sealed-predict"})
_JUDGING = frozenset({"run", "gate"})
_PUBLISHING = frozenset({"publish"})
_REFS = {"pull_request": "refs/pull/1/merge", QUEUE: "refs/heads/gh-readonly-queue/main/pr-1-0"}
_DESPITE = {"always", "cancelled", "failure"}
"""Functions with which a job runs although one that it needs was skipped."""


def known_values(event: str) -> Known:
    """Return what is known of a run without failures that an event starts."""
    known: dict[tuple[str, ...], str | float | bool | None] = {
        ("github", "event_name"): event,
        ("always()",): True,
        ("success()",): True,
        ("failure()",): False,
        ("cancelled()",): False,
    }
    if event in _REFS:
        ref = _REFS[event]
        known |= {("github", "ref"): ref, ("github", "ref_name"): ref.split("/", 2)[2]}
    return known


def gate_events(workflow: WorkflowFile) -> list[str]:
    """Return the events of pull requests that start a workflow."""
    return [one for one in PULL_REQUESTS if one in workflow.events]


def may_run(step: WorkflowStep, event: str) -> bool:
    """Return whether the condition of a step can hold."""
    return evaluate_condition(step.data.get("if", True), known_values(event)) is not False


def check_gate_runs(facts: SetupFacts) -> Iterator[Finding]:
    """Report a configuration whose jobs run on no pull request, or on none of a merge queue; each line once."""
    yield from {(one.name, one.path, one.line): one for one in _skipped(facts)}.values()


def _skipped(facts: SetupFacts) -> Iterator[Finding]:
    jobs = [job for workflow in facts.gates for job in workflow.jobs]
    queued = [job for one in facts.workflows if one.evaluates and QUEUE in one.events for job in one.jobs]
    for stages, what in ((_EVALUATING, "evaluates"), (_JUDGING, "judges")):
        for group in _by_configuration(jobs, stages):
            stops = [_stop(job, stages, event) for job in group for event in gate_events(job.workflow)]
            if stops and None not in stops:
                yield _never_runs(group[0], stops[0] or group[0].path, what)
        for group in _by_configuration(queued, stages):
            stops = [_stop(job, stages, QUEUE) for job in group]
            runs = any(_stop(job, stages, event) is None for job in group for event in gate_events(job.workflow))
            if runs and None not in stops:
                queue = facts.repository is not None and facts.repository.queue
                yield _skips_queue(group[0], stops[0] or group[0].path, what, queue=queue)


def _by_configuration(jobs: Iterable[WorkflowJob], stages: frozenset[str]) -> Iterator[list[WorkflowJob]]:
    """Yield the jobs of some stages by the configuration that they use."""
    groups: dict[str, list[WorkflowJob]] = {}
    for job in jobs:
        if job.stages & stages:
            for name in {wanted for wanted, _, _ in configurations(job)} or {""}:
                groups.setdefault(name, []).append(job)
    unique = {tuple(job.path for job in group): group for group in groups.values()}
    yield from unique.values()


def _stop(job: WorkflowJob, stages: frozenset[str], event: str) -> Path | None:
    """Return the place that keeps a job, or its steps of some stages, from running; ``None`` if they may run."""
    if (stopped := _job_stop(job, event, frozenset())) is not None:
        return stopped
    steps = [step for step in job.steps if step.stages & stages]
    stopped_steps = [step for step in steps if not may_run(step, event)]
    return (*stopped_steps[0].path, "if") if steps and len(stopped_steps) == len(steps) else None


def _job_stop(job: WorkflowJob, event: str, seen: frozenset[str]) -> Path | None:
    condition = job.data.get("if", True)
    if evaluate_condition(condition, known_values(event)) is False:
        return (*job.path, "if")
    if job.id in seen or _DESPITE & called_functions(condition):
        return None
    needed = [one for one in job.workflow.jobs if one.id.lower() in _needs(job)]
    stopped = [one for one in needed if _job_stop(one, event, seen | {job.id}) is not None]
    return (*job.path, "needs") if stopped else None


def _needs(job: WorkflowJob) -> list[str]:
    written = job.data.get("needs")
    return [str(one).lower() for one in (written if isinstance(written, list) else [written] if written else [])]


def _never_runs(job: WorkflowJob, place: Path, what: str) -> Finding:
    return Finding(
        name="gate-never-runs",
        severity="error",
        what=f"Job `{job.id}`, which {what}, is skipped on every pull request: by its `{place[-1]}`.",
        why="Nothing is judged. A required check stays pending, and a required job counts as passed.",
        lines="remove the line; to save training, use `when` or `paths` of `train` in mlci.yml",
        path=job.workflow.path,
        line=job.workflow.line(*place),
    )


def _skips_queue(job: WorkflowJob, place: Path, what: str, *, queue: bool) -> Finding:
    return Finding(
        name="gate-skips-queue",
        severity="error" if queue else "warning",
        what=f"Job `{job.id}`, which {what}, is skipped on `merge_group`: by its `{place[-1]}`.",
        why=f"In a merge queue{', which this repository has,' if queue else ''} the required check never reports, "
        "and the queue waits until it times out.",
        lines="if: github.event_name == 'pull_request' || github.event_name == 'merge_group'",
        path=job.workflow.path,
        line=job.workflow.line(*place),
    )


def check_gate_may_skip(facts: SetupFacts) -> Iterator[Finding]:
    """Report a condition that only a run can decide, on the one step or job of a stage that nothing publishes for."""
    jobs = [job for workflow in facts.gates for job in workflow.jobs]
    for stages in (_EVALUATING, _JUDGING, _PUBLISHING):
        for group in _by_configuration(jobs, stages):
            owners = [(job, step) for job in group for step in job.steps if step.stages & stages]
            if len(owners) != 1 or _surely_publishes(owners[0][0].workflow, owners[0][1]):
                continue
            job, step = owners[0]
            if condition := _open_condition(job, step):
                yield _may_skip(job, step, condition)


def _surely_publishes(workflow: WorkflowFile, skipped: WorkflowStep) -> bool:
    """Return whether another step publishes in any case, which reports a missing verdict as an error."""
    return any(
        _surely_runs(job.data.get("if", True), job) and _surely_runs(step.data.get("if", True), job)
        for job in workflow.jobs
        for step in job.steps
        if "publish" in step.stages and step is not skipped
    )


def _surely_runs(condition: object, job: WorkflowJob) -> bool:
    return all(evaluate_condition(condition, _known_in(job, event)) is True for event in gate_events(job.workflow))


def _open_condition(job: WorkflowJob, step: WorkflowStep) -> str | None:
    """Return the condition of a step that only a run can decide; ``None`` if it is known."""
    condition = step.data.get("if", True)
    known = [_known_in(job, event) for event in gate_events(job.workflow)]
    undecided = [one for one in known if evaluate_condition(condition, one) is None]
    return str(condition).strip() if any(depends_on_run(condition, one) for one in undecided) else None


def _known_in(job: WorkflowJob, event: str) -> Known:
    """Return what is known in a job of a run without failures: also that the steps and jobs before it succeeded."""
    steps = [str(step.data["id"]).lower() for step in job.steps if "id" in step.data and "if" not in step.data]
    ended: Known = {("steps", name, key): "success" for name in steps for key in ("outcome", "conclusion")}
    return {**known_values(event), **ended, **{("needs", one, "result"): "success" for one in _needs(job)}}


def _may_skip(job: WorkflowJob, step: WorkflowStep, condition: str) -> Finding:
    place = (*step.path, "if")
    return Finding(
        name="gate-may-skip",
        severity="warning",
        what=f"`if: {condition}` skips the step of mlci in job `{job.id}` for some pull requests.",
        why="Then nothing is judged, but the job is green, so a required job counts as passed, and a required check "
        "`mlci / <model>` stays pending.",
        lines="remove the line; in mlci.yml `paths: [src/**, data/**]` gives a green check without training, and "
        "`train: {when: asked}` trains on request",
        path=job.workflow.path,
        line=job.workflow.line(*place),
    )


def check_needed_jobs(facts: SetupFacts) -> Iterator[Finding]:
    """Report a job that needs one that the workflow does not have."""
    for workflow in facts.mlci_workflows:
        known = {job.id.lower() for job in workflow.jobs}
        for job in workflow.jobs:
            for missing in (one for one in _needs(job) if one not in known):
                yield Finding(
                    name="needs-unknown",
                    severity="error",
                    what=f"Job `{job.id}` needs `{missing}`, and the workflow has no such job.",
                    why="GitHub refuses the whole workflow: nothing runs, and its check never reports.",
                    lines=f"needs: [{', '.join(one.id for one in workflow.jobs if one is not job) or 'a-job'}]"
                    "   # or remove the line",
                    path=workflow.path,
                    line=workflow.line(*job.path, "needs"),
                )


CHECKS = (check_gate_runs, check_gate_may_skip, check_needed_jobs)
