from dataclasses import replace

import pytest
import requests

from mlci.github.rest import RepositoryClient
from mlci.github.transport import Access, transport
from mlci.operations.doctor.doctor import check_setup
from mlci.operations.doctor.repository_rules import read_repository
from tests.fake_github.fake import Fake
from tests.support.setups import good_facts, template, with_workflow

NAME = "mlci / credit-risk"
ADMIN = {"administration": "write", "contents": "read"}


@pytest.fixture
def fake(tmp_path):
    with Fake(tmp_path / "model.git") as made:
        yield made


def settings(fake, method, path, body):
    headers = {"Authorization": f"Bearer {fake.token(ADMIN)}", "User-Agent": "tests"}
    answer = requests.request(method, f"{fake.url}/repos/{fake.name}{path}", json=body, headers=headers, timeout=10)
    assert answer.ok, answer.text
    return answer.json()


def protect(fake, *checks):
    required = {"strict": True, "contexts": [], "checks": list(checks)}
    body = {
        "required_status_checks": required,
        "enforce_admins": True,
        "required_pull_request_reviews": None,
        "restrictions": None,
    }
    settings(fake, "PUT", "/branches/main/protection", body)


def rule(fake, *checks, more=()):
    parameters = {"strict_required_status_checks_policy": False, "required_status_checks": list(checks)}
    body = {
        "name": "gate",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [{"type": "required_status_checks", "parameters": parameters}, *more],
    }
    return settings(fake, "POST", "/rulesets", body)["id"]


def read(fake, permissions=None):
    access = Access(url=fake.url, token=fake.token(permissions or {"contents": "read"}), agent="tests")
    return read_repository(RepositoryClient(transport(access), name=fake.name))


def found(fake, facts=None):
    return {one.name: one for one in check_setup(replace(facts or good_facts(), repository=read(fake)))}


def test_repository__from_no_rule_to_a_ruleset(fake):
    missing = found(fake)["required-check-missing"]
    assert missing.lines == f"GITHUB_REPOSITORY={fake.name} mlci setup apply --config mlci.yml"
    number = rule(fake, {"context": NAME, "integration_id": 15368})
    assert found(fake) == {}
    assert read(fake).as_document() == {
        "name": fake.name,
        "default_branch": "main",
        "merge_queue": False,
        "required_checks": [{"name": NAME, "app": 15368, "source": f"ruleset {number}"}],
        "environments": [],
        "unread": [],
    }


def test_repository__branch_protection_takes_any_app(fake):
    protect(fake, {"context": NAME}, {"context": "mlci / churn"})
    check = read(fake).required[0]
    assert (check.name, check.app, check.source) == (NAME, None, "branch protection")
    assert {name: one.severity for name, one in found(fake).items()} == {
        "required-check-any-app": "note",
        "required-check-unknown": "error",
    }


def test_repository__merge_queue_and_unknown_name(fake):
    queue = {
        "check_response_timeout_minutes": 60,
        "grouping_strategy": "ALLGREEN",
        "max_entries_to_build": 5,
        "max_entries_to_merge": 5,
        "merge_method": "MERGE",
        "min_entries_to_merge": 1,
        "min_entries_to_merge_wait_minutes": 5,
    }
    rule(fake, {"context": NAME, "integration_id": 15368}, more=[{"type": "merge_queue", "parameters": queue}])
    facts = with_workflow(template().replace("  merge_group:\n", ""))
    assert {name: one.severity for name, one in found(fake, facts).items()} == {"trigger-merge-group-missing": "error"}
    access = Access(url=fake.url, token=fake.token(), agent="tests")
    other = read_repository(RepositoryClient(transport(access), name="mlci/other"))
    assert [one.name for one in check_setup(replace(good_facts(), repository=other))] == ["repository-unread"]
