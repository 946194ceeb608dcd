"""Workflow runs, their jobs and their artifacts."""

from tests.fake_github import people, storage
from tests.fake_github.served.commits import simple_commit
from tests.fake_github.served.pulls import minimal_pulls, repo_of
from tests.fake_github.served.repos import minimal
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import Row, full_name

READ = ("actions", "read")
WRITE = ("actions", "write")
FILTERS = {"actor": "actor", "branch": "head_branch", "event": "event", "head_sha": "head_sha"}


def run(call: Call, row: Row) -> Row:
    """A workflow run; its list of pull requests is empty for forks, as GitHub's is."""
    at = f"{call.links.repo(full_name(call.repo))}/actions/runs/{row['id']}"
    suites = f"{call.links.repo(full_name(call.repo))}/check-suites/{row['suite']}"
    workflow = f"{call.links.repo(full_name(call.repo))}/actions/workflows/{row['workflow']}"
    keys = (
        "id",
        "name",
        "event",
        "status",
        "conclusion",
        "head_branch",
        "head_sha",
        "path",
        "created_at",
        "updated_at",
    )
    head_repo = repo_of(call.state, row["head_repo"])
    same_repository = row["head_repo"] == call.repo["id"]
    person = people.user(call.state, call.links, row["actor"])
    return {
        **{key: row[key] for key in keys},
        "node_id": f"WFR_{row['id']}",
        "display_title": row["name"],
        "run_number": row["number"],
        "run_attempt": row["attempt"],
        "run_started_at": row["created_at"],
        "previous_attempt_url": None,
        "referenced_workflows": [],
        "workflow_id": row["workflow"],
        "check_suite_id": row["suite"],
        "check_suite_node_id": f"CS_{row['suite']}",
        "url": at,
        "html_url": f"{call.links.site}/{full_name(call.repo)}/actions/runs/{row['id']}",
        "check_suite_url": suites,
        "workflow_url": workflow,
        **{f"{name}_url": f"{at}/{name}" for name in ("jobs", "logs", "artifacts", "cancel", "rerun")},
        "pull_requests": minimal_pulls(call, row["head_sha"]) if same_repository else [],
        "actor": person,
        "triggering_actor": person,
        "head_commit": simple_commit(head_repo, row["head_sha"]),
        "repository": minimal(call.state, call.links, call.repo),
        "head_repository": minimal(call.state, call.links, head_repo),
        "head_repository_id": row["head_repo"],
    }


def find_run(call: Call) -> Row:
    row = call.state.one("runs", repo=call.repo["id"], id=call.number("run_id"))
    if row is None:
        raise Refused(404, "Not Found")
    return row


@serves("actions/get-workflow-run", READ)
def get_run(call: Call) -> Reply:
    return Reply(200, run(call, find_run(call)))


@serves("actions/re-run-workflow", WRITE)
@serves("actions/re-run-workflow-failed-jobs", WRITE)
def rerun(call: Call) -> Reply:
    """Start another attempt. Only failed jobs run again by the second address, and there have to be some.

    https://docs.github.com/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs: within 30 days, up to 50
    times. The words of the refusal are those of GitHub's CLI, issue 9044 of cli/cli.
    """
    row, failed = find_run(call), call.operation.name.endswith("failed-jobs")
    if row["status"] != "completed":
        raise Refused(403, "This workflow is already running")
    if row.get("expired"):
        raise Refused(403, "Unable to retry this workflow run because it was created over a month ago")
    if failed and row["conclusion"] == "success":
        raise Refused(403, "This workflow run cannot be retried")
    call.state.change(row, status="queued", conclusion=None, attempt=row["attempt"] + 1)
    return Reply(201, {})


@serves("actions/get-workflow-run-attempt", READ)
def get_attempt(call: Call) -> Reply:
    row = find_run(call)
    if not 1 <= call.number("attempt_number") <= row["attempt"]:
        raise Refused(404, "Not Found")
    return Reply(200, run(call, row) | {"run_attempt": call.number("attempt_number")})


