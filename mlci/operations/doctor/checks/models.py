"""Checks of the models of a repository: each has a name of its own, and a job that evaluates its configuration."""

from collections.abc import Iterator, Sequence

from mlci.operations.doctor.checks.finding import Finding
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.matrix import Combination, fill
from mlci.operations.doctor.workflows import WorkflowFile, WorkflowJob

_WITHOUT = frozenset({"setup", "report", "models-plan", "models-publish"})
"""Actions that need no configuration."""
Used = tuple[str, tuple[str | int, ...], str]
"""A configuration's path, the place in the workflow that names it, and the input that does."""


def check_configured_path(facts: SetupFacts) -> Iterator[Finding]:
    """Report an input `config` or `working-directory` that leads to a file that does not exist."""
    for workflow in facts.mlci_workflows:
        for job in workflow.jobs:
            for wanted, place, key in configurations(job):
                if "${{" in wanted or wanted in facts.files or (not key and wanted == facts.config_path):
                    continue
                yield Finding(
                    name="workflow-config-missing",
                    severity="error",
                    what=f"The workflow uses `{wanted}`, which does not exist.",
                    why="The job ends with exit code 2, and nothing is judged.",
                    lines=f"with:\n  config: {facts.config_path}",
                    path=workflow.path,
                    line=workflow.line(*place, "with", key),
                )


def configurations(job: WorkflowJob, *, evaluating: bool = False) -> Iterator[Used]:
    """Yield the configurations that a job uses, one for each combination of its matrix.

    Args:
        job: The job.
        evaluating: Leaves out steps that do not evaluate.
    """
    used = [(job.path, job.data.get("with"))] if job.calls_mlci else []
    used += [
        (step.path, step.data.get("with"))
        for step in job.steps
        if step.use
        and (step.stages & {"run", "train", "evaluate", "sealed-predict"} if evaluating else step.stages - _WITHOUT)
    ]
    for place, given in used:
        inputs = given if isinstance(given, dict) else {}
        folder, config = str(inputs.get("working-directory", ".")), str(inputs.get("config", "mlci.yml"))
        key = "config" if "config" in inputs else "working-directory" if inputs else ""
        written = f"{folder.strip('/')}/{config}"
        found: Sequence[Combination | None] = job.combinations or [None]
        for values in found:
            wanted = fill(written, values)
            yield wanted.removeprefix("./").replace("/./", "/"), place, key


def check_model_evaluated(facts: SetupFacts) -> Iterator[Finding]:
    """Report that the jobs evaluate other configurations than this one."""
    jobs = [job for workflow in facts.gates for job in workflow.jobs if job.evaluates]
    used = [wanted for job in jobs for wanted, _, _ in configurations(job, evaluating=True)]
    by_script = any(step.use is None and step.stages for job in jobs for step in job.steps)
    if not used or by_script or not facts.files.issuperset(used) or facts.config_path in used:
        return
    workflow, job = facts.gates[0], jobs[0]
    yield Finding(
        name="model-not-evaluated",
        severity="warning",
        what=f"The workflow evaluates {', '.join(f'`{one}`' for one in sorted(set(used))[:3])}, and not "
        f"`{facts.config_path}`.",
        why=f"No pull request gets the check `mlci / {facts.model or '<model>'}`.",
        lines=_entry(facts),
        path=workflow.path,
        line=workflow.line(*job.path, "strategy"),
    )


def _entry(facts: SetupFacts) -> str:
    folder = facts.folder or "."
    return (
        f"# an entry in the matrix of the models, whose step has `working-directory: ${{{{ matrix.folder }}}}`\n"
        f"- model: {facts.model or '<model>'}\n  folder: {folder}"
    )


def check_model_names(facts: SetupFacts) -> Iterator[Finding]:
    """Report evaluated configurations whose models have the same name."""
    workflows = {path: one for one in facts.gates for path in _evaluated(one)}
    for path, name in facts.models.items():
        if path != facts.config_path and name == facts.model and path in workflows:
            yield Finding(
                name="model-name-shared",
                severity="error",
                what=f"`{path}` has a model of the name `{name}`, too.",
                why=f"Both report the check `mlci / {name}` and write one comment, and share their versions.",
                lines="model: another-name   # in one of the two",
                path=facts.config_path,
                line=facts.loaded.lines.of("model") if facts.loaded else None,
            )


def _evaluated(workflow: WorkflowFile) -> list[str]:
    return [wanted for job in workflow.jobs for wanted, _, _ in configurations(job, evaluating=True)]


CHECKS = (check_configured_path, check_model_evaluated, check_model_names)
