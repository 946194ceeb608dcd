"""Checks of sealed mode: what each of its two workflows may have, and that they name each other.

A pull request's checkout by the workflow that judges is found by :func:`~.security.check_target_checkout`, and a
permission that it lacks by :func:`~.security.check_missing_permissions`.
"""

from collections.abc import Iterator

from mlci.config.types import Path
from mlci.operations.doctor.checks.finding import Finding, Severity
from mlci.operations.doctor.checks.models import configurations
from mlci.operations.doctor.expressions import ANY, find_references
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.workflows import WorkflowFile, WorkflowJob
from mlci.sealed.label_seal import KEY_VARIABLE, is_sealed
from mlci.sealed.refusals import find_refusals

TRAIN_WORKFLOW = ".github/workflows/mlci-train.yml"
"""Path of the workflow that trains, unless the gate names another one."""
_PAGE = "docs/how-to/workflows/accept-forks.md"
_TRIGGER = "on:\n  workflow_run:\n    workflows: [{name}]\n    types: [requested, completed]"


def check_train_rights(facts: SetupFacts) -> Iterator[Finding]:
    """Report a training job of sealed mode that may do more than read the repository."""
    for job in _training(facts):
        extra = {name: level for name, level in (job.permissions or {}).items() if level != "none"}
        if extra.pop("contents", "read") == "write":
            extra["contents"] = "write"
        for name, level in extra.items():
            owner: Path = job.path if "permissions" in job.data else ()
            yield _finding(
                job.workflow,
                (*owner, "permissions", name),
                name="sealed-train-rights",
                what=f"Job `{job.id}` runs the code of anyone with `{name}: {level}`.",
                why="A pull request from a branch of this repository gets that token, and its author's code with it.",
                lines="permissions:\n  contents: read # to check the code out",
            )


def check_train_secrets(facts: SetupFacts) -> Iterator[Finding]:
    """Report a training job of sealed mode that names a secret or the token."""
    for job in _training(facts):
        environment = job.workflow.data.get("env")
        found = list(_credentials([job.data, environment]))
        if found or "secrets" in job.data:
            yield _finding(
                job.workflow,
                job.path,
                name="sealed-train-secret",
                what=f"Job `{job.id}` hands `{found[0] if found else 'secrets'}` to the code of anyone.",
                why="Training can send it anywhere, or keep it in the predictions.",
                lines=f"remove it; training that needs credentials is not for sealed mode: {_PAGE}",
            )


def _credentials(value: object) -> Iterator[str]:
    """Yield the secrets that a value reads, and `github.token` if it reads the token or the whole context."""
    yield from ("secrets" if one == ANY else one.upper() for one in find_references(value, "secrets"))
    yield from ("github.token" for one in find_references(value, "github") if one in {ANY, "token"})


def check_both_halves(facts: SetupFacts) -> Iterator[Finding]:
    """Report one half of sealed mode without the other."""
    training, judging = list(_training(facts)), list(_judging(facts))
    if training and not judging:
        yield _finding(
            training[0].workflow,
            training[0].path,
            name="sealed-gate-missing",
            what="The workflow trains for sealed mode, and no workflow judges its predictions.",
            why="The check `mlci / <model>` is never written, and a required one stays pending.",
            lines=f"mlci init --sealed   # writes both; or copy mlci-gate.yml from {_PAGE}",
        )
    if judging and not training:
        yield _finding(
            judging[0].workflow,
            judging[0].path,
            name="sealed-train-missing",
            what="The workflow judges predictions of sealed mode, and no workflow makes them.",
            why="It never starts.",
            lines=f"mlci init --sealed   # writes both; or copy mlci-train.yml from {_PAGE}",
        )


