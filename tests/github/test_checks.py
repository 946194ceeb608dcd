"""Rules of check runs and statuses that GitHub's description states in prose, or omits."""

import pytest

NOTE = {"path": "mlci.yml", "start_line": 1, "end_line": 2, "annotation_level": "warning", "message": "m"}
OUTPUT = {"title": "t", "summary": "s"}


@pytest.fixture
def sha(fake):
    return fake.sha("topic")


@pytest.fixture
def check(client, sha):
    """Opens a check run and returns its path."""

    def opened(**facts):
        answer = client("POST", "/check-runs", {"name": "mlci / m", "head_sha": sha, **facts})
        assert answer.status_code == 201, answer.text
        return f"/check-runs/{answer.json()['id']}"

    return opened


def test_update_check__completed_needs_a_conclusion(fake, client, check, sha):
    refused = client("PATCH", check(), {"status": "completed"})
    assert refused.status_code == 422
    assert fake.violations
    fake.violations.clear()
    late = client("POST", "/check-runs", {"name": "n", "head_sha": sha, "completed_at": "2024-01-01T00:00:00Z"})
    assert (late.status_code, late.json()["message"]) == (422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')


def test_update_check__conclusion_completes(client, check):
    found = client("PATCH", check(status="in_progress"), {"conclusion": "success"}).json()
    assert (found["status"], found["conclusion"]) == ("completed", "success")
    assert found["completed_at"] is not None


def test_update_check__restart_clears_the_conclusion(client, check):
    at = check(conclusion="failure")
    found = client("PATCH", at, {"status": "in_progress"}).json()
    assert (found["status"], found["conclusion"], found["completed_at"]) == ("in_progress", None, None)


def test_update_check__stale_is_reserved(client, check):
    assert client("PATCH", check(), {"conclusion": "stale"}).status_code == 422


def test_annotations__appended_and_paged(client, check):
    at = check()
    for _ in range(3):
        assert client("PATCH", at, {"output": OUTPUT | {"annotations": [NOTE] * 50}}).status_code == 200
    assert client("GET", at).json()["output"]["annotations_count"] == 150
    pages = [client("GET", f"{at}/annotations?per_page=100&page={page}").json() for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [100, 50, 0]
    assert pages[0][0] == NOTE | {"blob_href": pages[0][0]["blob_href"]} | dict.fromkeys(
        ["title", "raw_details", "start_column", "end_column"]
    )


def test_annotations__fifty_a_request(fake, client, check):
    refused = client("PATCH", check(), {"output": OUTPUT | {"annotations": [NOTE] * 51}})
    assert refused.status_code == 422
    assert "No more than 50 items are allowed; 51 were supplied." in refused.json()["message"]
    assert len(fake.violations) == 1
    fake.violations.clear()


def test_annotations__length_of_texts(client, check):
    for facts in ({"message": "m" * 65_537}, {"title": "t" * 256}, {"raw_details": "ü" * 32_769}):
        assert client("PATCH", check(), {"output": OUTPUT | {"annotations": [NOTE | facts]}}).status_code == 422


def test_update_check__output_keeps_other_fields(client, check):
    at = check(output=OUTPUT | {"text": "long"})
    found = client("PATCH", at, {"output": {"summary": "new"}}).json()["output"]
    assert (found["title"], found["summary"], found["text"]) == ("t", "new", "long")


def test_create_check__commit_not_found(client):
    refused = client("POST", "/check-runs", {"name": "n", "head_sha": "f" * 40})
    assert (refused.status_code, refused.json()["message"]) == (422, "No commit found for SHA: " + "f" * 40)


def test_list_checks__latest_of_a_name_in_a_suite(fake, client, check, sha):
    first, second = check(), check()
    other = client("POST", "/check-runs", {"name": "mlci / m", "head_sha": sha}, token=fake.token(app="other"))
    listed = client("GET", f"/commits/{sha}/check-runs?check_name=mlci%20/%20m").json()
    assert listed["total_count"] == 2
    assert {run["app"]["slug"] for run in listed["check_runs"]} == {"github-actions", "other"}
    assert f"/check-runs/{listed['check_runs'][1]['id']}" == second
    whole = client("GET", f"/commits/{sha}/check-runs?filter=all").json()["check_runs"]
    assert [run["id"] for run in whole] == [other.json()["id"], *(int(at.rsplit("/")[-1]) for at in (second, first))]
    number = other.json()["app"]["id"]
    assert client("GET", f"/commits/{sha}/check-runs?app_id={number}").json()["total_count"] == 1


def test_update_check__another_app(fake, client, check):
    refused = client("PATCH", check(), {"conclusion": "success"}, token=fake.token(app="other"))
    assert refused.status_code == 403
    assert "can only be modified by the GitHub App that created it" in refused.json()["message"]


def test_check_suite__joins_its_runs(client, check, sha):
    check(conclusion="success", name="a")
    check(conclusion="failure", name="b")
    (suite,) = client("GET", f"/commits/{sha}/check-suites").json()["check_suites"]
    assert (suite["status"], suite["conclusion"], suite["latest_check_runs_count"]) == ("completed", "failure", 2)


def test_check__pull_requests_of_the_repository_only(fake, client, check, push):
    number = fake.pull("topic")
    forked = fake.pull("topic", fork=True)
    assert [pull["number"] for pull in client("GET", check()).json()["pull_requests"]] == [number]
    sha = push(fake.fork(), "topic", {"train.py": "C = 2\n"})
    assert fake.head(forked) == sha
    assert client("POST", "/check-runs", {"name": "n", "head_sha": sha}).json()["pull_requests"] == []


def test_statuses__newest_first_and_combined(client, sha):
    states = [("a", "pending"), ("a", "success"), ("b", "success")]
    for context, state in states:
        assert client("POST", f"/statuses/{sha}", {"state": state, "context": context}).status_code == 201
    listed = client("GET", f"/commits/{sha}/statuses").json()
    assert [(found["context"], found["state"]) for found in listed] == states[::-1]
    assert listed[0]["creator"]["login"] == "github-actions[bot]"
    combined = client("GET", f"/commits/{sha}/status").json()
    assert (combined["state"], combined["total_count"]) == ("success", 2)


@pytest.mark.parametrize(
    ("states", "joined"),
    [
        ([], "pending"),
        (["success", "pending"], "pending"),
        (["pending", "error"], "failure"),
        (["success", "failure"], "failure"),
    ],
)
def test_statuses__combined_state(client, sha, states, joined):
    for i, state in enumerate(states):
        client("POST", f"/statuses/{sha}", {"state": state, "context": f"c{i}"})
    assert client("GET", f"/commits/{sha}/status").json()["state"] == joined


def test_statuses__limit_for_a_context(fake, client, sha):
    facts = {"repo": fake.repo["id"], "sha": sha, "context": "c", "state": "success", "creator": "octocat"}
    for _ in range(1000):
        fake.state.add("statuses", **facts, description=None, target_url=None)
    refused = client("POST", f"/statuses/{sha}", {"state": "success", "context": "c"})
    assert refused.status_code == 422
    words = "This SHA and context has reached the maximum number of statuses."
    assert refused.json()["errors"] == [{"resource": "Status", "code": "custom", "message": words}]
    assert client("POST", f"/statuses/{sha}", {"state": "success", "context": "d"}).status_code == 201


def test_statuses__length_of_the_description(client, sha):
    refused = client("POST", f"/statuses/{sha}", {"state": "success", "description": "d" * 141})
    assert refused.json()["errors"][0]["message"] == "description is too long (maximum is 140 characters)"


def test_merge__required_check(fake, client, sha):
    """Missing, pending, failing, and then both the status and the check run are good."""
    number = fake.pull("topic")
    rule = {"type": "required_status_checks", "parameters": {
        "strict_required_status_checks_policy": False, "required_status_checks": [{"context": "mlci / m"}],
    }}  # fmt: skip
    names = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    body = {"name": "gates", "target": "branch", "enforcement": "active", "conditions": names, "rules": [rule]}
    admin = fake.token({"administration": "write"})
    assert client("POST", "/rulesets", body, token=admin).status_code == 201

    def merge():
        answer = client("PUT", f"/pulls/{number}/merge", {}, token=fake.token({"contents": "write"}))
        return answer.status_code, answer.json()["message"].strip().rpartition("\n")[2]

    def status(state):
        client("POST", f"/statuses/{sha}", {"state": state, "context": "mlci / m"})

    assert merge() == (405, 'Required status check "mlci / m" is expected.')
    status("pending")
    assert merge() == (405, 'Required status check "mlci / m" is expected.')
    status("success")
    client("POST", "/check-runs", {"name": "mlci / m", "head_sha": sha, "conclusion": "failure"})
    assert merge() == (405, 'Required status check "mlci / m" is failing.')
    client("POST", "/check-runs", {"name": "mlci / m", "head_sha": sha, "conclusion": "neutral"})
    assert merge()[0] == 200
