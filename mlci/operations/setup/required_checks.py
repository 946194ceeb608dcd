"""Required checks as code: a ruleset of GitHub that requires every model's check on the default branch.

mlci keeps one ruleset of the name ``mlci``, and in it the required checks that begin with ``mlci / ``; it leaves every
other rule, check and setting of that ruleset, and every other ruleset, as they are. A check that another ruleset or a
branch protection requires already, reported by the same App, is not required twice.

Source: https://docs.github.com/rest/repos/rules
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.operations.doctor.facts import RepositoryFacts, RequiredCheck

RULESET = "mlci"
PREFIX = "mlci / "
_RULE = "required_status_checks"
_WRITABLE = ("name", "target", "enforcement", "bypass_actors", "conditions", "rules")


class _Ruleset(Form):
    id: int
    name: str
    target: str = "branch"
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
        kept: Checks that are required already, by rules that hold for the branch.
        added: Names of checks that are not required, or not of this App.
        removed: Checks of the ruleset ``mlci`` that no model has, that another rule requires, or of another App.
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


def plan_required_checks(
    client: RepositoryClient, facts: RepositoryFacts, models: tuple[str, ...], *, app: int | None
) -> RequiredChecksPlan:
    """Compare the repository's required checks with those of some models.

    Args:
        client: Client of the repository; reading rulesets needs `metadata: read`.
        facts: Default branch and its required checks.
        models: Names of the models.
        app: App that has to report the checks; ``None`` for any.

    Raises:
        OutsideError: if the rules can't be read.
    """
    number, ruleset = _find_ruleset(client)
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
    wanted, source = [f"{PREFIX}{model}" for model in dict.fromkeys(models)], f"ruleset {number}"
    held = _checks_of(ruleset or {})
    ours = [one for one in held if one["context"].startswith(PREFIX)]
    effective = {(one.name, one.source == source): one for one in facts.required if one.app == app}
    needed = [name for name in wanted if (name, False) not in effective]
    kept = [effective.get((name, False)) or effective.get((name, True)) for name in wanted]
    required = [one for one in kept if one is not None]
    checks = [one for one in held if one not in ours] + [_check(name, app) for name in needed]
    return RequiredChecksPlan(
        repository=facts.name,
        branch=facts.branch,
        kept=tuple(required),
        added=tuple(name for name in wanted if name not in {one.name for one in required}),
        removed=tuple(
            RequiredCheck(name=one["context"], app=one.get("integration_id"), source=source)
            for one in ours
            if one["context"] not in needed or one.get("integration_id") != app
        ),
        problems=_problems(ruleset, facts.branch) if needed and ruleset else (),
        app=app,
        ruleset=number,
        body=_with_checks(ruleset or _new(), checks, facts.branch),
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


def _find_ruleset(client: RepositoryClient) -> tuple[int | None, Mapping[str, Any] | None]:
    """Return the number of the ruleset of branches with our name, and the ruleset; ``None`` if it does not exist."""
    found = client.get_pages("/rulesets", form_reader(list[_Ruleset]), doing="read the rulesets")
    mine = (one for one in found if (one.name, one.target, one.source_type) == (RULESET, "branch", "Repository"))
    number = next((one.id for one in mine), None)
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


def _names(ruleset: Mapping[str, Any], key: Literal["include", "exclude"]) -> list[str]:
    return list(((ruleset.get("conditions") or {}).get("ref_name") or {}).get(key, []))


def _all_names(branch: str) -> set[str]:
    """Return what a ruleset's condition can call the default branch, patterns apart."""
    return {"~DEFAULT_BRANCH", "~ALL", f"refs/heads/{branch}"}


def _problems(ruleset: Mapping[str, Any], branch: str) -> tuple[str, ...]:
    """Return why an existing ruleset has no effect on the default branch."""
    problems, names = [], _all_names(branch)
    if not names & set(_names(ruleset, "include")):
        problems.append(f"it does not name the default branch ({branch})")
    if excluded := names & set(_names(ruleset, "exclude")):
        problems.append(f"it excludes {', '.join(sorted(excluded))}")
    if ruleset["enforcement"] != "active":
        problems.append(f"its enforcement is `{ruleset['enforcement']}`, not `active`")
    return tuple(problems)


def _with_checks(ruleset: Mapping[str, Any], checks: list[dict[str, Any]], branch: str) -> Mapping[str, Any]:
    """Return the ruleset, active on the default branch, with these required checks and its other rules."""
    kept = [rule for rule in ruleset["rules"] if rule["type"] != _RULE]
    old: Mapping[str, Any] = next((rule["parameters"] for rule in ruleset["rules"] if rule["type"] == _RULE), {})
    parameters = {"strict_required_status_checks_policy": False, **old, _RULE: checks}
    included, names = _names(ruleset, "include"), _all_names(branch)
    changed = {
        "enforcement": "active",
        "conditions": {
            "ref_name": {
                "include": included if names & set(included) else [*included, "~DEFAULT_BRANCH"],
                "exclude": [name for name in _names(ruleset, "exclude") if name not in names],
            }
        },
        "rules": [*kept, {"type": _RULE, "parameters": parameters}] if checks else kept,
    }
    return {key: value for key, value in {**ruleset, **changed}.items() if key in _WRITABLE}
