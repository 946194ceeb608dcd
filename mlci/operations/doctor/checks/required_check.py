"""Checks of the repository on GitHub: required checks of the default branch, and environments of promotions."""

from collections.abc import Iterator

from mlci.operations.doctor.checks.finding import Finding, Severity
from mlci.operations.doctor.facts import SetupFacts

ACTIONS_APP = 15368
"""Number of the App *GitHub Actions*, which a workflow's own token belongs to."""


def check_is_required(facts: SetupFacts) -> Iterator[Finding]:
    """Report that the check is not required on the default branch."""
    repository = facts.repository
    if repository is None or facts.model is None or not repository.rules_read:
        return
    name = f"mlci / {facts.model}"
    if name not in {one.name for one in repository.required}:
        yield _finding(
            name="required-check-missing",
            what=f"`{name}` is not required on `{repository.branch}` of {repository.name}.",
            why="A pull request can be merged although a gate blocks it.",
            lines=f"GITHUB_REPOSITORY={repository.name} mlci setup apply --config {facts.config_path}",
        )


def check_required_app(facts: SetupFacts) -> Iterator[Finding]:
    """Report a required check that any App may report."""
    repository = facts.repository
    for one in repository.required if repository else ():
        if facts.model is not None and one.name == f"mlci / {facts.model}" and one.app is None:
            yield _finding(
                severity="note",
                name="required-check-any-app",
                what=f"`{one.name}` is required by {one.source}, and any App may report it.",
                why="Each job that may write checks or statuses can make it green under this name.",
                lines=f'{{"context": "{one.name}", "integration_id": {ACTIONS_APP}}}   # GitHub Actions; better an App '
                "of its own",
            )


def check_required_models(facts: SetupFacts) -> Iterator[Finding]:
    """Report required checks of models that no configuration has."""
    repository = facts.repository
    known = {f"mlci / {one}" for one in (*facts.models.values(), facts.model) if one is not None}
    for one in repository.required if repository else ():
        if one.name.startswith("mlci / ") and known and one.name not in known:
            yield _finding(
                name="required-check-unknown",
                what=f"`{one.name}` is required by {one.source}, and no `mlci.yml` has this model.",
                why="The check never reports, and no pull request can be merged.",
                lines=f"require {', '.join(f'`{name}`' for name in sorted(known))} in place of it",
                severity="error",
            )


def check_open_environments(facts: SetupFacts) -> Iterator[Finding]:
    """Report environments that every branch may deploy to."""
    repository = facts.repository
    for one in repository.environments if repository else ():
        if one.patterns is None and repository is not None:
            yield _finding(
                severity="note",
                name="environment-open",
                what=f"Jobs of any branch get the environment `{one.name}`, {one.protection.partition(', ')[2]}.",
                why=f"A branch with another workflow reaches its secrets; `{repository.branch}` alone has to promote.",
                lines=f"GITHUB_REPOSITORY={repository.name} mlci setup apply --config {facts.config_path} "
                "--reviewer owner/team",
            )


def check_readable_rules(facts: SetupFacts) -> Iterator[Finding]:
    """Report what the token could not read."""
    for reason in facts.repository.unread if facts.repository else ():
        yield _finding(
            severity="note",
            name="repository-unread",
            what=f"The repository was not checked in full: {reason}",
            why="This command cannot tell if the check is required.",
            lines="export GITHUB_TOKEN=$(gh auth token) GITHUB_REPOSITORY=owner/name",
        )


def _finding(*, name: str, what: str, why: str, lines: str, severity: Severity = "warning") -> Finding:
    return Finding(name=name, severity=severity, what=what, why=why, lines=lines)


CHECKS = (check_is_required, check_required_app, check_required_models, check_open_environments, check_readable_rules)