def check_gate_trigger(facts: SetupFacts) -> Iterator[Finding]:
    """Report a gate that starts on another event than the end and the request of a training."""
    for job in _judging(facts):
        workflow, name = job.workflow, _train_name(facts)
        others = [event for event in workflow.events if event != "workflow_run"]
        types = workflow.events.get("workflow_run", {}).get("types", [])
        missing = [one for one in ("completed", "requested") if one not in types]
        if "workflow_run" not in workflow.events or others:
            yield _finding(
                workflow,
                ("on",),
                name="sealed-gate-trigger",
                what=f"The gate starts on {', '.join(f'`{one}`' for one in others) or 'no event'}.",
                why="Only `workflow_run` runs the default branch's own copy of the gate, with a token that can write.",
                lines=_TRIGGER.format(name=name),
            )
        elif missing:
            yield _finding(
                workflow,
                ("on", "workflow_run"),
                name="sealed-gate-types",
                severity="error" if "completed" in missing else "warning",
                what=f"`on.workflow_run.types` leaves out {' and '.join(f'`{one}`' for one in missing)}.",
                why="`requested` opens the check, also while GitHub waits for an approval; `completed` judges.",
                lines=_TRIGGER.format(name=name),
            )


def check_gate_names(facts: SetupFacts) -> Iterator[Finding]:
    """Report a gate that waits for a workflow of another name or at another path than the one that trains."""
    trains = {job.workflow.path: str(job.workflow.data.get("name", job.workflow.path)) for job in _training(facts)}
    for job in _judging(facts) if trains else ():
        written = job.workflow.events.get("workflow_run", {}).get("workflows", [])
        named = [written] if isinstance(written, str) else [str(one) for one in written]
        if named and not set(named) & set(trains.values()):
            yield _finding(
                job.workflow,
                ("on", "workflow_run", "workflows"),
                name="sealed-names-differ",
                what=f"The gate waits for `{named[0]}`, and the workflow that trains is called "
                f"`{next(iter(trains.values()))}`.",
                why="The gate never starts, and a required check stays pending.",
                lines=_TRIGGER.format(name=next(iter(trains.values()))),
            )
        place, wanted = _train_workflow(job)
        if wanted not in trains and "${{" not in wanted:
            yield _finding(
                job.workflow,
                place,
                name="sealed-train-path",
                what=f"The gate accepts runs of `{wanted}`, and `{next(iter(trains))}` is the workflow that trains.",
                why="Every run is refused, and the check fails.",
                lines=f"with:\n  train-workflow: {next(iter(trains))}",
            )


def check_gate_steps(facts: SetupFacts) -> Iterator[Finding]:
    """Report steps beside the checkout and the gate, which run with a token that can write."""
    for job in _judging(facts):
        for step in job.steps:
            if not step.is_checkout and "sealed-gate" not in step.stages:
                yield _finding(
                    job.workflow,
                    step.path,
                    name="sealed-gate-step",
                    severity="warning",
                    what=f"Job `{job.id}` does more than to check out and to judge.",
                    why="Whatever runs there has a token that can write check and comment, and perhaps the label key.",
                    lines="put the step into the workflow that trains, or into a job of its own",
                )


def check_gate_is_not_cancelled(facts: SetupFacts) -> Iterator[Finding]:
    """Report a gate that a later run cancels."""
    for job in _judging(facts):
        for place, owner in (((), job.workflow.data), (job.path, job.data)):
            group = owner.get("concurrency")
            if isinstance(group, dict) and group.get("cancel-in-progress") not in (None, False):
                yield _finding(
                    job.workflow,
                    (*place, "concurrency"),
                    name="sealed-gate-cancelled",
                    severity="warning",
                    what="A later run cancels a gate midway.",
                    why="The check that it opened stays pending.",
                    lines="cancel-in-progress: false",
                )


def check_refusals(facts: SetupFacts) -> Iterator[Finding]:
    """Report settings that the gate refuses, in a configuration that it judges by."""
    judged = {wanted for job in _judging(facts) for wanted, _, _ in configurations(job)}
    if facts.loaded is None or facts.config_path not in judged:
        return
    for problem in find_refusals(facts.loaded):
        what, _, remedy = problem.message.rpartition("; ")
        yield Finding(
            name="sealed-refused",
            severity="error",
            what=f"{what[:1].upper()}{what[1:]}.",
            why="The gate judges nothing, and the check of every pull request fails.",
            lines=remedy,
            path=facts.config_path,
            line=problem.line,
        )


