"""Checks of the evaluation set: it exists, is data and not a pointer, and can be read."""

from collections.abc import Iterator

from mlci.operations.doctor.facts import EvaluationFacts, SetupFacts
from mlci.operations.doctor.findings import Finding

_DATA = ("evaluation", "data")


def check_data_pointer(facts: SetupFacts) -> Iterator[Finding]:
    """Report a pointer of Git LFS or DVC in place of the evaluation set."""
    found = facts.evaluation
    if found is None or found.pointer is None:
        return
    lfs = found.pointer == "lfs"
    step = f"- uses: {facts.pinned('actions/checkout')}\n  with:\n    lfs: true"
    lines = f"git lfs pull   # here\n{step}" if lfs else f"- run: dvc pull {found.shown}"
    yield Finding(
        name=f"data-{found.pointer}-pointer",
        severity="error",
        what=f"`{found.path}` is a pointer of {'Git LFS' if lfs else 'DVC'}, and its data is not here.",
        why="No model can be evaluated without the rows.",
        lines=lines,
        path=facts.config_path,
        line=_line(facts),
    )


def check_data_in_workflow(facts: SetupFacts) -> Iterator[Finding]:
    """Report a pointer whose data is here, but that no workflow fetches."""
    found = facts.evaluation
    if found is None or found.pointer is not None or not found.present:
        return
    for job in facts.evaluating_jobs:
        scripts = "\n".join([*(step.script for step in job.steps), str(job.data.get("with", ""))])
        fetched = any(step.is_checkout and str(step.input("lfs")).lower() == "true" for step in job.steps)
        if f"{found.shown}.dvc" in facts.files and "dvc" not in scripts:
            yield _not_fetched(facts, found, "dvc", job.workflow.path, job.workflow.line(*job.path))
        elif _is_lfs(facts, found) and not fetched and "lfs" not in scripts and not job.calls_mlci:
            yield _not_fetched(facts, found, "lfs", job.workflow.path, job.workflow.line(*job.path))


def _is_lfs(facts: SetupFacts, found: EvaluationFacts) -> bool:
    return found.lfs and found.shown in facts.files


def _not_fetched(facts: SetupFacts, found: EvaluationFacts, tool: str, path: str, line: int) -> Finding:
    checkout = f"- uses: {facts.pinned('actions/checkout')}\n  with:\n    lfs: true"
    return Finding(
        name=f"workflow-without-{tool}",
        severity="error",
        what=f"The job does not fetch `{found.path}`, which {'Git LFS' if tool == 'lfs' else 'DVC'} stores.",
        why="On the runner the evaluation set is a pointer or missing, and the run ends with exit code 2.",
        lines=checkout if tool == "lfs" else f"- run: dvc pull {found.shown}",
        path=path,
        line=line,
    )


def check_data_present(facts: SetupFacts) -> Iterator[Finding]:
    """Report an evaluation set that does not exist and that no training makes."""
    found = facts.evaluation
    if found is None or found.present or found.pointer is not None or facts.trains:
        return
    yield Finding(
        name="data-missing",
        severity="error",
        what=f"The evaluation set `{found.path}` does not exist.",
        why="No model can be evaluated; paths are relative to the configuration.",
        lines="evaluation:\n  data: path/to/holdout.csv   # an existing file, glob or URL",
        path=facts.config_path,
        line=_line(facts),
    )


def check_data_committed(facts: SetupFacts) -> Iterator[Finding]:
    """Report an evaluation set that exists here but not in a checkout of the repository."""
    found = facts.evaluation
    if found is None or not found.present or found.tracked or facts.trains or not facts.evaluating_jobs:
        return
    if "://" in found.path or found.pointer or f"{found.shown}.dvc" in facts.files or not facts.in_git:
        return
    scripts = [step.script for job in facts.evaluating_jobs for step in job.steps]
    if any(found.shown.rpartition("/")[2] in script or "dvc" in script for script in scripts):
        return
    yield Finding(
        name="data-not-committed",
        severity="warning",
        what=f"`{found.path}` exists here, but git does not track it, and no step of a workflow names it.",
        why="A runner has no such file, unless a step fetches it.",
        lines=f"git add {'--force ' if found.ignored else ''}{found.shown}   # or a step that fetches it",
        path=facts.config_path,
        line=_line(facts),
    )


def check_data_readable(facts: SetupFacts) -> Iterator[Finding]:
    """Report what `mlci run` would report about the rows: columns, keys, labels, classes."""
    found = facts.evaluation
    for problem in found.problems if found and not found.pointer else ():
        place = {} if problem.path is None or problem.path == facts.config_path else {"file": problem.path}
        where = f"{place['file']}: " if place else ""
        yield Finding(
            name="data-invalid",
            severity="error",
            what=f"{where}{problem.message}",
            why="`mlci run` ends with exit code 2, and nothing is judged.",
            lines="correct the name in the configuration, or the table",
            path=facts.config_path,
            line=problem.line if not place else _line(facts),
        )


def _line(facts: SetupFacts) -> int | None:
    return facts.loaded.lines.of(*_DATA) if facts.loaded else None


CHECKS = (check_data_pointer, check_data_in_workflow, check_data_present, check_data_committed, check_data_readable)
