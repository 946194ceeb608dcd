"""Read the rules of the default branch from GitHub: required checks, their App, and the merge queue.

Rulesets are readable with `metadata: read` (*Get rules for a branch*); required checks of a classic branch protection
come with the branch (*Get a branch*, `contents: read`).
"""

from collections.abc import Sequence
from urllib.parse import quote

from pydantic import Field

from mlci.errors import OutsideError
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.operations.doctor.facts import RepositoryFacts, RequiredCheck
from mlci.operations.setup.environments import EnvironmentState, read_environment

_REFUSES = {
    "creation", "update", "pull_request", "required_status_checks", "required_deployments", "workflows", "merge_queue",
    "code_scanning",
}  # fmt: skip
"""Rules that refuse a commit written by an App that may not bypass them."""


class _Repository(Form):
    default_branch: str


class _Check(Form):
    context: str
    integration_id: int | None = None
    app_id: int | None = None


class _Parameters(Form):
    required_status_checks: list[_Check] = Field(default_factory=list)


class _Rule(Form):
    type: str
    ruleset_id: int | None = None
    ruleset_source_type: str = "Repository"
    ruleset_source: str = ""
    parameters: _Parameters | None = None

    @property
    def source(self) -> str:
        """The ruleset, with its owner if it is not the repository's own."""
        own = self.ruleset_source_type == "Repository"
        return f"ruleset {self.ruleset_id}" + ("" if own else f" of {self.ruleset_source}")


class _StatusChecks(Form):
    contexts: list[str] = Field(default_factory=list)
    checks: list[_Check] = Field(default_factory=list)


class _Protection(Form):
    required_status_checks: _StatusChecks | None = None


class _Branch(Form):
    protected: bool = False
    protection: _Protection | None = None


def read_repository(client: RepositoryClient, environments: Sequence[str] = ()) -> RepositoryFacts:
    """Return the rules of the default branch, and environments; a part that can't be read is named in ``unread``."""
    try:
        found = client.get("", form_reader(_Repository), doing=f"read {client.name}")
    except OutsideError as error:
        return RepositoryFacts(name=client.name, branch="main", rules_read=False, unread=(str(error),))
    if found is None:
        reason = f"{client.name} is not there for this token (404)."
        return RepositoryFacts(name=client.name, branch="main", rules_read=False, unread=(reason,))
    unread: list[str] = []
    rules = _rules(client, found.default_branch, unread)
    protected = _protected(client, found.default_branch, unread)
    rules_read = not unread
    return RepositoryFacts(
        name=client.name,
        branch=found.default_branch,
        required=(*_of_rulesets(rules), *protected),
        queue=any(rule.type == "merge_queue" for rule in rules),
        environments=_environments(client, environments, unread),
        rules_read=rules_read,
        unread=tuple(unread),
    )


def _environments(client: RepositoryClient, names: Sequence[str], unread: list[str]) -> tuple[EnvironmentState, ...]:
    try:
        return tuple(filter(None, (read_environment(client, name) for name in names)))
    except OutsideError as error:
        unread.append(str(error))
        return ()


def _rules(client: RepositoryClient, branch: str, unread: list[str]) -> list[_Rule]:
    try:
        return _rules_of(client, branch)
    except OutsideError as error:
        unread.append(str(error))
        return []


def _rules_of(client: RepositoryClient, branch: str) -> list[_Rule]:
    place = f"/rules/branches/{quote(branch, safe='')}"
    return client.get_pages(place, form_reader(list[_Rule]), doing=f"read the rules of {branch}")


def rules_against_writing(client: RepositoryClient, branch: str) -> dict[str, str]:
    """Return the rules that refuse a commit written to a branch without a pull request, with the ruleset of each.

    Raises:
        OutsideError: if the rules can't be read.
    """
    return {rule.type: rule.source for rule in _rules_of(client, branch) if rule.type in _REFUSES}


def _of_rulesets(rules: list[_Rule]) -> list[RequiredCheck]:
    return [
        RequiredCheck(name=check.context, app=check.integration_id, source=rule.source)
        for rule in rules
        if rule.type == "required_status_checks" and rule.parameters
        for check in rule.parameters.required_status_checks
    ]


def _protected(client: RepositoryClient, branch: str, unread: list[str]) -> list[RequiredCheck]:
    try:
        found = client.get(f"/branches/{branch}", form_reader(_Branch), doing="read the branch")
    except OutsideError as error:
        unread.append(str(error))
        return []
    checks = found.protection.required_status_checks if found and found.protection else None
    if found is None or checks is None:
        return []
    apps = {check.context: check.app_id for check in checks.checks}
    names = dict.fromkeys((*checks.contexts, *apps))
    return [RequiredCheck(name=name, app=apps.get(name), source="branch protection") for name in names]
