"""Check runs and their annotations."""

from typing import Any

from tests.fake_github import people
from tests.fake_github.served.commits import find_commit
from tests.fake_github.served.pulls import minimal_pulls
from tests.fake_github.served.suites import latest, suite_of
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import Row, full_name, now

FIELDS = ("name", "details_url", "external_id", "started_at", "status", "conclusion", "completed_at")
TITLES = 255  # "The maximum size is 255 characters", of an annotation's title in the description's prose
LARGE = 64 * 1024  # "The maximum size is 64 KB", of its message and raw details, the same


@serves("checks/create", ("checks", "write"))
def create(call: Call) -> Reply:
    only_apps(call)
    sha = find_commit(call, call.body["head_sha"], status=422)
    check_facts(call.body)
    row = call.state.add(
        "check_runs",
        repo=call.repo["id"],
        head_sha=sha,
        app=call.token["app"],
        suite=suite_of(call.state, call.repo, call.token["app"], sha)["id"],
        annotations=[],
        status="queued",
        conclusion=None,
        output={},
        name=call.body["name"],
        external_id="",
        started_at=now(),
        completed_at=None,
        details_url=None,
    )
    apply(call, row)
    return Reply(201, run(call, row), {"Location": run(call, row)["url"]})


@serves("checks/update", ("checks", "write"))
def update(call: Call) -> Reply:
    only_apps(call)
    row = find_check(call)
    if row["app"] != call.token["app"]:
        # quoted in https://github.com/databricks/cli/pull/4563
        number = people.app(call.state, call.links, call.token["app"])["id"]
        raise Refused(
            403, f"Invalid app_id `{number}` - check run can only be modified by the GitHub App that created it."
        )
    check_facts(call.body)
    apply(call, row)
    return Reply(200, run(call, row))


@serves("checks/rerequest-run", ("checks", "write"))
def rerequest(call: Call) -> Reply:
    """Ask the app to run again: resets only the suite; the real app would receive a webhook."""
    find_check(call)
    return Reply(201, {})


@serves("checks/get", ("checks", "read"))
def get(call: Call) -> Reply:
    return Reply(200, run(call, find_check(call)))


@serves("checks/list-annotations", ("checks", "read"))
def annotations(call: Call) -> Reply:
    row = find_check(call)
    blob = f"{call.links.site}/{full_name(call.repo)}/blob/{row['head_sha']}"
    empty = dict.fromkeys(["start_column", "end_column", "title", "raw_details"])
    return call.page(
        row["annotations"], lambda annotation: empty | annotation | {"blob_href": f"{blob}/{annotation['path']}"}
    )


@serves("checks/list-for-ref", ("checks", "read"))
def list_for_ref(call: Call) -> Reply:
    sha = find_commit(call, call.names["ref"], status=422)
    rows = call.state.all("check_runs", repo=call.repo["id"], head_sha=sha)
    return list_page(call, rows)


@serves("checks/list-for-suite", ("checks", "read"))
def list_for_suite(call: Call) -> Reply:
    rows = call.state.all("check_runs", repo=call.repo["id"], suite=call.number("check_suite_id"))
    return list_page(call, rows)


def list_page(call: Call, rows: list[Row]) -> Reply:
    wanted = {"name": call.query.get("check_name"), "status": call.query.get("status")}
    rows = [row for row in rows if all(value is None or row[key] == value for key, value in wanted.items())]
    if "app_id" in call.query:
        numbers = {slug: people.app(call.state, call.links, slug)["id"] for slug in {row["app"] for row in rows}}
        rows = [row for row in rows if numbers[row["app"]] == int(call.query["app_id"])]
    if call.query.get("filter", "latest") == "latest":
        rows = latest(rows)
    pulls = {sha: minimal_pulls(call, sha) for sha in {row["head_sha"] for row in rows}}
    newest_first = sorted(rows, key=lambda row: -row["id"])
    return call.page(newest_first, lambda row: run(call, row, pulls[row["head_sha"]]), under="check_runs")


def find_check(call: Call) -> Row:
    row = call.state.one("check_runs", repo=call.repo["id"], id=call.number("check_run_id"))
    if row is None:
        raise Refused(404, "Not Found")
    return row


def only_apps(call: Call) -> None:
    """Users' tokens can't write check runs. https://github.com/EnricoMi/publish-unit-test-result-action/issues/53"""
    if call.token["kind"] != "installation":
        raise Refused(403, "You must authenticate via a GitHub App.")


def check_facts(body: Any) -> None:
    """Check rules that the description states in prose only."""
    if "conclusion" not in body and (body.get("status") == "completed" or "completed_at" in body):
        raise Refused(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')
    if body.get("conclusion") == "stale":
        raise Refused(422, "Invalid request.\n\nYou cannot change a check run conclusion to `stale`.")
    for annotation in body.get("output", {}).get("annotations", []):
        sizes = {"message": LARGE, "raw_details": LARGE, "title": TITLES}
        for key, most in sizes.items():
            size = len(annotation.get(key, "")) if key == "title" else len(annotation.get(key, "").encode("utf-8"))
            if size > most:
                raise Refused(422, f"Invalid request.\n\nOnly {most} characters are allowed; {size} were supplied.")


def apply(call: Call, row: Row) -> None:
    """Write what was sent: a conclusion completes the run, and annotations are appended."""
    facts = {key: call.body[key] for key in FIELDS if key in call.body}
    if "conclusion" in facts:
        facts["status"] = "completed"
        facts.setdefault("completed_at", now())
    elif facts.get("status", "completed") != "completed":
        facts |= {"conclusion": None, "completed_at": None}
    output = dict(call.body.get("output", {}))
    row["annotations"] += output.pop("annotations", [])
    output.pop("images", None)
    call.state.change(row, **facts, output=row["output"] | output)


def run(call: Call, row: Row, pulls: list[Row] | None = None) -> Row:
    """A check run as GitHub shows it, with the pull requests of its commit, if they are known already."""
    at = f"{call.links.repo(full_name(call.repo))}/check-runs/{row['id']}"
    page = f"{call.links.site}/{full_name(call.repo)}/runs/{row['id']}"
    output = {key: row["output"].get(key) for key in ("title", "summary", "text")}
    output |= {"annotations_count": len(row["annotations"]), "annotations_url": f"{at}/annotations"}
    return {
        **{key: row[key] for key in ("id", "head_sha", *FIELDS)},
        "node_id": f"CR_{row['id']}",
        "url": at,
        "html_url": page,
        "details_url": row["details_url"] or page,
        "output": output,
        "check_suite": {"id": row["suite"]},
        "app": people.app(call.state, call.links, row["app"]),
        "pull_requests": minimal_pulls(call, row["head_sha"]) if pulls is None else pulls,
    }
