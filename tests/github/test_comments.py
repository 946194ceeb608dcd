"""Rules of comments, pages and addresses."""

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def number(fake):
    return fake.pull("topic")


def test_65536_characters_and_no_more(client, number):
    assert client("POST", f"/issues/{number}/comments", {"body": "ü" * 65_536}).status_code == 201
    refused = client("POST", f"/issues/{number}/comments", {"body": "x" * 65_537})
    told = {"resource": "IssueComment", "code": "unprocessable", "field": "data"}
    told["message"] = "Body is too long (maximum is 65536 characters)"
    assert (refused.status_code, refused.json()["errors"]) == (422, [told])


def test_an_empty_comment_is_refused(client, number):
    assert client("POST", f"/issues/{number}/comments", {"body": " \n"}).status_code == 422


@pytest.mark.parametrize(
    ("facts", "login", "kind"),
    [
        ({}, "github-actions[bot]", "Bot"),
        ({"app": "mlci-app"}, "mlci-app[bot]", "Bot"),
        ({"user": "octocat"}, "octocat", "User"),
    ],
)
def test_the_author_is_whoever_the_token_is(fake, client, number, facts, login, kind):
    told = client("POST", f"/issues/{number}/comments", {"body": "x"}, token=fake.token(**facts)).json()["user"]
    assert (told["login"], told["type"]) == (login, kind)


def test_a_comment_that_is_gone_is_not_found(client, number):
    at = client("POST", f"/issues/{number}/comments", {"body": "x"}).json()["url"]
    assert client("DELETE", at).status_code == 204
    assert [client(method, at, {"body": "y"}).status_code for method in ("GET", "PATCH", "DELETE")] == [404] * 3


def test_a_locked_conversation_takes_no_comment(fake, client, number):
    fake.change_pull(number, locked=True)
    refused = client("POST", f"/issues/{number}/comments", {"body": "x"})
    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "Unable to create comment because issue is locked.",
    )


def test_a_reader_changes_only_own_comments(fake, client, number):
    theirs = fake.comment(number, "x", user="ada")
    at = f"/issues/comments/{theirs}"
    assert client("PATCH", at, {"body": "y"}, token=fake.token(user="bob")).status_code == 403
    fake.role("bob", "write")
    assert client("PATCH", at, {"body": "y"}, token=fake.token(user="bob")).status_code == 200


def test_pages_of_thirty_unless_more_are_asked_for_and_never_above_a_hundred(fake, client, number):
    for i in range(250):
        fake.comment(number, f"comment {i}")
    at = f"/issues/{number}/comments"
    assert [len(client("GET", f"{at}{query}").json()) for query in ("", "?per_page=100", "?per_page=500")] == [
        30,
        100,
        100,
    ]


def test_links_lead_through_all_pages_by_the_repositorys_number(fake, client, number):
    made = [fake.comment(number, f"comment {i}") for i in range(250)]
    answer = client("GET", f"/issues/{number}/comments?per_page=100")
    assert set(answer.links) == {"next", "last"}
    found = answer.json()
    while "next" in answer.links:
        assert f"/repositories/{fake.repo['id']}/" in answer.links["next"]["url"]
        answer = client("GET", answer.links["next"]["url"])
        found += answer.json()
    assert set(answer.links) == {"prev", "first"}
    assert [told["id"] for told in found] == made


def test_one_page_has_no_links(client, number):
    assert "Link" not in client("GET", f"/issues/{number}/comments").headers


def test_since_is_about_changes(fake, client, number):
    old = fake.state.one("comments", id=fake.comment(number, "old"))
    old["updated_at"] = "2020-01-01T00:00:00Z"
    new = fake.comment(number, "new")
    found = client("GET", f"/issues/{number}/comments?since=2021-01-01T00:00:00Z").json()
    assert [told["id"] for told in found] == [new]


def test_twenty_writers_at_once_lose_nothing(fake, client, number):

    fake.faults.pace(jitter=0.02, seed=7)
    with ThreadPoolExecutor(20) as pool:
        made = list(
            pool.map(lambda i: client("POST", f"/issues/{number}/comments", {"body": f"{i}"}).json()["id"], range(60))
        )
    assert len(set(made)) == 60
    assert {told["id"] for told in fake.comments(number)} == set(made)
    assert len(fake.requests) == 60
