"""Check of training: a committed file of predictions or metrics that the gate judges without training."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from mlci.operations.doctor.checks.finding import Finding
from mlci.operations.doctor.facts import SetupFacts


def check_training(facts: SetupFacts) -> Iterator[Finding]:
    """Report that git tracks the file that is judged, although a script of the repository seems to train the model."""
    found = facts.untrained
    if found is None or facts.loaded is None or _runs_in_workflow(facts, found.script):
        return
    yield Finding(
        name="training-missing",
        severity="warning",
        what=f"git tracks `{found.path}`, and no `train` command makes it, although `{found.script}` seems to train.",
        why="A pull request that makes the model worse passes, because the committed file is judged again.",
        lines="\n".join(
            [
                "train:",
                f"  run: |  # has to write {found.path}",
                *(f"    {line}" for line in found.command.splitlines()),
            ]
        ),
        path=facts.config_path,
        line=facts.loaded.lines.of("predict"),
    )


def _runs_in_workflow(facts: SetupFacts, script: str) -> bool:
    """Return whether a step of a job that evaluates runs the script, or the pipeline, before mlci."""
    path = PurePosixPath(script)
    wanted = (path.name, ".".join(path.with_suffix("").parts), "dvc repro", "dvc exp run")
    return any(name in step.script for job in facts.evaluating_jobs for step in job.steps for name in wanted)


CHECKS = (check_training,)
