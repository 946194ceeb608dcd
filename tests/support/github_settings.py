"""Settings of a repository on the fake GitHub: an administrator's client, requests, and rulesets."""

import requests

from mlci.github.rest import RepositoryClient
from mlci.github.transport import Access, transport
from tests.support.project import mlci

ACTIONS = 15368
ADMIN = {"administration": "write", "contents": "read", "issues": "write"}


def settings_client(fake, permissions=ADMIN) -> RepositoryClient:
    access = Access(url=fake.url, token=fake.token(permissions), agent="tests")
    return RepositoryClient(transport(access), name=fake.name, permission="administration")


def write_settings(fake, method, path, body):
    headers = {"Authorization": f"Bearer {fake.token(ADMIN)}", "User-Agent": "tests"}
    answer = requests.request(method, f"{fake.url}/repos/{fake.name}{path}", json=body, headers=headers, timeout=10)
    assert answer.ok, answer.text
    return answer.json()


def ruleset(
    *checks, name="mlci", target="branch", enforcement="active", include=("~DEFAULT_BRANCH",), exclude=(), more=()
):
    parameters = {"strict_required_status_checks_policy": True, "required_status_checks": list(checks)}
    return {
        "name": name,
        "target": target,
        "enforcement": enforcement,
        "conditions": {"ref_name": {"include": list(include), "exclude": list(exclude)}},
        "rules": [*more, {"type": "required_status_checks", "parameters": parameters}],
    }


def run_setup(fake, folder, *arguments, token=True):
    variables = {"GITHUB_REPOSITORY": fake.name, "GITHUB_API_URL": fake.url, "GITHUB_SERVER_URL": fake.url}
    return mlci("setup", *arguments, cwd=folder, **variables, **({"MLCI_TOKEN": fake.token(ADMIN)} if token else {}))
