"""Check suites: one for each app and commit."""

from typing import Any

from tests.fake_github import people
from tests.fake_github.served.commits import find_commit, simple_commit
from tests.fake_github.served.pulls import minimal_pulls
from tests.fake_github.served.repos import minimal
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import Row, State, full_name

ORDER = ["failure", "timed_out", "cancelled", "action_required", "success", "neutral", "skipped"]


def suite_of(state: State, repo: Row, app: str, sha: str) -> Row:
    facts = {"repo": repo["id"], "app": app, "head_sha": sha}
    return state.one("check_suites", **facts) or state.add("check_suites", **facts)


def latest(rows: list[Row]) -> list[Row]:
    """The newest run of each name in each suite: what lists show unless they are asked for `filter=all`.

    Runs of one name in several suites all stay: https://github.com/lewagon/wait-on-check-action/pull/156
    """
    newest: dict[tuple[int, str], Row] = {}
    for row in sorted(rows, key=lambda row: row["id"]):
        newest[row["suite"], row["name"]] = row
    return list(newest.values())


@serves("checks/get-suite", ("checks", "read"))
def get(call: Call) -> Reply:
    row = call.state.one("check_suites", repo=call.repo["id"], id=call.number("check_suite_id"))
    if row is None:
        raise Refused(404, "Not Found")
    return Reply(200, suite(call, row))


@serves("checks/list-suites-for-ref", ("checks", "read"))
def list_for_ref(call: Call) -> Reply:
    sha = find_commit(call, call.names["ref"], status=422)
    rows = call.state.all("check_suites", repo=call.repo["id"], head_sha=sha)
    return call.page(rows, lambda row: suite(call, row), under="check_suites")


def state_of(runs: list[Row]) -> dict[str, Any]:
    """Status and conclusion of a suite, from its latest runs."""
    if not runs:
        return {"status": "queued", "conclusion": None}
    if any(run["status"] != "completed" for run in runs):
        return {"status": "in_progress", "conclusion": None}
    return {"status": "completed", "conclusion": min((run["conclusion"] for run in runs), key=ORDER.index)}


def suite(call: Call, row: Row) -> Row:
    runs = latest(call.state.all("check_runs", suite=row["id"]))
    at = f"{call.links.repo(full_name(call.repo))}/check-suites/{row['id']}"
    pulls = minimal_pulls(call, row["head_sha"])
    return {
        "id": row["id"],
        "node_id": f"CS_{row['id']}",
        "head_branch": pulls[0]["head"]["ref"] if pulls else call.repo["default_branch"],
        "head_sha": row["head_sha"],
        **state_of(runs),
        "url": at,
        "before": None,
        "after": row["head_sha"],
        "pull_requests": pulls,
        "app": people.app(call.state, call.links, row["app"]),
        "repository": minimal(call.state, call.links, call.repo),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "head_commit": simple_commit(call.repo, row["head_sha"]),
        "latest_check_runs_count": len(runs),
        "check_runs_url": f"{at}/check-runs",
    }
