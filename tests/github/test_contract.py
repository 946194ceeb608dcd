"""Violations of the contract: an error for the client as from GitHub, and a failure of the test in any case."""

import pytest

from tests.fake_github.fake import Fake
from tests.fake_github.serving import HANDLERS, Reply, Served
from tests.github.client import Client


def send_broken_request(tmp_path, method, path, body=None):
    """A whole life of a fake with one bad request in it."""
    with Fake(tmp_path / "m.git") as fake:
        return Client(fake)(method, path, body)


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/check-runs", {"head_sha": "a"}, "wasn't supplied"),
        ("POST", "/check-runs", {"name": 3, "head_sha": "a"}, "3 is not a string"),
        ("POST", "/statuses/main", {"state": "success", "contxt": "a"}, "no field '/contxt' is described"),
        ("POST", "/issues/1/comments", None, "A body is needed"),
        ("POST", "/issues/1/comments", b"{", "the body is not JSON"),
        ("GET", "/check-runs", None, "no such operation"),
        ("GET", "/commits/main/check-runs?per_page=x", None, "is not a integer"),
    ],
)
def test_fake__violation_fails_the_block(tmp_path, method, path, body, words):
    with pytest.raises(AssertionError, match="client broke the contract") as caught:
        send_broken_request(tmp_path, method, path, body)
    assert words in str(caught.value)


def test_fake__answer_outside_of_the_description(fake, client, monkeypatch):
    monkeypatch.setitem(HANDLERS, "repos/get", Served(lambda _: Reply(200, {"id": "one"}), ()))
    answer = client("GET", "")
    assert answer.status_code == 500
    assert "repos/get 200" in fake.failures[0]
    with pytest.raises(AssertionError, match="fake failed"):
        fake.verify()
    fake.failures.clear()


def test_fake__handler_raises(fake, client, monkeypatch):
    monkeypatch.setitem(HANDLERS, "repos/get", Served(lambda _: 1 / 0, ()))
    assert client("GET", "").status_code == 500
    assert "ZeroDivisionError" in fake.failures[0]
    fake.failures.clear()


def test_fake__operation_without_a_handler(fake, client, monkeypatch):
    monkeypatch.delitem(HANDLERS, "repos/get")
    assert client("GET", "").status_code == 500
    assert "does not serve it" in fake.failures[0]
    fake.failures.clear()


def test_fake__failing_test_is_not_masked(tmp_path):
    fake = Fake(tmp_path / "m.git").start()
    fake.violations.append("something")
    fake.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
