"""Read the rules of the default branch from GitHub: required checks, their App, and the merge queue.

Rulesets are readable with `metadata: read` (*Get rules for a branch*); required checks of a classic branch protection
come with the branch (*Get a branch*, `contents: read`).
"""

from pydantic import Field

from mlci.errors import OutsideError
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.operations.doctor.facts import RepositoryFacts, RequiredCheck


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
    parameters: _Parameters | None = None


class _StatusChecks(Form):
    contexts: list[str] = Field(default_factory=list)
    checks: list[_Check] = Field(default_factory=list)


class _Protection(Form):
    required_status_checks: _StatusChecks | None = None


class _Branch(Form):
    protected: bool = False
    protection: _Protection | None = None


def read_repository(client: RepositoryClient) -> RepositoryFacts:
    """Return the rules of the default branch; a part that the token can't read is named in ``unread``."""
    try:
        found = client.get("", form_reader(_Repository), doing=f"read {client.name}")
    except OutsideError as error:
        return RepositoryFacts(name=client.name, branch="main", unread=(str(error),))
    if found is None:
        reason = f"{client.name} is not there for this token (404)."
        return RepositoryFacts(name=client.name, branch="main", unread=(reason,))
    unread: list[str] = []
    rules = _rules(client, found.default_branch, unread)
    protected = _protected(client, found.default_branch, unread)
    return RepositoryFacts(
        name=client.name,
        branch=found.default_branch,
        required=(*_of_rulesets(rules), *protected),
        queue=any(rule.type == "merge_queue" for rule in rules),
        unread=tuple(unread),
    )


def _rules(client: RepositoryClient, branch: str, unread: list[str]) -> list[_Rule]:
    try:
        return client.get_pages(f"/rules/branches/{branch}", form_reader(list[_Rule]), doing="read the rules")
    except OutsideError as error:
        unread.append(str(error))
        return []


def _of_rulesets(rules: list[_Rule]) -> list[RequiredCheck]:
    return [
        RequiredCheck(name=check.context, app=check.integration_id, source=f"ruleset {rule.ruleset_id}")
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