def check_label_key(facts: SetupFacts) -> Iterator[Finding]:
    """Report a gate that does not get the key of sealed labels, or gets it without an environment."""
    evaluation = facts.loaded.config.evaluation if facts.loaded else None
    if evaluation is None or not is_sealed(evaluation.labels):
        return
    for job in _judging(facts):
        step = job.step_with("sealed-gate")
        if step is None or facts.config_path not in {wanted for wanted, _, _ in configurations(job)}:
            continue
        given = step.input("label-key")
        if given and "environment" in job.data:
            continue
        lines = "" if "environment" in job.data else "environment: mlci-gate   # of the job\n"
        lines += "" if given else f"with:\n  label-key: ${{{{ secrets.{KEY_VARIABLE} }}}}   # of the step\n"
        yield _finding(
            job.workflow,
            job.path if given else step.path,
            name="sealed-label-key",
            what=f"The labels are sealed, and job `{job.id}` {_lacking_key(given=bool(given))}.",
            why="A secret of the repository can be read by workflows of any branch; an environment can be limited."
            if given
            else "The gate can't open them: nothing is judged, and the check of every pull request fails.",
            lines=lines.rstrip("\n"),
            severity="warning" if given else "error",
        )


def _lacking_key(*, given: bool) -> str:
    return "names no environment whose secret the key is" if given else "does not hand their key to the gate"


def check_closed_labels(facts: SetupFacts) -> Iterator[Finding]:
    """Report that checks of labels are left out, because only the key opens them."""
    if facts.evaluation is not None and facts.evaluation.closed:
        yield Finding(
            name="sealed-labels-closed",
            severity="note",
            what="The labels are sealed, and their key is not here.",
            why="What needs labels was not checked: columns, keys, classes, and the rows of gates and groups.",
            lines=f'export {KEY_VARIABLE}="$(cat PATH-OF-THE-KEY)"   # where a maintainer keeps it; nothing to correct',
            path=facts.config_path,
            line=facts.loaded.lines.of("evaluation", "labels") if facts.loaded else None,
        )


def _training(facts: SetupFacts) -> Iterator[WorkflowJob]:
    return (job for job in _of_events(facts) if job.trains_sealed)


def _judging(facts: SetupFacts) -> Iterator[WorkflowJob]:
    return (job for job in _of_events(facts) if job.judges_sealed)


def _of_events(facts: SetupFacts) -> Iterator[WorkflowJob]:
    """Yield jobs, without those of workflows that only other workflows call: their callers are checked."""
    yield from (job for one in facts.workflows if "workflow_call" not in one.events for job in one.jobs)


def _train_name(facts: SetupFacts) -> str:
    return next((str(job.workflow.data.get("name", "mlci train")) for job in _training(facts)), "mlci train")


def _train_workflow(job: WorkflowJob) -> tuple[Path, str]:
    """Return the path of the workflow whose runs a gate accepts, and the place in its file that names it."""
    step = job.step_with("sealed-gate")
    given = job.data.get("with") if step is None else step.inputs
    named = given.get("train-workflow") if isinstance(given, dict) else None
    place: Path = job.path if step is None else step.path
    return ((*place, "with", "train-workflow") if named else place), str(named or TRAIN_WORKFLOW)


def _finding(
    workflow: WorkflowFile,
    place: Path,
    *,
    name: str,
    what: str,
    why: str,
    lines: str,
    severity: Severity = "error",
) -> Finding:
    line = workflow.line(*place)
    return Finding(name=name, severity=severity, what=what, why=why, lines=lines, path=workflow.path, line=line)


CHECKS = (
    check_train_rights,
    check_train_secrets,
    check_both_halves,
    check_gate_trigger,
    check_gate_names,
    check_gate_steps,
    check_gate_is_not_cancelled,
    check_refusals,
    check_label_key,
    check_closed_labels,
)