@serves("actions/list-workflow-runs-for-repo", READ)
def list_runs(call: Call) -> Reply:
    rows = call.state.all("runs", repo=call.repo["id"])[::-1]
    for asked, key in FILTERS.items():
        rows = [row for row in rows if call.query.get(asked, row[key]) == row[key]]
    wanted = call.query.get("status")
    rows = [row for row in rows if wanted in {None, row["status"], row["conclusion"]}]
    return call.page(rows, lambda row: run(call, row), under="workflow_runs")


@serves("actions/list-jobs-for-workflow-run", READ)
@serves("actions/list-jobs-for-workflow-run-attempt", READ)
def list_jobs(call: Call) -> Reply:
    row = find_run(call)
    return call.page(row["jobs"], lambda entry: job(call, row, entry), under="jobs")


def job(call: Call, row: Row, entry: Row) -> Row:
    at = f"{call.links.repo(full_name(call.repo))}/actions"
    done = entry["conclusion"] is not None
    return {
        "id": entry["id"],
        "node_id": f"JOB_{entry['id']}",
        "run_id": row["id"],
        "run_attempt": row["attempt"],
        "run_url": f"{at}/runs/{row['id']}",
        "url": f"{at}/jobs/{entry['id']}",
        "html_url": f"{call.links.site}/{full_name(call.repo)}/actions/runs/{row['id']}/job/{entry['id']}",
        "check_run_url": f"{call.links.repo(full_name(call.repo))}/check-runs/{entry['id']}",
        "name": entry["name"],
        "status": "completed" if done else "in_progress",
        "conclusion": entry["conclusion"],
        **dict.fromkeys(["created_at", "started_at"], row["created_at"]),
        "completed_at": row["updated_at"] if done else None,
        "workflow_name": row["name"],
        "steps": [],
        "labels": ["ubuntu-latest"],
        **{key: row[key] for key in ("head_sha", "head_branch")},
        **dict.fromkeys(["runner_id", "runner_name", "runner_group_id", "runner_group_name"]),
    }


def artifact(call: Call, row: Row) -> Row:
    at = f"{call.links.repo(full_name(call.repo))}/actions/artifacts/{row['id']}"
    of = call.state.one("runs", id=row["run"])
    source = {"id": of["id"], "repository_id": of["repo"], "head_repository_id": of["head_repo"]}
    return {
        **{key: row[key] for key in ("id", "name", "expired", "created_at", "updated_at")},
        "node_id": f"AR_{row['id']}",
        "size_in_bytes": row["size"],
        "url": at,
        "archive_download_url": f"{at}/zip",
        "expires_at": row["created_at"].replace("20", "21", 1),
        "digest": f"sha256:{row['digest']}",
        "workflow_run": source | {"head_branch": of["head_branch"], "head_sha": of["head_sha"]},
    }


def list_page(call: Call, rows: list[Row]) -> Reply:
    rows = [row for row in rows[::-1] if call.query.get("name", row["name"]) == row["name"]]
    return call.page(rows, lambda row: artifact(call, row), under="artifacts")


@serves("actions/list-artifacts-for-repo", READ)
def list_artifacts(call: Call) -> Reply:
    return list_page(call, call.state.all("artifacts", repo=call.repo["id"]))


@serves("actions/list-workflow-run-artifacts", READ)
def list_run_artifacts(call: Call) -> Reply:
    return list_page(call, call.state.all("artifacts", run=find_run(call)["id"]))


def find_artifact(call: Call) -> Row:
    row = call.state.one("artifacts", repo=call.repo["id"], id=call.number("artifact_id"))
    if row is None:
        raise Refused(404, "Not Found")
    return row


@serves("actions/get-artifact", READ)
def get_artifact(call: Call) -> Reply:
    return Reply(200, artifact(call, find_artifact(call)))


@serves("actions/download-artifact", READ)
def download(call: Call) -> Reply:
    """A redirect to another host, which works for a minute; not even public artifacts go to the nameless.

    https://docs.github.com/rest/actions/artifacts#download-an-artifact
    """
    row = find_artifact(call)
    if call.token is None:
        raise Refused(401, "Requires authentication")
    if row["expired"]:
        raise Refused(410, "Artifact has expired")
    return Reply(302, headers={"Location": storage.address(call.links.storage, row["digest"])}, raw=b"")
