"""Permissions of tokens, and GitHub's answers without them."""

import pytest

from tests.fake_github.fake import Fake
from tests.github.client import Client

INTEGRATION = "Resource not accessible by integration"


@pytest.fixture
def sha(fake):
    return fake.sha("topic")


def refusal_of(answer):
    return answer.status_code, answer.json()["message"]


def test_token__unknown(client):
    assert refusal_of(client("GET", "", token="ghs_" + "0" * 40)) == (401, "Bad credentials")


def test_token__missing(fake, client):
    number = fake.pull("topic")
    assert client("GET", "", token="").status_code == 200
    answer = client("POST", f"/issues/{number}/comments", {"body": "x"}, token="")
    assert refusal_of(answer) == (401, "Requires authentication")


@pytest.mark.parametrize(
    ("permission", "method", "path", "body"),
    [
        ("checks", "POST", "/check-runs", {"name": "n", "head_sha": "SHA"}),
        ("statuses", "POST", "/statuses/SHA", {"state": "success"}),
        ("pull-requests", "POST", "/issues/1/comments", {"body": "x"}),
        ("issues", "POST", "/issues/1/comments", {"body": "x"}),
        ("contents", "POST", "/git/refs", {"ref": "refs/heads/new", "sha": "SHA"}),
    ],
)
def test_token__each_permission(fake, client, sha, permission, method, path, body):
    fake.pull("topic")
    path = path.replace("SHA", sha)
    body = {key: value.replace("SHA", sha) for key, value in body.items()}
    for level in ("none", "read"):
        answer = client(method, path, body, token=fake.token({permission: level}))
        assert refusal_of(answer) == (403, INTEGRATION)
        assert f"{permission.replace('-', '_')}=write" in answer.headers["X-Accepted-GitHub-Permissions"]
    assert client(method, path, body, token=fake.token({permission: "write"})).status_code == 201


def test_token__fork_is_read_only(fake, client, sha):
    number = fake.pull("topic", fork=True)
    token = fake.token(fork=True)
    assert client("GET", f"/pulls/{number}", token=token).status_code == 200
    writes = {
        "/check-runs": {"name": "n", "head_sha": sha},
        f"/statuses/{sha}": {"state": "success"},
        f"/issues/{number}/comments": {"body": "x"},
    }
    for path, body in writes.items():
        assert refusal_of(client("POST", path, body, token=token)) == (403, INTEGRATION)


def test_token__user_cannot_write_check_runs(fake, client, sha):
    body = {"name": "n", "head_sha": sha}
    fake.role("octocat", "write")
    answer = client("POST", "/check-runs", body, token=fake.token(user="octocat"))
    assert refusal_of(answer) == (403, "You must authenticate via a GitHub App.")
    fine = fake.token({"checks": "read"}, user="octocat", fine_grained=True)
    assert refusal_of(client("POST", "/check-runs", body, token=fine)) == (
        403,
        "Resource not accessible by personal access token",
    )


def test_token__app_is_not_a_user(fake, client):
    at = f"{fake.url}/user"
    assert refusal_of(client("GET", at)) == (403, INTEGRATION)
    assert client("GET", at, token=fake.token(user="octocat")).json()["login"] == "octocat"
    assert refusal_of(client("GET", at, token="")) == (401, "Requires authentication")


def test_token__classic_follows_the_users_role(fake, client, sha):
    token, body = fake.token(user="ada"), {"state": "success"}
    assert client("POST", f"/statuses/{sha}", body, token=token).status_code == 404
    fake.role("ada", "write")
    assert client("POST", f"/statuses/{sha}", body, token=token).status_code == 201


@pytest.mark.parametrize(
    ("role", "permission"),
    [("triage", "read"), ("maintain", "write"), ("admin", "admin"), ("none", "read")],
)
def test_permission__role_in_two_granularities(fake, client, role, permission):
    fake.role("ada", role)
    found = client("GET", "/collaborators/ada/permission").json()
    assert (found["permission"], found["role_name"]) == (permission, "read" if role == "none" else role)


def test_private_repository__hidden_from_other_users(tmp_path):

    with Fake(tmp_path / "p.git", private=True) as fake:
        client = Client(fake)
        assert client("GET", "").status_code == 200
        assert refusal_of(client("GET", "", token="")) == (404, "Not Found")
        assert refusal_of(client("GET", "", token=fake.token(user="stranger"))) == (404, "Not Found")
        number = fake.pull("topic")
        token = fake.token({"contents": "read"})
        assert refusal_of(client("GET", f"/pulls/{number}", token=token)) == (403, INTEGRATION)
        assert client("GET", f"/pulls/{number}", token=fake.token({"pull-requests": "read"})).status_code == 200


def test_request__no_user_agent(client):
    assert client("GET", "", headers={"User-Agent": ""}).status_code == 403


def test_request__unknown_api_version(fake, client):
    assert client("GET", "", headers={"X-GitHub-Api-Version": "2022-11-28"}).status_code == 200
    assert client("GET", "", headers={"X-GitHub-Api-Version": "2020-01-01"}).status_code == 400
    assert len(fake.violations) == 1
    fake.violations.clear()
