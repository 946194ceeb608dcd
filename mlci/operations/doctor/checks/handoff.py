"""Checks of the two-job form: artifacts that are handed over, the publishing step, and artifact names in a matrix."""

import re
from collections.abc import Iterator

from mlci.operations.doctor.checks.finding import Finding
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.workflows import WorkflowFile, WorkflowJob, WorkflowStep

_DISTINCT = ("matrix.", "strategy.job-index", "steps.", "needs.", "github.run_attempt")
_PUBLISH = """- uses: mlci/mlci/actions/publish@<commit>
  if: always()
  with:
    ended: ${{ needs.evaluate.result }}
    code: ${{ steps.gate.outputs.code }}"""


def check_upload(facts: SetupFacts) -> Iterator[Finding]:
    """Report a job that evaluates for another job and uploads nothing, or not the hidden folder."""
    for workflow, job in _evaluating_only(facts):
        uploads = [step for step in job.steps if step.uploads]
        if not uploads:
            yield _finding(
                workflow,
                job,
                name="handoff-upload-missing",
                what=f"Job `{job.id}` evaluates and does not upload its measurements.",
                why="The job that judges begins in an empty folder, and its check reports an evaluation that did not "
                "finish.",
                lines=f"- uses: {facts.pinned('actions/upload-artifact')}\n  with:\n    path: .mlci/out\n"
                "    include-hidden-files: true\n    if-no-files-found: error",
            )


def check_hidden_files(facts: SetupFacts) -> Iterator[Finding]:
    """Report an upload of `.mlci/` without hidden files, which by the action's documentation leaves them out."""
    for workflow in facts.mlci_workflows:
        for job in workflow.jobs:
            for step in job.steps:
                path = str(step.input("path"))
                hidden = str(step.input("include-hidden-files", "false")).lower() == "true"
                if step.uploads and re.search(r"(^|[\s/])\.mlci\b", path) and not hidden:
                    yield Finding(
                        name="handoff-hidden-files",
                        severity="warning",
                        what=f"Job `{job.id}` uploads `{path.strip().splitlines()[0]}` without hidden files.",
                        why="Files in folders whose name begins with a dot are left out, so the artifact may be empty.",
                        lines="include-hidden-files: true",
                        path=workflow.path,
                        line=workflow.line(*step.path),
                        fix=workflow.insert_key(
                            (*step.path, "with"), "include-hidden-files", True, "include-hidden-files: true"
                        )
                        if "include-hidden-files" not in step.inputs
                        else None,
                    )


def check_download(facts: SetupFacts) -> Iterator[Finding]:
    """Report a job that judges what another job measured, and takes nothing over."""
    for workflow in facts.mlci_workflows:
        for job in workflow.jobs:
            judges = "gate" in job.stages and not job.evaluates and not job.calls_mlci
            if judges and not any(step.downloads for step in job.steps):
                yield _finding(
                    workflow,
                    job,
                    name="handoff-download-missing",
                    what=f"Job `{job.id}` judges and does not download the measurements.",
                    why="It begins in an empty folder, and every evaluation counts as one that did not finish.",
                    lines=f"- uses: {facts.pinned('actions/download-artifact')}\n  with:\n"
                    "    artifact-ids: ${{ needs.evaluate.outputs.artifact }}\n    path: .mlci/out",
                )


def check_gate_step(facts: SetupFacts) -> Iterator[Finding]:
    """Report a workflow that measures and never judges."""
    for workflow, job in _evaluating_only(facts):
        if not any(one.stages & {"gate", "run"} for one in workflow.jobs):
            yield _finding(
                workflow,
                job,
                name="gate-step-missing",
                what=f"Job `{job.id}` evaluates, and no job judges the gates.",
                why="No verdict exists, whatever the measurements are.",
                lines="- id: gate\n  uses: mlci/mlci/actions/gate@<commit>",
            )


