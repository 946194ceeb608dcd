"""Checks of the baseline: a reference, a file, or a version in production that exists."""

from collections.abc import Iterator

from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.findings import Finding, Severity


def check_reference(facts: SetupFacts) -> Iterator[Finding]:
    """Report a reference that names no commit here, or a commit without the configuration's folder."""
    if facts.baseline.unresolved is not None:
        yield _finding(
            facts,
            name="baseline-ref-missing",
            what=facts.baseline.unresolved.partition(";")[0] + ".",
            why="The baseline cannot be made, and `mlci run` ends with exit code 2.",
            lines=f"git fetch origin {facts.ref}   # or correct the name: `baseline: {{ref: main}}`",
        )
    elif facts.baseline.without_folder:
        yield _finding(
            facts,
            name="baseline-ref-without-model",
            what=f"At `{facts.ref}` the folder `{facts.folder or '.'}` has no `mlci.yml` and no such model.",
            why="The steps of that commit make the baseline; the first pull request of a model has none to use.",
            lines="baseline: none   # until this is merged; then `baseline: {ref: main}`",
        )


def check_baseline_file(facts: SetupFacts) -> Iterator[Finding]:
    """Report a file of predictions that does not exist."""
    if facts.baseline.missing_file:
        yield _finding(
            facts,
            name="baseline-file-missing",
            what="The file that `baseline` names does not exist.",
            why="The candidate has nothing to be compared with, and `mlci run` ends with exit code 2.",
            lines="baseline: {file: path/to/predictions.csv}   # an existing file; or `baseline: none`",
        )


def check_production(facts: SetupFacts) -> Iterator[Finding]:
    """Report a registry without a version, and one that no run can use."""
    for problem in facts.baseline.refused:
        yield _finding(
            facts,
            name="registry-refused",
            what=problem.message,
            why="No run can read the version in production; `mlci run` ends with exit code 2.",
            lines="git rm -r --cached .mlci   # if git tracks the registry; else as the message says",
            line=problem.line,
        )
    if facts.baseline.empty:
        yield _finding(
            facts,
            name="production-empty",
            severity="warning",
            what="The baseline is `production`, and the registry has no version.",
            why="Gates on a change have the outcome `no_baseline` until a model is promoted.",
            lines="mlci run && mlci promote   # or import the model in use: mlci promote --import MODEL",
        )
    if facts.baseline.unread is not None:
        yield _finding(
            facts,
            name="registry-unread",
            severity="note",
            what=f"The registry was not checked: {facts.baseline.unread}",
            why="Without its credentials, this command cannot tell if production has a version.",
            lines="mlci registry check   # where the credentials are, such as in a job",
        )


def check_no_baseline(facts: SetupFacts) -> Iterator[Finding]:
    """Report gates on a change beside `baseline: none`."""
    config = facts.loaded.config if facts.loaded else None
    if config is None or config.baseline != "none":
        return
    on_change = [index for index, gate in enumerate(config.gates) if gate.max_drop or gate.max_rise]
    if on_change:
        yield _finding(
            facts,
            name="baseline-none",
            severity="note",
            what=f"`baseline: none`, and {len(on_change)} gates limit a change.",
            why="They have the outcome `no_baseline` on every pull request.",
            lines="baseline: {ref: main}   # once the model is on that branch; or `baseline: production`",
        )


def _finding(
    facts: SetupFacts,
    *,
    name: str,
    what: str,
    why: str,
    lines: str,
    severity: Severity = "error",
    line: int | None = None,
) -> Finding:
    at = line or (facts.loaded.lines.of("baseline") if facts.loaded else None)
    return Finding(name=name, severity=severity, what=what, why=why, lines=lines, path=facts.config_path, line=at)


CHECKS = (check_reference, check_baseline_file, check_production, check_no_baseline)
