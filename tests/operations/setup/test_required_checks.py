"""`mlci setup`: the ruleset that requires the checks of the models, against a fake of GitHub."""

import json

import pytest

from mlci.errors import OutsideError
from mlci.operations.doctor.repository_rules import read_repository
from mlci.operations.setup.required_checks import apply_required_checks, plan_required_checks
from tests.fake_github.fake import Fake
from tests.support.github_settings import ACTIONS, ruleset, run_setup, settings_client, write_settings
from tests.support.project import files, write
from tests.support.repository import commit, init


@pytest.fixture
def fake(tmp_path):
    with Fake(tmp_path / "model.git") as made:
        yield made


def plan(fake, *models, app=ACTIONS):
    return plan_required_checks(settings_client(fake), read_repository(settings_client(fake)), models, app=app)


def test_required_checks__from_nothing_to_current_and_back_to_one_model(fake):
    first = plan(fake, "churn", "fraud")
    assert (first.added, first.ruleset, first.is_current) == (("mlci / churn", "mlci / fraud"), None, False)
    apply_required_checks(settings_client(fake), first)
    again = plan(fake, "churn", "fraud")
    assert again.is_current
    assert [(one.name, one.app) for one in again.kept] == [("mlci / churn", ACTIONS), ("mlci / fraud", ACTIONS)]
    fewer = plan(fake, "churn")
    assert [one.name for one in fewer.removed] == ["mlci / fraud"]
    apply_required_checks(settings_client(fake), fewer)
    assert plan(fake, "churn").is_current


def test_required_checks__what_is_not_ours_stays(fake):
    """Other checks, rules and settings of the ruleset, and the people who may bypass it."""
    given = ruleset({"context": "tests"}, {"context": "mlci / churn"}, more=[{"type": "deletion"}])
    given["bypass_actors"] = [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}]
    number = write_settings(fake, "POST", "/rulesets", given)["id"]
    found = plan(fake, "churn")
    assert found.added == ("mlci / churn",)  # any App may report it
    apply_required_checks(settings_client(fake), found)
    now = write_settings(fake, "GET", f"/rulesets/{number}", None)
    assert now["bypass_actors"] == given["bypass_actors"]
    parameters = {
        "strict_required_status_checks_policy": True,
        "required_status_checks": [{"context": "tests"}, {"context": "mlci / churn", "integration_id": ACTIONS}],
    }
    assert now["rules"] == [{"type": "deletion"}, {"type": "required_status_checks", "parameters": parameters}]


def test_required_checks__required_by_another_ruleset(fake):
    check = {"context": "mlci / churn", "integration_id": ACTIONS}
    number = write_settings(fake, "POST", "/rulesets", ruleset(check, name="gates"))["id"]
    found = plan(fake, "churn")
    assert found.is_current
    assert found.kept[0].source == f"ruleset {number}"
    assert plan(fake, "churn", app=7).added == ("mlci / churn",)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"enforcement": "disabled"}, "its enforcement is `disabled`, not `active`"),
        ({"include": ("refs/heads/old",)}, "it does not name the default branch (main)"),
        ({"exclude": ("refs/heads/main",)}, "it excludes refs/heads/main"),
    ],
)
def test_required_checks__ruleset_without_effect(fake, change, problem):
    given = ruleset({"context": "mlci / churn", "integration_id": ACTIONS}, **change)
    write_settings(fake, "POST", "/rulesets", given)
    found = plan(fake, "churn")
    assert found.problems == (problem,)
    apply_required_checks(settings_client(fake), found)
    assert plan(fake, "churn").is_current


def test_required_checks__ruleset_of_tags_with_our_name(fake):
    write_settings(fake, "POST", "/rulesets", ruleset({"context": "mlci / churn"}, target="tag", include=["~ALL"]))
    found = plan(fake, "churn")
    assert (found.ruleset, found.added) == (None, ("mlci / churn",))


def test_required_checks__branch_by_its_name(fake):
    check = {"context": "mlci / churn", "integration_id": ACTIONS}
    write_settings(fake, "POST", "/rulesets", ruleset(check, include=["refs/heads/main"]))
    assert plan(fake, "churn").is_current


def test_required_checks__second_app_of_one_check(fake):
    both = [{"context": "mlci / churn", "integration_id": app} for app in (999, ACTIONS)]
    write_settings(fake, "POST", "/rulesets", ruleset(*both))
    found = plan(fake, "churn")
    assert [(one.name, one.app) for one in found.removed] == [("mlci / churn", 999)]
    apply_required_checks(settings_client(fake), found)
    assert plan(fake, "churn").is_current


def test_required_checks__more_rulesets_than_a_page(fake):
    for number in range(101):
        write_settings(
            fake, "POST", "/rulesets", ruleset({"context": "x"}, name=f"r{number}", include=["refs/heads/x"])
        )
    apply_required_checks(settings_client(fake), plan(fake, "churn"))
    assert plan(fake, "churn").is_current


def test_required_checks__token_that_may_only_read(fake):
    reader = settings_client(fake, {"contents": "read"})
    found = plan_required_checks(reader, read_repository(reader), ("churn",), app=ACTIONS)
    with pytest.raises(OutsideError, match="which the token of a workflow can't have"):
        apply_required_checks(reader, found)


def test_setup__check_plan_apply_check(fake, tmp_path):
    folder = write(tmp_path / "checkout", files(1))
    drift = run_setup(fake, folder, "check")
    assert drift.code == 1
    assert "  + mlci / planted: required, reported by GitHub Actions\n" in drift.out
    assert run_setup(fake, folder, "plan").out.endswith("`mlci setup apply` writes the ruleset mlci.\n")
    assert run_setup(fake, folder, "apply").out.endswith("Written: the ruleset mlci.\n")
    assert run_setup(fake, folder, "check").code == 0
    document = json.loads(run_setup(fake, folder, "plan", "--json").out)
    assert (document["current"], document["added"]) == (True, [])


def test_setup__overview_in_place_of_each_model(fake, tmp_path):
    names = ("churn", "fraud")
    many = {f"{name}/{path}": text.replace("planted", name) for name in names for path, text in files(1).items()}
    commit(init(tmp_path / "checkout"), many)
    both = ("--config", "churn/mlci.yml", "--config", "fraud/mlci.yml")
    assert run_setup(fake, tmp_path / "checkout", "apply", *both).code == 0
    document = json.loads(run_setup(fake, tmp_path / "checkout", "plan", "--overview", "--json").out)
    assert (document["added"], document["removed"]) == (["mlci / models"], ["mlci / churn", "mlci / fraud"])
    assert run_setup(fake, tmp_path / "checkout", "apply", "--overview").code == 0
    assert run_setup(fake, tmp_path / "checkout", "check", "--overview").code == 0


def test_setup__no_token(fake, tmp_path):
    ended = run_setup(fake, write(tmp_path / "checkout", files(1)), "plan", token=False)
    assert (ended.code, ended.out) == (2, "")
    assert "export GITHUB_TOKEN=$(gh auth token) GITHUB_REPOSITORY=owner/name" in ended.err
