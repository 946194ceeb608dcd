"""Comments on issues and pull requests."""

from tests.fake_github import people
from tests.fake_github.served.issues import subject
from tests.fake_github.serving import Call, Refused, Reply, invalid, serves
from tests.fake_github.state import Row, full_name
from tests.fake_github.tokens import role

MOST = 65_536  # characters; https://github.com/jmikedupont2/ai-ticket/issues/51 quotes the answer to more
WRITE = (("issues", "write"), ("pull-requests", "write"))
READ = (("issues", "read"), ("pull-requests", "read"))


@serves("issues/create-comment", *WRITE)
def create(call: Call) -> Reply:
    at = subject(call)
    if at.get("locked"):
        raise Refused(403, "Unable to create comment because issue is locked.")
    check_body(call.body["body"])
    row = call.state.add(
        "comments",
        repo=call.repo["id"],
        number=at["number"],
        body=call.body["body"],
        user=people.acting(call.token),
    )
    return Reply(201, comment(call, row), {"Location": comment(call, row)["url"]})


@serves("issues/update-comment", *WRITE)
def update(call: Call) -> Reply:
    row = find_comment(call)
    check_author(call, row)
    check_body(call.body["body"])
    return Reply(200, comment(call, call.state.change(row, body=call.body["body"])))


@serves("issues/delete-comment", *WRITE)
def delete(call: Call) -> Reply:
    row = find_comment(call)
    check_author(call, row)
    call.state.remove("comments", row)
    return Reply(204)


@serves("issues/get-comment", *READ)
def get(call: Call) -> Reply:
    return Reply(200, comment(call, find_comment(call)))


@serves("issues/list-comments", *READ)
def list_for_issue(call: Call) -> Reply:
    """By ascending number. https://docs.github.com/rest/issues/comments#list-issue-comments"""
    rows = call.state.all("comments", repo=call.repo["id"], number=subject(call)["number"])
    return call.page(since(call, rows), lambda row: comment(call, row))


@serves("issues/list-comments-for-repo", *READ)
def list_for_repo(call: Call) -> Reply:
    rows = since(call, call.state.all("comments", repo=call.repo["id"]))
    key = "updated_at" if call.query.get("sort") == "updated" else "id"
    down = "sort" in call.query and call.query.get("direction", "desc") == "desc"
    return call.page(sorted(rows, key=lambda row: row[key], reverse=down), lambda row: comment(call, row))


@serves("reactions/list-for-issue-comment", *READ)
def list_reactions(call: Call) -> Reply:
    rows = call.state.all("reactions", comment=find_comment(call)["id"])
    return call.page(rows, lambda row: reaction(call, row))


@serves("reactions/create-for-issue-comment", *WRITE)
def react(call: Call) -> Reply:
    """One of each kind a user; 200 if it was there. https://docs.github.com/rest/reactions/reactions"""
    facts = {"comment": find_comment(call)["id"], "content": call.body["content"], "user": people.acting(call.token)}
    known = call.state.one("reactions", **facts)
    return Reply(200 if known else 201, reaction(call, known or call.state.add("reactions", **facts)))


def reaction(call: Call, row: Row) -> Row:
    person = people.user(call.state, call.links, row["user"])
    return {**{key: row[key] for key in ("id", "content", "created_at")}, "node_id": f"RE_{row['id']}", "user": person}


def since(call: Call, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["updated_at"] >= call.query.get("since", "")]


def find_comment(call: Call) -> Row:
    row = call.state.one("comments", repo=call.repo["id"], id=call.number("comment_id"))
    if row is None:
        raise Refused(404, "Not Found")
    return row


def check_body(text: str) -> None:
    if len(text) > MOST:
        message = f"Body is too long (maximum is {MOST} characters)"
        raise invalid("IssueComment", message, field="data", code="unprocessable")
    if not text.strip():
        raise invalid("IssueComment", "Body can't be blank", field="data", code="unprocessable")


def check_author(call: Call, row: Row) -> None:
    """Writers of the repository may change all comments, other users only their own."""
    login = people.acting(call.token)
    if call.token["login"] and row["user"] != login and role(call.repo, login) not in {"write", "maintain", "admin"}:
        raise Refused(403, "Must have admin rights to Repository.")


def association(call: Call, login: str) -> str:
    if login == call.repo["owner"]:
        return "OWNER"
    return "NONE" if role(call.repo, login) in {"none", "read"} else "COLLABORATOR"


def comment(call: Call, row: Row) -> Row:
    """A comment as GitHub shows it.

    `performed_via_github_app` is null on many bots' comments, so clients must not rely on it; here it always is.
    """
    at = call.links.repo(full_name(call.repo))
    kind = "pull" if call.state.one("pulls", repo=call.repo["id"], number=row["number"]) else "issues"
    return {
        **{key: row[key] for key in ("id", "body", "created_at", "updated_at")},
        "node_id": f"IC_{row['id']}",
        "url": f"{at}/issues/comments/{row['id']}",
        "html_url": f"{call.links.site}/{full_name(call.repo)}/{kind}/{row['number']}#issuecomment-{row['id']}",
        "issue_url": f"{at}/issues/{row['number']}",
        "user": people.user(call.state, call.links, row["user"]),
        "author_association": association(call, row["user"]),
        "performed_via_github_app": None,
    }
