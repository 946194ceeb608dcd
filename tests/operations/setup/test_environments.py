"""`mlci setup`: environments of promotions, and rulesets of an organisation, against a fake of GitHub."""

import json

import pytest

from mlci.errors import InputError, OutsideError
from mlci.operations.doctor.checks.required_check import check_open_environments
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.repository_rules import read_repository
from mlci.operations.setup.environments import EnvironmentRules, apply_environment, plan_environments, read_environment
from mlci.operations.setup.plan import WantedSetup, plan_repository
from tests.fake_github.fake import Fake
from tests.support.github_settings import ACTIONS, ruleset, run_setup, settings_client, write_settings
from tests.support.project import files, write
from tests.support.setups import template

PLACE = "/environments/production"
MAIN = EnvironmentRules(branches=("main",))


@pytest.fixture
def fake(tmp_path):
    with Fake(tmp_path / "model.git") as made:
        yield made


def team(fake, slug="ml"):
    return f"{fake.name.partition('/')[0]}/{slug}", fake.team(slug)


def changes(fake, rules=MAIN):
    (plan,) = plan_environments(settings_client(fake), ["production"], rules)
    return plan.changes


def apply(fake, rules=MAIN):
    (plan,) = plan_environments(settings_client(fake), ["production"], rules)
    apply_environment(settings_client(fake), plan)
    assert changes(fake, rules) == ()
    return read_environment(settings_client(fake), "production")


def test_environment__from_nothing_to_protected_and_back_to_fewer(fake):
    name, _ = team(fake)
    fake.role("ada", "write")
    rules = EnvironmentRules(branches=("main", "release/*"), reviewers=(name, "Ada"), prevent_self_review=True)
    assert changes(fake, rules)[0] == "does not exist yet"
    made = apply(fake, rules)
    assert (set(made.patterns), set(made.reviewers), made.prevent_self_review) == (
        {"main", "release/*"},
        {name, "Ada"},
        True,
    )
    fewer = EnvironmentRules(branches=("main",), reviewers=(name,))
    assert changes(fake, fewer) == ("release/* may not deploy any longer", "Ada does not approve any longer")
    made = apply(fake, fewer)
    assert (set(made.patterns), set(made.reviewers), made.prevent_self_review) == ({"main"}, {name}, True)


def test_environment__what_is_not_named_stays(fake):
    name, number = team(fake)
    body = {"wait_timer": 30, "prevent_self_review": True, "reviewers": [{"type": "Team", "id": number}]}
    write_settings(fake, "PUT", PLACE, body)
    assert changes(fake) == ("deploys from any branch; 'main' alone may",)
    made = apply(fake)
    assert (made.wait_timer, made.prevent_self_review, list(made.reviewers)) == (30, True, [name])


@pytest.mark.parametrize(
    ("policy", "change"),
    [
        (None, "deploys from any branch; 'main' alone may"),
        ({"protected_branches": True, "custom_branch_policies": False}, "protected branches may not deploy any longer"),
        ({"protected_branches": False, "custom_branch_policies": True}, "main may deploy"),
    ],
)
def test_environment__other_branches(fake, policy, change):
    write_settings(fake, "PUT", PLACE, {"deployment_branch_policy": policy})
    assert change in changes(fake)
    apply(fake)


def test_environment__tag_that_may_deploy(fake):
    apply(fake)
    write_settings(fake, "POST", f"{PLACE}/deployment-branch-policies", {"name": "v*", "type": "tag"})
    assert changes(fake) == ("tag v* may not deploy any longer",)
    apply(fake)


@pytest.mark.parametrize(
    ("reviewer", "words"),
    [
        ("octo-org/absent", "--reviewer octo-org/absent: no such team may read"),
        ("elsewhere/ml", "it has 'octo-org/ml'"),
    ],
)
def test_environment__reviewer_that_does_not_exist(fake, reviewer, words):
    team(fake)
    rules = EnvironmentRules(branches=("main",), reviewers=(reviewer,))
    (plan,) = plan_environments(settings_client(fake), ["production"], rules)
    with pytest.raises(InputError, match=words):
        apply_environment(settings_client(fake), plan)
    with pytest.raises(InputError, match="7 reviewers are named, and GitHub accepts 6"):
        plan_environments(settings_client(fake), [], EnvironmentRules(branches=(), reviewers=("a",) * 7))


