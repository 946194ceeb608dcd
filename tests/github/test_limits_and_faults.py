"""Rate limits and ordered faults."""

import json

import pytest
import requests

from tests.fake_github.faults import KINDS


@pytest.fixture
def number(fake):
    return fake.pull("topic")


def comment(client, number):
    return client("POST", f"/issues/{number}/comments", {"body": "x"})


def test_rate_limit__headers_of_every_answer(client):
    left = [int(client("GET", "").headers["x-ratelimit-remaining"]) for _ in range(3)]
    assert left == [999, 998, 997]
    assert client("GET", "").headers["x-ratelimit-limit"] == "1000"


def test_rate_limit__used_up(fake, client):
    fake.rate_limit(client.token, remaining=1, reset_in=3600)
    assert client("GET", "").status_code == 200
    refused = client("GET", "")
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert refused.json()["message"].startswith("API rate limit exceeded")
    assert int(refused.headers["x-ratelimit-reset"]) == fake.state.one("tokens", token=client.token)["reset"]
    assert client("GET", f"{fake.url}/rate_limit").json()["resources"]["core"]["remaining"] == 0
    assert client("GET", "", token=fake.token()).status_code == 200
    fake.rate_limit(client.token, remaining=0, reset_in=-1)
    assert client("GET", "").status_code == 200


def test_rate_limit__secondary(fake, client, number):
    fake.fail("POST", "/comments", kind="secondary", seconds=7)
    refused = comment(client, number)
    assert (refused.status_code, refused.headers["retry-after"]) == (403, "7")
    assert "secondary rate limit" in refused.json()["message"]
    assert comment(client, number).status_code == 201
    assert len(fake.comments(number)) == 1


def test_rate_limit__primary_on_demand(fake, client):
    fault = fake.fail(kind="primary", seconds=60)
    assert client("GET", "").headers["x-ratelimit-remaining"] == "0"
    assert fault.hits == 1


@pytest.mark.parametrize(("when", "there"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["status", "drop", "timeout", "garbage"])
def test_fault__before_and_after_the_effect(fake, client, number, kind, when, there):
    fake.fail("POST", "/issues/*/comments", kind=kind, when=when, seconds=0.01, status=502)
    if kind in {"drop", "timeout"}:
        with pytest.raises(requests.ConnectionError):
            comment(client, number)
    else:
        assert comment(client, number).status_code == {"status": 502, "garbage": 200}[kind]
    assert len(fake.comments(number)) == there
    assert comment(client, number).status_code == 201


def test_fault__silence(fake, client, number):
    fake.fail("POST", "/comments", kind="timeout", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        client.session.post(
            f"{fake.url}/repos/{fake.name}/issues/{number}/comments",
            headers={"Authorization": f"Bearer {client.token}"},
            json={"body": "x"},
            timeout=0.05,
        )


def test_fault__oversized_body(fake, client):
    fake.fail(kind="oversized", size=3_000_000)
    answer = client("GET", "")
    assert len(answer.content) > 3_000_000
    assert json.loads(answer.content)["full_name"] == fake.name


def test_fault__truncated_body(fake, client):
    fake.fail(kind="truncated")
    with pytest.raises(requests.RequestException):
        client("GET", "")


def test_fault__slow_answer(fake, client):
    fake.fail(kind="slow", seconds=0.05)
    assert client("GET", "").json()["full_name"] == fake.name


def test_fault__delay(fake, client):
    fake.fail("GET", kind="delay", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        client.session.get(f"{fake.url}/repos/{fake.name}", timeout=0.05)
    assert client("GET", "").status_code == 200


def test_fault__page_raises(fake, monkeypatch):
    monkeypatch.setattr("tests.fake_github.page.answer", lambda *_: 1 / 0)
    with pytest.raises(requests.ConnectionError):
        requests.get(fake.url, timeout=5)
    assert "ZeroDivisionError" in fake.failures[0]
    fake.failures.clear()


def test_fault__stale_list(fake, client, number):
    made = [fake.comment(number, "x") for _ in range(3)]
    fake.fail("GET", "/comments", kind="stale", size=2)
    read = [[found["id"] for found in client("GET", f"/issues/{number}/comments").json()] for _ in range(2)]
    assert read == [made[:1], made]
    sha = fake.head(number)
    client("POST", "/check-runs", {"name": "n", "head_sha": sha})
    fake.fail("GET", "/check-runs", kind="stale", size=1)
    assert client("GET", f"/commits/{sha}/check-runs").json() == {"total_count": 0, "check_runs": []}


def test_fault__hook_in_between(fake, client, number):
    fake.fail("GET", "/comments", kind="hook", when="after", call=lambda: fake.comment(number, "meanwhile"))
    assert client("GET", f"/issues/{number}/comments").json() == []
    assert len(client("GET", f"/issues/{number}/comments").json()) == 1


def test_fault__nth_request_and_times(fake, client):
    fault = fake.fail("GET", nth=2, times=2, status=503)
    assert [client("GET", "").status_code for _ in range(4)] == [200, 503, 503, 200]
    assert fault.hits == 2


def test_fault__times_zero_is_unlimited(fake, client):
    fake.fail(times=0)
    assert {client("GET", "").status_code for _ in range(3)} == {500}
    fake.faults.clear()
    assert client("GET", "").status_code == 200


def test_fault__client_killed_at_any_request(fake, client, number):
    killed = []
    fake.kill_after(2, lambda: killed.append(len(fake.comments(number))))
    comment(client, number)
    with pytest.raises(requests.ConnectionError):
        comment(client, number)
    assert killed == [2]


def test_fault__unknown_kind(fake):
    with pytest.raises(ValueError, match="kinds are status, drop"):
        fake.fail(kind="earthquake")
    assert "earthquake" not in KINDS


def test_request_log__entries(fake, client, number):
    fake.fail("POST", "/comments", kind="drop", when="after")
    with pytest.raises(requests.ConnectionError):
        comment(client, number)
    client("GET", f"/pulls/{number}?x=1")
    at = f"/repos/{fake.name}"
    assert fake.requests == [("POST", f"{at}/issues/1/comments", None), ("GET", f"{at}/pulls/1", 200)]
    assert [entry.fault for entry in fake.log] == ["drop after", None]
    assert fake.violations == [f"GET {at}/pulls/1: no parameter 'x' is described"]
    fake.violations.clear()
    fake.forget_requests()
    assert fake.requests == []
