"""Environments: reviewers, waiting time, and the branches that may deploy."""

from typing import Any

from tests.fake_github import people
from tests.fake_github.serving import Call, Refused, Reply, invalid, serves
from tests.fake_github.state import Row, full_name

ADMIN = ("administration", "write")
MOST_REVIEWERS = 6
"""https://docs.github.com/rest/deployments/environments#create-or-update-an-environment"""


@serves("repos/get-all-environments", ("actions", "read"))
def list_environments(call: Call) -> Reply:
    rows = call.state.all("environments", repo=call.repo["id"])
    return call.page(rows, lambda row: environment(call, row), under="environments")


def find(call: Call) -> Row:
    row = call.state.one("environments", repo=call.repo["id"], name=call.names["environment_name"])
    if row is None:
        raise Refused(404, "Not Found")
    return row


@serves("repos/get-environment", ("actions", "read"))
def get_environment(call: Call) -> Reply:
    return Reply(200, environment(call, find(call)))


@serves("repos/create-or-update-environment", ADMIN)
def put_environment(call: Call) -> Reply:
    """Replace all settings: what a request leaves out is off afterwards."""
    facts = {"repo": call.repo["id"], "name": call.names["environment_name"]}
    body = call.body or {}
    reviewers = body.get("reviewers") or []
    if len(reviewers) > MOST_REVIEWERS:
        raise invalid("Environment", "too many reviewers", field="reviewers")
    policy = body.get("deployment_branch_policy")
    if policy is not None and policy["protected_branches"] == policy["custom_branch_policies"]:
        raise invalid("Environment", "protected_branches and custom_branch_policies cannot have the same value")
    row = call.state.one("environments", **facts) or call.state.add("environments", **facts)
    call.state.change(row, policy=policy, rules=rules(call, body, reviewers))
    if not (policy or {}).get("custom_branch_policies"):
        for pattern in patterns(call, row):
            call.state.remove("branch_policies", pattern)
    return Reply(200, environment(call, row))


def rules(call: Call, body: dict[str, Any], reviewers: list[dict[str, Any]]) -> list[Row]:
    found: list[Row] = []
    if body.get("wait_timer"):
        found.append({"type": "wait_timer", "wait_timer": body["wait_timer"]})
    if reviewers:
        own = {"type": "required_reviewers", "prevent_self_review": bool(body.get("prevent_self_review"))}
        found.append(own | {"reviewers": [{"type": one["type"], "id": one["id"]} for one in reviewers]})
    if body.get("deployment_branch_policy"):
        found.append({"type": "branch_policy"})
    return found


def reviewer(call: Call, given: Row) -> Row:
    table, key = ("teams", "slug") if given["type"] == "Team" else ("users", "login")
    row = call.state.one(table, id=given["id"])
    if row is None:
        raise invalid("Environment", "the reviewer does not exist", field="reviewers")
    shown = team(call, row) if key == "slug" else people.user(call.state, call.links, row["login"])
    return {"type": given["type"], "reviewer": shown}


def environment(call: Call, row: Row) -> Row:
    at, site = call.links.repo(full_name(call.repo)), f"{call.links.site}/{full_name(call.repo)}"
    shown = [{"id": row["id"] + i, "node_id": f"GA_{row['id']}_{i}", **rule} for i, rule in enumerate(row["rules"])]
    for rule in shown:
        if "reviewers" in rule:
            rule["reviewers"] = [reviewer(call, one) for one in rule["reviewers"]]
    return {
        **{key: row[key] for key in ("id", "name", "created_at", "updated_at")},
        "node_id": f"EN_{row['id']}",
        "url": f"{at}/environments/{row['name']}",
        "html_url": f"{site}/deployments/activity_log?environments_filter={row['name']}",
        "protection_rules": shown,
        "deployment_branch_policy": row["policy"],
    }


def patterns(call: Call, row: Row) -> list[Row]:
    return call.state.all("branch_policies", environment=row["id"])


def pattern(row: Row) -> Row:
    return {"id": row["id"], "node_id": f"GBP_{row['id']}", "name": row["name"], "type": row["type"]}


@serves("repos/list-deployment-branch-policies", ("actions", "read"))
def list_patterns(call: Call) -> Reply:
    return call.page(patterns(call, find(call)), pattern, under="branch_policies")


@serves("repos/create-deployment-branch-policy", ADMIN)
def add_pattern(call: Call) -> Reply:
    """Refused unless the environment has policies of its own; one that exists is answered by a redirect."""
    row, facts = find(call), {"name": call.body["name"], "type": call.body.get("type", "branch")}
    if not (row["policy"] or {}).get("custom_branch_policies"):
        raise Refused(404, "Not Found")
    if call.state.one("branch_policies", environment=row["id"], **facts):
        return Reply(303, None)
    return Reply(200, pattern(call.state.add("branch_policies", environment=row["id"], **facts)))


@serves("repos/delete-deployment-branch-policy", ADMIN)
def remove_pattern(call: Call) -> Reply:
    row = call.state.one("branch_policies", environment=find(call)["id"], id=call.number("branch_policy_id"))
    if row is None:
        raise Refused(404, "Not Found")
    call.state.remove("branch_policies", row)
    return Reply(204, None)


def team(call: Call, row: Row) -> Row:
    at = f"{call.links.api}/organizations/{call.repo['owner']}/team/{row['id']}"
    return {
        "id": row["id"],
        "node_id": f"T_{row['id']}",
        "name": row["slug"].title(),
        "slug": row["slug"],
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "url": at,
        "html_url": f"{call.links.site}/orgs/{call.repo['owner']}/teams/{row['slug']}",
        "members_url": f"{at}/members{{/member}}",
        "repositories_url": f"{at}/repos",
        "type": "organization",
        "parent": None,
    }


@serves("repos/list-teams", ("administration", "read"))
def list_teams(call: Call) -> Reply:
    return call.page(call.state.all("teams", repo=call.repo["id"]), lambda row: team(call, row))
