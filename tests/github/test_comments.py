"""Rules of comments, pages and links."""

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def number(fake):
    return fake.pull("topic")


def test_create_comment__length_limit(client, number):
    assert client("POST", f"/issues/{number}/comments", {"body": "ü" * 65_536}).status_code == 201
    refused = client("POST", f"/issues/{number}/comments", {"body": "x" * 65_537})
    one = {"resource": "IssueComment", "code": "unprocessable", "field": "data"}
    one["message"] = "Body is too long (maximum is 65536 characters)"
    assert (refused.status_code, refused.json()["errors"]) == (422, [one])


def test_create_comment__empty(client, number):
    assert client("POST", f"/issues/{number}/comments", {"body": " \n"}).status_code == 422


@pytest.mark.parametrize(
    ("facts", "login", "kind"),
    [
        ({}, "github-actions[bot]", "Bot"),
        ({"app": "mlci-app"}, "mlci-app[bot]", "Bot"),
        ({"user": "octocat"}, "octocat", "User"),
    ],
)
def test_create_comment__author_of_the_token(fake, client, number, facts, login, kind):
    one = client("POST", f"/issues/{number}/comments", {"body": "x"}, token=fake.token(**facts)).json()["user"]
    assert (one["login"], one["type"]) == (login, kind)


def test_comment__deleted(client, number):
    at = client("POST", f"/issues/{number}/comments", {"body": "x"}).json()["url"]
    assert client("DELETE", at).status_code == 204
    assert [client(method, at, {"body": "y"}).status_code for method in ("GET", "PATCH", "DELETE")] == [404] * 3


def test_create_comment__conversation_locked(fake, client, number):
    fake.change_pull(number, locked=True)
    refused = client("POST", f"/issues/{number}/comments", {"body": "x"})
    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "Unable to create comment because issue is locked.",
    )


def test_update_comment__own_ones_only_for_readers(fake, client, number):
    theirs = fake.comment(number, "x", user="ada")
    at = f"/issues/comments/{theirs}"
    assert client("PATCH", at, {"body": "y"}, token=fake.token(user="bob")).status_code == 403
    fake.role("bob", "write")
    assert client("PATCH", at, {"body": "y"}, token=fake.token(user="bob")).status_code == 200


def test_list_comments__page_size(fake, client, number):
    for i in range(250):
        fake.comment(number, f"comment {i}")
    at = f"/issues/{number}/comments"
    assert [len(client("GET", f"{at}{query}").json()) for query in ("", "?per_page=100", "?per_page=500")] == [
        30,
        100,
        100,
    ]


def test_list_comments__links_through_all_pages(fake, client, number):
    made = [fake.comment(number, f"comment {i}") for i in range(250)]
    answer = client("GET", f"/issues/{number}/comments?per_page=100")
    assert set(answer.links) == {"next", "last"}
    found = answer.json()
    while "next" in answer.links:
        assert f"/repositories/{fake.repo['id']}/" in answer.links["next"]["url"]
        answer = client("GET", answer.links["next"]["url"])
        found += answer.json()
    assert set(answer.links) == {"prev", "first"}
    assert [one["id"] for one in found] == made


def test_list_comments__one_page_has_no_links(client, number):
    assert "Link" not in client("GET", f"/issues/{number}/comments").headers


def test_list_comments__since(fake, client, number):
    old = fake.state.one("comments", id=fake.comment(number, "old"))
    old["updated_at"] = "2020-01-01T00:00:00Z"
    new = fake.comment(number, "new")
    found = client("GET", f"/issues/{number}/comments?since=2021-01-01T00:00:00Z").json()
    assert [one["id"] for one in found] == [new]


def test_create_comment__twenty_writers_at_once(fake, client, number):

    fake.faults.pace(jitter=0.02, seed=7)
    with ThreadPoolExecutor(20) as pool:
        made = list(
            pool.map(lambda i: client("POST", f"/issues/{number}/comments", {"body": f"{i}"}).json()["id"], range(60))
        )
    assert len(set(made)) == 60
    assert {one["id"] for one in fake.comments(number)} == set(made)
    assert len(fake.requests) == 60
