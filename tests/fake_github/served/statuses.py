"""Commit statuses, one by one and combined."""

from tests.fake_github import people
from tests.fake_github.served.commits import find_commit
from tests.fake_github.served.repos import minimal
from tests.fake_github.serving import Call, Reply, invalid, serves
from tests.fake_github.state import Row, full_name

MOST = 1000  # "there is a limit of 1000 statuses per sha and context": docs.github.com/rest/commits/statuses
DESCRIPTION = 140  # characters; the answer to more: https://github.com/zalando/zappr/issues/378
CONTEXT = 255


@serves("repos/create-commit-status", ("statuses", "write"))
def create(call: Call) -> Reply:
    sha = find_commit(call, call.names["sha"], status=422)
    context = call.body.get("context", "default")
    texts = {"description": (call.body.get("description") or "", DESCRIPTION), "context": (context, CONTEXT)}
    for field, (text, most) in texts.items():
        if len(text) > most:
            raise invalid("Status", f"{field} is too long (maximum is {most} characters)", field=field)
    if len(call.state.all("statuses", repo=call.repo["id"], sha=sha, context=context)) >= MOST:
        # https://github.com/screwdriver-cd/screwdriver/issues/387
        raise invalid("Status", "This SHA and context has reached the maximum number of statuses.")
    row = call.state.add(
        "statuses",
        repo=call.repo["id"],
        sha=sha,
        state=call.body["state"],
        context=context,
        description=call.body.get("description"),
        target_url=call.body.get("target_url"),
        creator=people.acting(call.token),
    )
    return Reply(201, status(call, row), {"Location": status(call, row)["url"]})


@serves("repos/list-commit-statuses-for-ref", ("statuses", "read"))
def list_for_ref(call: Call) -> Reply:
    """Newest first: "The first status in the list will be the latest one"."""
    sha = find_commit(call, call.names["ref"], status=404)
    rows = call.state.all("statuses", repo=call.repo["id"], sha=sha)
    return call.page(rows[::-1], lambda row: status(call, row))


@serves("repos/get-combined-status-for-ref", ("statuses", "read"))
def combined(call: Call) -> Reply:
    sha = find_commit(call, call.names["ref"], status=404)
    latest = {row["context"]: row for row in call.state.all("statuses", repo=call.repo["id"], sha=sha)}
    rows = list(latest.values())
    at = f"{call.links.repo(full_name(call.repo))}/commits/{sha}"
    paged = call.page(rows, lambda row: short(call, row))
    facts = {
        "state": join_states([row["state"] for row in rows]),
        "statuses": paged.body,
        "sha": sha,
        "total_count": len(rows),
        "repository": minimal(call.state, call.links, call.repo),
        "commit_url": at,
        "url": f"{at}/status",
    }
    return Reply(200, facts, paged.headers)


def join_states(states: list[str]) -> str:
    """Failure if any context is in error or failed, pending if there is none or one is pending, else success.

    https://docs.github.com/rest/commits/statuses#get-the-combined-status-for-a-specific-reference
    """
    if {"error", "failure"} & set(states):
        return "failure"
    return "success" if states and set(states) == {"success"} else "pending"


def short(call: Call, row: Row) -> Row:
    creator = people.user(call.state, call.links, row["creator"])
    return {
        **{
            key: row[key] for key in ("id", "state", "context", "description", "target_url", "created_at", "updated_at")
        },
        "node_id": f"SC_{row['id']}",
        "avatar_url": creator["avatar_url"],
        "url": f"{call.links.repo(full_name(call.repo))}/statuses/{row['sha']}",
    }


def status(call: Call, row: Row) -> Row:
    return short(call, row) | {"creator": people.user(call.state, call.links, row["creator"])}
