"""`mlci setup`: plan and apply required checks, protected environments and labels, and find rules that block them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mlci.errors import OutsideError
from mlci.github.rest import RepositoryClient
from mlci.operations.doctor.facts import RepositoryFacts
from mlci.operations.doctor.repository_rules import read_repository, rules_against_writing
from mlci.operations.setup.environments import (
    EnvironmentPlan,
    EnvironmentRules,
    apply_environment,
    plan_environments,
)
from mlci.operations.setup.labels import LabelPlan, LabelUse, apply_label, plan_labels
from mlci.operations.setup.required_checks import (
    PREFIX,
    RequiredChecksPlan,
    apply_required_checks,
    plan_required_checks,
)


@dataclass(frozen=True, kw_only=True)
class WantedSetup:
    """What the settings of a repository have to be.

    Attributes:
        models: Models whose checks are required.
        app: App that has to report the checks; ``None`` for any.
        configured: All models that the repository has a configuration for.
        ledgers: Models whose registry is the repository itself.
        environments: Environments that the jobs of mlci name.
        branches: Branches whose jobs get these environments; empty for the default branch.
        reviewers: Users and teams of whom one has to approve such a job; ``None`` leaves them as they are.
        prevent_self_review: Whether who started a job may not approve it; ``None`` leaves it as it is.
        labels: Labels that configurations and workflows read.
    """

    models: tuple[str, ...]
    app: int | None
    configured: frozenset[str]
    ledgers: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    reviewers: tuple[str, ...] | None = None
    prevent_self_review: bool | None = None
    labels: tuple[LabelUse, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetupPlan:
    """The difference between the settings of a repository and those that mlci needs.

    Attributes:
        checks: Required checks.
        environments: Protected environments.
        labels: Labels that configurations and workflows read.
        blocking: Rules of others that keep every pull request from being merged.
        notes: Rules of others that may refuse what `mlci promote` writes.
    """

    checks: RequiredChecksPlan
    environments: tuple[EnvironmentPlan, ...]
    labels: tuple[LabelPlan, ...]
    blocking: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether `mlci setup apply` has nothing to change."""
        changed = [bool(one.changes) for one in self.environments] + [bool(one.changes) for one in self.labels]
        return self.checks.is_current and not any(changed)

    def as_document(self) -> Mapping[str, object]:
        """Return the plan for JSON."""
        return {
            **self.checks.as_document(),
            "current": self.is_current,
            "environments": [one.as_document() for one in self.environments],
            "labels": [one.as_document() for one in self.labels],
            "blocking": list(self.blocking),
            "notes": list(self.notes),
        }


def plan_repository(client: RepositoryClient, wanted: WantedSetup) -> SetupPlan:
    """Compare the settings of a repository with those that mlci needs; nothing is written.

    Raises:
        InputError: if more reviewers are named than GitHub accepts.
        OutsideError: if the settings can't be read.
    """
    facts = read_repository(client)
    if facts.unread:
        raise OutsideError(facts.unread[0])
    checks = plan_required_checks(client, facts, wanted.models, app=wanted.app)
    rules = EnvironmentRules(
        branches=wanted.branches or (facts.branch,),
        reviewers=wanted.reviewers,
        prevent_self_review=wanted.prevent_self_review,
    )
    ledgers = {f"mlci/{model}": rules_against_writing(client, f"mlci/{model}") for model in wanted.ledgers}
    configured = wanted.configured | set(wanted.models)
    return SetupPlan(
        checks=checks,
        environments=plan_environments(client, wanted.environments, rules),
        labels=plan_labels(client, wanted.labels),
        blocking=tuple(_find_blocking(facts, own=checks.ruleset, models=configured, app=wanted.app)),
        notes=tuple(_registry_notes(ledgers)),
    )


def _find_blocking(facts: RepositoryFacts, *, own: int | None, models: Collection[str], app: int | None) -> list[str]:
    """Return why no pull request can be merged, whatever mlci reports.

    Args:
        facts: Default branch and its required checks.
        own: Number of the ruleset ``mlci``, which `mlci setup apply` corrects.
        models: Names of the models that the repository has a configuration for.
        app: App that reports the checks; ``None`` for any.
    """
    known, found = {f"{PREFIX}{model}" for model in models}, []
    for check in facts.required:
        if not check.name.startswith(PREFIX) or check.source == f"ruleset {own}":
            continue
        if check.name not in known:
            found.append(f"{check.source} requires `{check.name}`, and no mlci.yml has this model: it never reports")
        elif None not in {app, check.app} and check.app != app:
            found.append(f"{check.source} requires `{check.name}` of App {check.app}, and App {app} reports it")
    return list(dict.fromkeys(found))


def _registry_notes(branches: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the rules that may refuse what `mlci promote` writes.

    Args:
        branches: Rules that refuse commits, with their rulesets, by the branch of a ledger.
    """
    return [
        f"{', '.join(dict.fromkeys(rules.values()))} has `{'`, `'.join(rules)}` on {branch}, where the registry is: "
        f"promotions are refused unless the App may bypass it. Leave mlci/** out of it"
        for branch, rules in branches.items()
        if rules
    ]


def apply_setup(client: RepositoryClient, plan: SetupPlan) -> None:
    """Write the ruleset ``mlci``, the environments and the labels as planned.

    Raises:
        InputError: if a reviewer can't read the repository.
        OutsideError: if GitHub refuses; it needs `administration: write`, which a workflow's own token can't have.
    """
    apply_required_checks(client, plan.checks)
    for environment in plan.environments:
        apply_environment(client, environment)
    for label in plan.labels:
        apply_label(client, label)
