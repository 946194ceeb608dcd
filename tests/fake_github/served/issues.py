"""Issues; pull requests are issues too."""

from typing import Any

from tests.fake_github import people
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import Row, full_name, now

READ = (("issues", "read"), ("pull-requests", "read"))
WRITE = (("issues", "write"), ("pull-requests", "write"))


def subject(call: Call) -> Row:
    """The issue or pull request of a number."""
    at = {"repo": call.repo["id"], "number": call.number("issue_number")}
    row = call.state.one("pulls", **at) or call.state.one("issues", **at)
    if row is None:
        raise Refused(404, "Not Found")
    return row


def label(call: Call, row: Row) -> Row:
    at = f"{call.links.repo(full_name(call.repo))}/labels/{row['name']}"
    facts = {key: row[key] for key in ("id", "name", "color", "description")}
    return facts | {"node_id": f"LA_{row['id']}", "url": at, "default": False}


def ensure_labels(call: Call, names: list[str]) -> list[Row]:
    """Labels by name; one that is not there is made, as GitHub does when it is put on an issue."""
    rows = []
    for name in names:
        made = {"repo": call.repo["id"], "name": name}
        row = call.state.one("labels", **made) or call.state.add("labels", **made, color="ededed", description=None)
        rows.append(label(call, row))
    return rows


def issue(call: Call, row: Row) -> Row:
    at = f"{call.links.repo(full_name(call.repo))}/issues/{row['number']}"
    pull = "head_ref" in row
    page = f"{call.links.site}/{full_name(call.repo)}/{'pull' if pull else 'issues'}/{row['number']}"
    facts: dict[str, Any] = {
        **{key: row[key] for key in ("id", "number", "title", "state", "body", "created_at", "updated_at")},
        "node_id": f"I_{row['id']}",
        "url": at,
        "repository_url": call.links.repo(full_name(call.repo)),
        "labels_url": f"{at}/labels{{/name}}",
        "comments_url": f"{at}/comments",
        "events_url": f"{at}/events",
        "html_url": page,
        "user": people.user(call.state, call.links, row["user"]),
        "labels": ensure_labels(call, row["labels"]),
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": row.get("locked", False),
        "comments": len(call.state.all("comments", repo=call.repo["id"], number=row["number"])),
        "closed_at": row.get("closed_at"),
        "state_reason": row.get("state_reason"),
        "author_association": "OWNER" if row["user"] == call.repo["owner"] else "NONE",
    }
    if pull:
        pulls = f"{call.links.repo(full_name(call.repo))}/pulls/{row['number']}"
        addresses = {"html_url": page, "diff_url": f"{page}.diff", "patch_url": f"{page}.patch"}
        facts["pull_request"] = {"url": pulls, "merged_at": row["merged_at"]} | addresses
    return facts


@serves("issues/get", *READ)
def get(call: Call) -> Reply:
    return Reply(200, issue(call, subject(call)))


@serves("issues/create", ("issues", "write"))
def create(call: Call) -> Reply:
    row = call.state.add(
        "issues",
        repo=call.repo["id"],
        number=call.state.number(call.repo),
        title=str(call.body["title"]),
        body=call.body.get("body"),
        state="open",
        user=people.acting(call.token),
        labels=[name if isinstance(name, str) else name["name"] for name in call.body.get("labels", [])],
    )
    return Reply(201, issue(call, row))


@serves("issues/list-for-repo", *READ)
def list_for_repo(call: Call) -> Reply:
    rows = call.state.all("issues", repo=call.repo["id"]) + call.state.all("pulls", repo=call.repo["id"])
    wanted, names = call.query.get("state", "open"), set(filter(None, call.query.get("labels", "").split(",")))
    rows = [row for row in rows if wanted in {"all", row["state"]} and names <= set(row["labels"])]
    return call.page(sorted(rows, key=lambda row: -row["number"]), lambda row: issue(call, row))


@serves("issues/list-labels-on-issue", *READ)
def list_labels(call: Call) -> Reply:
    return call.page(ensure_labels(call, subject(call)["labels"]), lambda row: row)


@serves("issues/add-labels", *WRITE)
def add_labels(call: Call) -> Reply:
    found = call.body if isinstance(call.body, list) else call.body.get("labels", [])
    names = [name if isinstance(name, str) else name["name"] for name in found]
    row = subject(call)
    call.state.change(row, labels=[*row["labels"], *(name for name in names if name not in row["labels"])])
    return Reply(200, ensure_labels(call, row["labels"]))


@serves("issues/remove-label", *WRITE)
def remove_label(call: Call) -> Reply:
    row = subject(call)
    if call.names["name"] not in row["labels"]:
        raise Refused(404, "Label does not exist")
    call.state.change(row, labels=[name for name in row["labels"] if name != call.names["name"]])
    return Reply(200, ensure_labels(call, row["labels"]))


@serves("issues/list-labels-for-repo", *READ)
def repo_labels(call: Call) -> Reply:
    return call.page(call.state.all("labels", repo=call.repo["id"]), lambda row: label(call, row))


@serves("issues/update", *WRITE)
def update(call: Call) -> Reply:
    facts = {key: call.body[key] for key in ("title", "body", "state") if key in call.body}
    if "labels" in call.body:
        facts["labels"] = [name if isinstance(name, str) else name["name"] for name in call.body["labels"]]
    if "state" in call.body:
        # "state_reason … Ignored unless `state` is changed": docs.github.com/rest/issues/issues#update-an-issue
        closed = call.body["state"] == "closed"
        why = call.body.get("state_reason") or ("completed" if closed else "reopened")
        facts |= {"closed_at": now() if closed else None, "state_reason": why}
    row = call.state.change(subject(call), **facts)
    return Reply(200, issue(call, row))


@serves("issues/get-label", *READ)
def get_label(call: Call) -> Reply:
    row = call.state.one("labels", repo=call.repo["id"], name=call.names["name"])
    if row is None:
        raise Refused(404, "Not Found")
    return Reply(200, label(call, row))


@serves("issues/create-label", *WRITE)
def create_label(call: Call) -> Reply:
    if call.state.one("labels", repo=call.repo["id"], name=call.body["name"]):
        problem = {"resource": "Label", "code": "already_exists", "field": "name"}
        raise Refused(422, "Validation Failed", errors=[problem])
    facts = {"color": "ededed", "description": None} | call.body
    return Reply(201, label(call, call.state.add("labels", repo=call.repo["id"], **facts)))


@serves("issues/update-label", *WRITE)
def update_label(call: Call) -> Reply:
    row = call.state.one("labels", repo=call.repo["id"], name=call.names["name"])
    if row is None:
        raise Refused(404, "Not Found")
    facts = {key: call.body[key] for key in ("color", "description") if key in call.body}
    return Reply(200, label(call, call.state.change(row, **facts)))
