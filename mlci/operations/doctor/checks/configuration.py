"""Checks of the configuration, its baseline, `.mlci/`, and the workflows that use the configuration."""

from collections.abc import Iterator

from mlci.config.types import DEFAULT_REGISTRY
from mlci.operations.doctor.checks.finding import Finding, LineInsertion, Severity
from mlci.operations.doctor.facts import SetupFacts


def check_configuration_errors(facts: SetupFacts) -> Iterator[Finding]:
    """Report the errors that `mlci run` would report."""
    for problem in facts.problems:
        yield Finding(
            name="config-invalid",
            severity="error",
            what=problem.message,
            why="`mlci run` ends with exit code 2, and nothing is judged.",
            lines="mlci run   # shows the same line; the message has the remedy",
            path=facts.config_path,
            line=problem.line,
        )


def check_registry_lasts(facts: SetupFacts) -> Iterator[Finding]:
    """Report a registry in a folder that each workflow job loses at its end."""
    if facts.loaded is None or not any(one.evaluates for one in facts.workflows):
        return
    config = facts.loaded.config
    if config.baseline == "production" and config.registry == DEFAULT_REGISTRY:
        yield Finding(
            name="registry-lost",
            severity="error",
            what=f"`registry` is `{DEFAULT_REGISTRY}`, a folder that a runner loses when the job ends.",
            why="Every pull request finds no version in production, so no gate on a change is ever judged.",
            lines="registry: github   # or s3://…, gs://…, az://…, mlflow:…; or `baseline: {ref: main}`",
            path=facts.config_path,
            line=facts.loaded.lines.of("registry"),
        )


def check_out_ignored(facts: SetupFacts) -> Iterator[Finding]:
    """Report that git would add mlci's own folder to a commit."""
    entry = f"{facts.folder}/.mlci/" if facts.folder else ".mlci/"
    if facts.out_tracked:
        yield Finding(
            name="out-tracked",
            severity="error",
            what=f"git tracks {len(facts.out_tracked)} files in `{entry}`, such as `{facts.out_tracked[0]}`.",
            why="A pull request could bring its own report or baseline; a registry with tracked files is refused.",
            lines=f"git rm -r --cached {entry}",
            path=facts.out_tracked[0],
        )
    elif facts.in_git and not facts.out_ignored:
        yield Finding(
            name="out-not-ignored",
            severity="warning",
            what=f"git does not ignore `{entry}`.",
            why="`git add --all` would commit reports, bundles and the registry.",
            lines=f"echo '{entry}' >> .gitignore",
            path=".gitignore",
            fix=LineInsertion(path=".gitignore", after=None, lines=(entry,)),
        )


def check_workflow_present(facts: SetupFacts) -> Iterator[Finding]:
    """Report a repository on GitHub in which no workflow evaluates."""
    unread = [one for one in facts.workflows if one.nodes.error is not None]
    if facts.hosted and not unread and not any(one.evaluates for one in facts.workflows):
        yield Finding(
            name="workflow-missing",
            severity="warning",
            what="No workflow evaluates pull requests with mlci.",
            why="The gates run on this machine only, and no merge depends on them.",
            lines=f"- uses: {facts.pinned('mlci/mlci')}   # whole file: docs/how-to/workflows/gate-pull-requests.md",
            path=".github/workflows/mlci.yml",
        )


def check_workflow_readable(facts: SetupFacts) -> Iterator[Finding]:
    """Report workflow files that are not valid YAML."""
    for workflow in facts.workflows:
        if workflow.nodes.error is not None:
            reason, line = workflow.nodes.error
            yield Finding(
                name="workflow-invalid",
                severity="error",
                what=f"The workflow can't be read: {reason}.",
                why="GitHub does not start it, so its check never reports.",
                lines="correct the line; mlci could not check the rest of this file",
                path=workflow.path,
                line=line,
            )


def check_reference(facts: SetupFacts) -> Iterator[Finding]:
    """Report a reference that names no commit here."""
    if facts.baseline.unresolved is not None:
        yield _finding(
            facts,
            name="baseline-ref-missing",
            what=facts.baseline.unresolved.partition(";")[0] + ".",
            why="The baseline cannot be made, and `mlci run` ends with exit code 2.",
            lines=f"git fetch origin {facts.ref}   # or correct the name: `baseline: {{ref: main}}`",
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
    on_change = [index for index, gate in enumerate(config.gates) if any(limit.on_change for limit in gate.limits)]
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


CHECKS = (
    check_configuration_errors,
    check_registry_lasts,
    check_out_ignored,
    check_workflow_present,
    check_workflow_readable,
    check_reference,
    check_baseline_file,
    check_production,
    check_no_baseline,
)
