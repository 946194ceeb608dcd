"""Required checks as code: a ruleset of GitHub that requires every model's check on the default branch.

mlci keeps one ruleset of the name ``mlci``, and in it the required checks that begin with ``mlci / ``; it leaves every
other rule, check and setting of that ruleset, and every other ruleset, as they are. A check that another ruleset or a
branch protection requires already, reported by the same App, is not required twice.

Source: https://docs.github.com/rest/repos/rules
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from mlci.errors import OutsideError
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.operations.doctor.facts import RepositoryFacts, RequiredCheck
from mlci.operations.doctor.repository_rules import read_repository

RULESET = "mlci"
PREFIX = "mlci / "
_RULE = "required_status_checks"
_WRITABLE = ("name", "target", "enforcement", "bypass_actors", "conditions", "rules")


class _Ruleset(Form):
    id: int
    name: str
    source_type: str = "Repository"


class _Rules(Form):
    name: str
    target: str = "branch"
    enforcement: str
    bypass_actors: list[dict[str, Any]] | None = None
    conditions: dict[str, Any] | None = None
    rules: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class RequiredChecksPlan:
    """The difference between the required checks of a repository and those that its models need.

    Attributes:
        repository, branch: Repository and its default branch.
        kept: Checks that are required already.
        added: Names of checks that are not required, or not of this App.
        removed: Checks of the ruleset ``mlci`` that no model has.
        problems: Settings of the ruleset that keep it from taking effect.
        app: App that has to report the checks; ``None`` for any.
        ruleset: Number of the ruleset ``mlci``; ``None`` if it does not exist.
        body: The ruleset as it has to be.
    """

    repository: str
    branch: str
    kept: tuple[RequiredCheck, ...]
    added: tuple[str, ...]
    removed: tuple[RequiredCheck, ...]
    problems: tuple[str, ...]
    app: int | None
    ruleset: int | None
    body: Mapping[str, Any]

    @property
    def is_current(self) -> bool:
        """Whether nothing has to change."""
        return not (self.added or self.removed or self.problems)

    def as_document(self) -> Mapping[str, object]:
        """Return the plan for JSON."""
        return {
            "repository": self.repository,
            "branch": self.branch,
            "current": self.is_current,
            "kept": [{"name": one.name, "app": one.app, "source": one.source} for one in self.kept],
            "added": list(self.added),
            "removed": [one.name for one in self.removed],
            "problems": list(self.problems),
            "app": self.app,
            "ruleset": self.ruleset,
            "body": dict(self.body),
        }


def plan_required_checks(client: RepositoryClient, models: tuple[str, ...], *, app: int | None) -> RequiredChecksPlan:
    """Compare the repository's required checks with those of some models.

    Args:
        client: Client of the repository; reading rulesets needs `metadata: read`.
        models: Names of the models.
        app: App that has to report the checks; ``None`` for any.

    Raises:
        OutsideError: if the rules can't be read.
    """
    facts = read_repository(client)
    if facts.unread:
        raise OutsideError(facts.unread[0])
    number, ruleset = _read_ruleset(client)
    return compare_checks(facts, ruleset, number=number, models=models, app=app)


def compare_checks(
    facts: RepositoryFacts,
    ruleset: Mapping[str, Any] | None,
    *,
    number: int | None,
    models: tuple[str, ...],
    app: int | None,
) -> RequiredChecksPlan:
    """Return the plan for rules that were read. Pure.

    Args:
        facts: Default branch and its required checks.
        ruleset: Ruleset ``mlci``; ``None`` if it does not exist.
        number: Its number.
        models: Names of the models.
        app: App that has to report the checks; ``None`` for any.
    """
    wanted = [f"{PREFIX}{model}" for model in dict.fromkeys(models)]
    held = _checks_of(ruleset or {})
    ours = [one for one in held if one["context"].startswith(PREFIX)]
    elsewhere = {one.name: one for one in facts.required if one.source != f"ruleset {number}" and one.app == app}
    current = {one["context"] for one in ours if one.get("integration_id") == app}
    needed = [name for name in wanted if name not in elsewhere]
    checks = [one for one in held if one not in ours] + [_check(name, app) for name in needed]
    source = f"ruleset {number}"
    return RequiredChecksPlan(
        repository=facts.name,
        branch=facts.branch,
        kept=tuple(
            elsewhere.get(name) or RequiredCheck(name=name, app=app, source=source)
            for name in wanted
            if name in elsewhere or name in current
        ),
        added=tuple(name for name in needed if name not in current),
        removed=tuple(
            RequiredCheck(name=one["context"], app=one.get("integration_id"), source=source)
            for one in ours
            if one["context"] not in wanted
        ),
        problems=_problems(ruleset) if needed else (),
        app=app,
        ruleset=number,
        body=_with_checks(ruleset or _new(), checks),
    )


def apply_required_checks(client: RepositoryClient, plan: RequiredChecksPlan) -> None:
    """Create or change the ruleset ``mlci`` as planned; nothing is sent if nothing has to change.

    Raises:
        OutsideError: if GitHub refuses; it needs `administration: write`, which a workflow's own token can't have.
    """
    if plan.is_current:
        return
    verb, path = ("POST", "/rulesets") if plan.ruleset is None else ("PUT", f"/rulesets/{plan.ruleset}")
    client.change(verb, path, lambda _: None, doing=f"write the ruleset {RULESET}", body=plan.body)


def _read_ruleset(client: RepositoryClient) -> tuple[int | None, Mapping[str, Any] | None]:
    page, parameters = form_reader(list[_Ruleset]), {"per_page": 100, "includes_parents": False}
    found = client.get("/rulesets", page, doing="read the rulesets", parameters=parameters) or []
    number = next((one.id for one in found if one.name == RULESET and one.source_type == "Repository"), None)
    if number is None:
        return None, None
    whole = client.get(f"/rulesets/{number}", form_reader(_Rules), doing=f"read the ruleset {RULESET}")
    return (None, None) if whole is None else (number, whole.model_dump(exclude_none=True))


def _new() -> Mapping[str, Any]:
    return {
        "name": RULESET,
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [],
    }


def _checks_of(ruleset: Mapping[str, Any]) -> list[dict[str, Any]]:
    rules = (rule for rule in ruleset.get("rules", []) if rule["type"] == _RULE)
    return [check for rule in rules for check in rule.get("parameters", {}).get(_RULE, [])]


def _check(name: str, app: int | None) -> dict[str, Any]:
    return {"context": name} | ({} if app is None else {"integration_id": app})


def _problems(ruleset: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return why an existing ruleset has no effect on the default branch."""
    if ruleset is None:
        return ()
    names = (ruleset.get("conditions") or {}).get("ref_name", {})
    covered = {"~DEFAULT_BRANCH", "~ALL"} & set(names.get("include", []))
    problems = [] if covered else ["it does not name the default branch (~DEFAULT_BRANCH)"]
    if ruleset["enforcement"] != "active":
        problems.append(f"its enforcement is `{ruleset['enforcement']}`, not `active`")
    return tuple(problems)


def _with_checks(ruleset: Mapping[str, Any], checks: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Return the ruleset, active on the default branch, with these required checks and its other rules."""
    kept = [rule for rule in ruleset["rules"] if rule["type"] != _RULE]
    old: Mapping[str, Any] = next((rule["parameters"] for rule in ruleset["rules"] if rule["type"] == _RULE), {})
    parameters = {"strict_required_status_checks_policy": False, **old, _RULE: checks}
    names = (ruleset.get("conditions") or {}).get("ref_name", {})
    included = list(names.get("include", []))
    included += [] if {"~DEFAULT_BRANCH", "~ALL"} & set(included) else ["~DEFAULT_BRANCH"]
    rules = [*kept, {"type": _RULE, "parameters": parameters}] if checks else kept
    changed = {
        "enforcement": "active",
        "conditions": {"ref_name": {"include": included, "exclude": list(names.get("exclude", []))}},
        "rules": rules,
    }
    return {key: value for key, value in {**ruleset, **changed}.items() if key in _WRITABLE}