def test_environment__plan_of_github_without_protection(fake):
    fake.fail("PUT", "/environments/*", status=422)
    (plan,) = plan_environments(settings_client(fake), ["production"], MAIN)
    with pytest.raises(OutsideError, match="In a private repository, GitHub's plan decides"):
        apply_environment(settings_client(fake), plan)


def wanted(**more):
    return WantedSetup(models=("churn",), app=ACTIONS, configured=frozenset({"churn", "fraud"}), **more)


def everywhere(*rules, name="of all"):
    where = {"ref_name": {"include": ["~ALL"], "exclude": []}}
    return {"name": name, "conditions": where, "rules": list(rules)}


def requires(*checks):
    return everywhere(*ruleset(*checks)["rules"])


@pytest.mark.parametrize(
    ("check", "blocking"),
    [
        ({"context": "mlci / churn", "integration_id": ACTIONS}, ""),
        ({"context": "mlci / fraud"}, ""),
        ({"context": "tests"}, ""),
        ({"context": "mlci / old"}, "ruleset {} of octo-org requires `mlci / old`, and no mlci.yml has this model"),
        (
            {"context": "mlci / churn", "integration_id": 7},
            "of octo-org requires `mlci / churn` of App 7, and App 15368",
        ),
    ],
)
def test_setup__ruleset_of_the_organisation_requires(fake, check, blocking):
    number = fake.organisation_ruleset(**requires(check))
    found = plan_repository(settings_client(fake), wanted())
    assert len(found.blocking) == bool(blocking)
    assert blocking.format(number) in "".join(found.blocking)
    by_organisation = check == {"context": "mlci / churn", "integration_id": ACTIONS}
    assert found.checks.added == (() if by_organisation else ("mlci / churn",))
    assert [one.source for one in found.checks.kept] == [f"ruleset {number} of octo-org"] * by_organisation


def test_setup__ruleset_of_the_organisation_on_the_branch_of_the_registry(fake):
    number = fake.organisation_ruleset(**everywhere({"type": "creation"}, {"type": "deletion"}))
    found = plan_repository(settings_client(fake), wanted(ledgers=("churn",)))
    (note,) = found.notes
    assert note.startswith(f"ruleset {number} of octo-org has `creation` on mlci/churn, where the registry is")


def test_setup__environment_of_the_workflows(fake, tmp_path):
    """Check, apply and check again, with the environment of the template, and an organisation that blocks merges."""
    workflow = {".github/workflows/mlci-promote.yml": template("mlci-promote.yml")}
    folder = write(tmp_path / "checkout", {**files(1), **workflow})
    name, _ = team(fake)
    drift = run_setup(fake, folder, "check", "--reviewer", name)
    assert (drift.code, drift.out.splitlines()[2:]) == (
        1,
        [
            "  ~ environment production: does not exist yet",
            "  ~ environment production: deploys from any branch; 'main' alone may",
            f"  ~ environment production: {name} approves",
            "`mlci setup apply` writes the ruleset mlci and the environment production.",
        ],
    )
    assert run_setup(fake, folder, "apply", "--reviewer", name).code == 0
    done = run_setup(fake, folder, "check", "--reviewer", name, "--allow-self-review")
    assert (done.code, f"  = environment production: main deploys, approved by {name}\n" in done.out) == (0, True)
    assert json.loads(run_setup(fake, folder, "plan", "--json").out)["environments"] == [
        {"name": "production", "exists": True, "branches": ["main"], "reviewers": [name], "changes": []}
    ]
    fake.organisation_ruleset(**requires({"context": "mlci / old"}))
    blocked = run_setup(fake, folder, "check")
    assert (blocked.code, "  ✗ ruleset " in blocked.out) == (1, True)
    assert run_setup(fake, folder, "apply").code == 1


def test_doctor__open_environment(fake):
    write_settings(fake, "PUT", PLACE, {})
    reader = settings_client(fake, {"contents": "read", "actions": "read"})

    def found():
        repository = read_repository(reader, ["production", "absent"])
        return list(check_open_environments(SetupFacts(config_path="mlci.yml", repository=repository)))

    (finding,) = found()
    assert (finding.name, finding.severity) == ("environment-open", "note")
    apply(fake)
    assert found() == []
