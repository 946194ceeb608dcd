"""Rules outside of mlci's own ruleset, such as an organisation's, that keep merges or promotions from succeeding."""

from collections.abc import Collection, Mapping

from mlci.operations.doctor.facts import RepositoryFacts
from mlci.operations.setup.required_checks import PREFIX


def find_blocking(facts: RepositoryFacts, *, own: int | None, models: Collection[str], app: int | None) -> list[str]:
    """Return why no pull request can be merged, whatever mlci reports. Pure.

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


def registry_notes(branches: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the rules that may refuse what `mlci promote` writes. Pure.

    Args:
        branches: Rules that refuse commits, with their rulesets, by the branch of a ledger.
    """
    return [
        f"{', '.join(dict.fromkeys(rules.values()))} has `{'`, `'.join(rules)}` on {branch}, where the registry is: "
        f"promotions are refused unless the App may bypass it. Leave mlci/** out of it"
        for branch, rules in branches.items()
        if rules
    ]