def check_publish_step(facts: SetupFacts) -> Iterator[Finding]:
    """Report a workflow that publishes nothing, and one whose publishing step is skipped after a failure."""
    for workflow in facts.gates:
        evaluating = next(job for job in workflow.jobs if job.evaluates)
        publishing = [job for job in workflow.jobs if "publish" in job.stages]
        if not publishing and not evaluating.trains_sealed:  # sealed mode publishes from another workflow
            yield _finding(
                workflow,
                evaluating,
                name="publish-missing",
                what="No step of the workflow publishes.",
                why="The check `mlci / <model>` is never written, and a required one stays pending.",
                lines=_PUBLISH,
            )
        for job in publishing:
            step = job.step_with("publish")
            if step is not None and "run" not in step.stages and (skipped := _skipped(job, step)):
                yield _finding(
                    workflow,
                    job,
                    name="publish-skipped",
                    what=f"{skipped} has no `if: always()`.",
                    why="After a failed training it is skipped, and the check that was opened stays pending.",
                    lines="if: always()",
                )


def _skipped(job: WorkflowJob, step: WorkflowStep) -> str | None:
    """Return the part that is skipped after a failure; ``None`` if the step runs then."""
    if job.data.get("needs") and not _always(job.data.get("if")):
        return f"Job `{job.id}`, which publishes,"
    beside = job.evaluates or "gate" in job.stages  # else no earlier step of the job can fail because of the model
    return f"The publishing step of job `{job.id}`" if beside and not _always(step.data.get("if")) else None


def _always(condition: object) -> bool:
    return isinstance(condition, str) and ("always()" in condition or "cancelled()" in condition)


def check_needs(facts: SetupFacts) -> Iterator[Finding]:
    """Report a job that judges without waiting for the one that evaluates."""
    for workflow, evaluating in _evaluating_only(facts):
        for job in workflow.jobs:
            needs = job.data.get("needs")
            waits = {needs} if isinstance(needs, str) else set(needs) if isinstance(needs, list) else set()
            if "gate" in job.stages and job.id != evaluating.id and not job.evaluates and evaluating.id not in waits:
                yield _finding(
                    workflow,
                    job,
                    name="handoff-needs-missing",
                    what=f"Job `{job.id}` judges without waiting for job `{evaluating.id}`.",
                    why="Both start at once, and there are no measurements to judge yet.",
                    lines=f"needs: {evaluating.id}",
                )


def check_artifact_names(facts: SetupFacts) -> Iterator[Finding]:
    """Report artifacts that all jobs of a matrix upload under one name."""
    for workflow in facts.mlci_workflows:
        for job in workflow.jobs:
            if not job.matrix:
                continue
            uploads = [(step.path, str(step.input("name", "artifact"))) for step in job.steps if step.uploads]
            inputs = job.data.get("with")
            called = inputs if isinstance(inputs, dict) else {}
            if job.calls_mlci and "matrix." not in f"{called.get('config', '')}{called.get('working-directory', '')}":
                uploads.append((job.path, str(called.get("artifact", "mlci"))))
            for place, name in uploads:
                if not any(part in name for part in _DISTINCT):
                    yield Finding(
                        name="artifact-name-matrix",
                        severity="error",
                        what=f"All jobs of the matrix `{job.id}` upload the artifact `{name}`.",
                        why="The second upload fails, or replaces the measurements of the first.",
                        lines=f"{'artifact' if job.calls_mlci else 'name'}: {name}-${{{{ strategy.job-index }}}}",
                        path=workflow.path,
                        line=workflow.line(*place, "with"),
                    )


def _evaluating_only(facts: SetupFacts) -> Iterator[tuple[WorkflowFile, WorkflowJob]]:
    """Yield jobs that leave measurements for another job."""
    for workflow in facts.mlci_workflows:
        for job in workflow.jobs:
            if "evaluate" in job.stages and not job.stages & {"gate", "run"}:
                yield workflow, job


def _finding(workflow: WorkflowFile, job: WorkflowJob, *, name: str, what: str, why: str, lines: str) -> Finding:
    return Finding(
        name=name,
        severity="error",
        what=what,
        why=why,
        lines=lines,
        path=workflow.path,
        line=workflow.line(*job.path),
    )


CHECKS = (
    check_upload,
    check_hidden_files,
    check_download,
    check_gate_step,
    check_publish_step,
    check_needs,
    check_artifact_names,
)
