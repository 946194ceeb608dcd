"""Protected environments as code: reviewers, and the branches whose jobs get the environment.

The jobs that write the registry name an environment, `production` in mlci's templates. GitHub creates it without any
protection when such a job first runs. mlci limits it to the default branch, and requires reviewers if some are named;
waiting time and the rules of Apps stay as they are.

Source: https://docs.github.com/rest/deployments/environments
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field

from mlci.errors import InputError, OutsideError, list_names
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.github.retry import RefusedError

MOST_REVIEWERS = 6
"""Reviewers that GitHub accepts for one environment."""
_POLICIES = "deployment-branch-policies"


class _Account(Form):
    id: int
    login: str | None = None
    slug: str | None = None


class _Reviewer(Form):
    type: Literal["User", "Team"]
    reviewer: _Account


class _Rule(Form):
    type: str
    wait_timer: int = 0
    prevent_self_review: bool = False
    reviewers: list[_Reviewer] = Field(default_factory=list)


class _BranchPolicy(Form):
    protected_branches: bool
    custom_branch_policies: bool


class _Environment(Form):
    name: str
    protection_rules: list[_Rule] = Field(default_factory=list)
    deployment_branch_policy: _BranchPolicy | None = None


class _Pattern(Form):
    id: int
    name: str
    type: str = "branch"


class _Patterns(Form):
    branch_policies: list[_Pattern] = Field(default_factory=list)


class _Permission(Form):
    permission: str
    user: _Account | None


@dataclass(frozen=True, kw_only=True)
class EnvironmentState:
    """An environment as GitHub has it.

    Attributes:
        name: Its name.
        reviewers: Users, and teams as ``owner/slug``, with the reviewer as the API takes it.
        wait_timer: Minutes before a job starts.
        prevent_self_review: Whether who started a job may not approve it.
        patterns: Numbers of the policies by the branches that may deploy, ``tag`` before a tag's pattern; ``None`` if
            any branch may.
    """

    name: str
    reviewers: Mapping[str, Mapping[str, Any]]
    wait_timer: int
    prevent_self_review: bool
    patterns: Mapping[str, int] | None

    @property
    def protection(self) -> str:
        """Who may deploy and who approves, in words."""
        deploys = (
            "any branch deploys" if self.patterns is None else f"{', '.join(self.patterns) or 'no branch'} deploys"
        )
        approves = f"approved by {' or '.join(self.reviewers)}" if self.reviewers else "without approval"
        return f"{deploys}, {approves}"


@dataclass(frozen=True, kw_only=True)
class EnvironmentRules:
    """What an environment has to have; ``None`` leaves a setting as it is.

    Attributes:
        branches: Branches whose jobs get the environment.
        reviewers: Users, and teams as ``owner/slug``, of whom one has to approve.
        prevent_self_review: Whether who started a job may not approve it.
    """

    branches: tuple[str, ...]
    reviewers: tuple[str, ...] | None = None
    prevent_self_review: bool | None = None


@dataclass(frozen=True, kw_only=True)
class EnvironmentPlan:
    """The difference between an environment and its rules.

    Attributes:
        name: Its name.
        current: The environment; ``None`` if it does not exist.
        rules: What it has to have.
        changes: What has to change, in words.
    """

    name: str
    current: EnvironmentState | None
    rules: EnvironmentRules
    changes: tuple[str, ...]

    def as_document(self) -> Mapping[str, object]:
        """Return the plan for JSON."""
        current = self.current
        return {
            "name": self.name,
            "exists": current is not None,
            "branches": None if current is None or current.patterns is None else list(current.patterns),
            "reviewers": [] if current is None else list(current.reviewers),
            "changes": list(self.changes),
        }


def plan_environments(
    client: RepositoryClient, names: Sequence[str], rules: EnvironmentRules
) -> tuple[EnvironmentPlan, ...]:
    """Compare environments with their rules.

    Raises:
        OutsideError: if an environment can't be read.
        InputError: if more reviewers are named than GitHub accepts.
    """
    if len(rules.reviewers or ()) > MOST_REVIEWERS:
        raise InputError(
            f"{len(rules.reviewers or ())} reviewers are named, and GitHub accepts {MOST_REVIEWERS}; name a team"
        )
    return tuple(compare_environment(name, read_environment(client, name), rules) for name in names)


def read_environment(client: RepositoryClient, name: str) -> EnvironmentState | None:
    """Return an environment; ``None`` if it does not exist.

    Raises:
        OutsideError: if it can't be read.
    """
    place = f"/environments/{quote(name, safe='')}"
    found = client.get(place, form_reader(_Environment), doing=f"read the environment {name}")
    if found is None:
        return None
    policy, owner = found.deployment_branch_policy, client.name.partition("/")[0]
    patterns: dict[str, int] | None = None
    if policy is not None and policy.custom_branch_policies:
        listed = client.get(
            f"{place}/{_POLICIES}",
            form_reader(_Patterns),
            doing=f"read the branches of {name}",
            parameters={"per_page": 100},
        )
        policies = listed.branch_policies if listed else []
        patterns = {one.name if one.type == "branch" else f"tag {one.name}": one.id for one in policies}
    elif policy is not None:
        patterns = {"protected branches": 0}
    reviewing = next((rule for rule in found.protection_rules if rule.reviewers), None)
    return EnvironmentState(
        name=name,
        reviewers={_name(one, owner): {"type": one.type, "id": one.reviewer.id} for one in reviewing.reviewers}
        if reviewing
        else {},
        wait_timer=sum(rule.wait_timer for rule in found.protection_rules),
        prevent_self_review=reviewing is not None and reviewing.prevent_self_review,
        patterns=patterns,
    )


def _name(one: _Reviewer, owner: str) -> str:
    return f"{owner}/{one.reviewer.slug}" if one.type == "Team" else str(one.reviewer.login)


def compare_environment(name: str, current: EnvironmentState | None, rules: EnvironmentRules) -> EnvironmentPlan:
    """Return the plan for an environment that was read. Pure."""
    changes = [] if current else ["does not exist yet"]
    patterns = current.patterns if current else None
    only = list_names(rules.branches, 10)
    if patterns is None:
        changes.append(f"deploys from any branch; {only} alone may")
    else:
        changes += [f"{one} may deploy" for one in rules.branches if one not in patterns]
        changes += [f"{one} may not deploy any longer" for one in patterns if one not in rules.branches]
    have = {one.lower(): one for one in (current.reviewers if current else {})}
    if rules.reviewers is not None:
        wanted = {one.lower(): one for one in rules.reviewers}
        changes += [f"{one} approves" for key, one in wanted.items() if key not in have]
        changes += [f"{one} does not approve any longer" for key, one in have.items() if key not in wanted]
    prevents = current is not None and current.prevent_self_review
    if rules.prevent_self_review is not None and rules.prevent_self_review != prevents and (rules.reviewers or have):
        changes.append(f"who starts a job may {'not ' if rules.prevent_self_review else ''}approve it")
    return EnvironmentPlan(name=name, current=current, rules=rules, changes=tuple(changes))


def apply_environment(client: RepositoryClient, plan: EnvironmentPlan) -> None:
    """Create or change an environment as planned; nothing is sent if nothing has to change.

    Raises:
        InputError: if a reviewer can't read the repository.
        OutsideError: if GitHub refuses; it needs `administration: write`.
    """
    if not plan.changes:
        return
    place, current, rules = f"/environments/{quote(plan.name, safe='')}", plan.current, plan.rules
    reviewers = list(current.reviewers.values()) if current else []
    if rules.reviewers is not None:
        reviewers = [_find_reviewer(client, name, current) for name in rules.reviewers]
    kept = current is not None and current.prevent_self_review
    body = {
        "wait_timer": current.wait_timer if current else 0,
        "prevent_self_review": kept if rules.prevent_self_review is None else rules.prevent_self_review,
        "reviewers": reviewers,
        "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
    }
    _write(client, "PUT", place, plan.name, body)
    patterns = (current.patterns if current else None) or {}
    for branch in rules.branches:
        if branch not in patterns:
            _write(client, "POST", f"{place}/{_POLICIES}", plan.name, {"name": branch})
    for pattern, number in patterns.items():
        if pattern not in rules.branches and number:
            client.delete(f"{place}/{_POLICIES}/{number}", doing=f"change the branches of {plan.name}")


def _write(client: RepositoryClient, verb: str, path: str, name: str, body: Mapping[str, Any]) -> None:
    try:
        client.change(verb, path, lambda _: None, doing=f"write the environment {name}", body=body)
    except RefusedError as error:
        if error.status != 422:
            raise
        raise OutsideError(
            f"{error}\nIn a private repository, GitHub's plan decides: branches of an environment need GitHub Pro or "
            "Team, required reviewers GitHub Enterprise. Without them, remove `environment:` from the jobs that "
            "promote, and protect the default branch"
        ) from error


def _find_reviewer(client: RepositoryClient, name: str, current: EnvironmentState | None) -> Mapping[str, Any]:
    """Return a reviewer as the API takes it."""
    known = {key.lower(): value for key, value in (current.reviewers if current else {}).items()}
    if (found := known.get(name.lower())) is not None:
        return found
    return _find_team(client, name) if "/" in name else _find_user(client, name)


def _find_team(client: RepositoryClient, name: str) -> Mapping[str, Any]:
    owner, _, slug = name.lower().partition("/")
    teams = client.get_pages("/teams", form_reader(list[_Account]), doing="read the teams")
    of_owner = teams if owner == client.name.partition("/")[0].lower() else []
    found = next((one for one in of_owner if (one.slug or "").lower() == slug), None)
    if found is None:
        known = list_names([f"{client.name.partition('/')[0]}/{one.slug}" for one in teams], 10)
        raise InputError(
            f"--reviewer {name}: no such team may read {client.name}"
            + (f"; it has {known}" if teams else "; give the team read access in the repository's settings first")
        )
    return {"type": "Team", "id": found.id}


def _find_user(client: RepositoryClient, name: str) -> Mapping[str, Any]:
    place = f"/collaborators/{quote(name, safe='')}/permission"
    found = client.get(place, form_reader(_Permission), doing=f"find {name}")
    if found is None or found.user is None or found.permission == "none":
        raise InputError(f"--reviewer {name}: no such user may read {client.name}; write a team as owner/team")
    return {"type": "User", "id": found.user.id}
