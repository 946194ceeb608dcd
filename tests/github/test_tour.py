"""Every operation once, by hand-written requests: each answer has the expected status and matches the description.

The fake itself checks the description. A new operation has to be added here.
"""

import base64
import io
import tarfile
import zipfile

import pytest

from tests.fake_github import contract
from tests.fake_github.serving import HANDLERS

ALL = dict.fromkeys(
    ["administration", "actions", "checks", "contents", "issues", "pull-requests", "statuses"],
    "write",
)
PROTECTION = {
    "required_status_checks": {"strict": True, "contexts": ["mlci / m"]},
    "enforce_admins": True,
    "required_pull_request_reviews": None,
    "restrictions": None,
}
RULE = {
    "type": "required_status_checks",
    "parameters": {
        "strict_required_status_checks_policy": False,
        "required_status_checks": [{"context": "mlci / m", "integration_id": 15368}],
    },
}


class Tour:
    """Calls by the name of an operation, and remembers which were called."""

    def __init__(self, client):
        self.client, self.seen = client, set()
        client.token = client.fake.token(ALL)

    def __call__(self, status, name, body=None, /, *, query="", **names):
        operation = contract.operations()[name]
        owner, _, repo = self.client.fake.name.partition("/")
        uploads = "/api/uploads" if name == "repos/upload-release-asset" else ""
        headers = {"Content-Type": "application/zip"} if isinstance(body, bytes) else names.pop("headers", None)
        path = operation.path
        for key, value in {"owner": owner, "repo": repo, **names}.items():
            path = path.replace(f"{{{key}}}", str(value))
        address = f"{self.client.fake.url}{uploads}{path}{query}"
        answer = self.client(operation.method, address, body, headers=headers, allow_redirects=False)
        assert answer.status_code == status, (name, answer.status_code, answer.text)
        self.seen.add(name)
        return answer.json() if answer.content and "json" in answer.headers["Content-Type"] else answer


@pytest.fixture
def tour(client):
    return Tour(client)


def checks_and_statuses(fake, tour, sha):
    run = tour(201, "checks/create", {"name": "mlci / m", "head_sha": sha})
    tour(200, "checks/update", {"conclusion": "success"}, check_run_id=run["id"])
    tour(200, "checks/get", check_run_id=run["id"])
    tour(200, "checks/list-annotations", check_run_id=run["id"])
    tour(201, "checks/rerequest-run", check_run_id=run["id"])
    tour(200, "checks/list-for-ref", ref="topic")
    tour(200, "checks/list-suites-for-ref", ref=sha)
    tour(200, "checks/get-suite", check_suite_id=run["check_suite"]["id"])
    tour(200, "checks/list-for-suite", check_suite_id=run["check_suite"]["id"])
    tour(201, "repos/create-commit-status", {"state": "success", "context": "mlci / m"}, sha=sha)
    tour(200, "repos/list-commit-statuses-for-ref", ref="topic")
    tour(200, "repos/get-combined-status-for-ref", ref="topic")


def issues_and_pulls(fake, tour, sha):
    pull = tour(201, "pulls/create", {"title": "t", "head": "topic", "base": "main", "draft": True})
    number = pull["number"]
    tour(422, "pulls/create", {"title": "t", "head": "nowhere", "base": "main"})
    tour(200, "pulls/get", pull_number=number)
    assert [row["number"] for row in tour(200, "pulls/list", query="?head=octo-org:topic")] == [number]
    assert tour(200, "pulls/list", query="?head=other:topic") == []
    tour(200, "pulls/update", {"title": "new"}, pull_number=number)
    assert [row["filename"] for row in tour(200, "pulls/list-files", pull_number=number)] == ["train.py"]
    assert [row["sha"] for row in tour(200, "pulls/list-commits", pull_number=number)] == [sha]
    fake.dismiss(fake.review(number, "ada"))
    assert [row["state"] for row in tour(200, "pulls/list-reviews", pull_number=number)] == ["DISMISSED"]
    found = tour(200, "repos/list-pull-requests-associated-with-commit", commit_sha=sha)
    assert number in [row["number"] for row in found]
    comment = tour(201, "issues/create-comment", {"body": "x"}, issue_number=number)
    tour(200, "issues/update-comment", {"body": "y"}, comment_id=comment["id"])
    tour(200, "issues/get-comment", comment_id=comment["id"])
    tour(201, "reactions/create-for-issue-comment", {"content": "eyes"}, comment_id=comment["id"])
    tour(200, "reactions/create-for-issue-comment", {"content": "eyes"}, comment_id=comment["id"])
    assert len(tour(200, "reactions/list-for-issue-comment", comment_id=comment["id"])) == 1
    tour(200, "issues/list-comments", issue_number=number)
    tour(200, "issues/list-comments-for-repo", query="?sort=updated")
    tour(204, "issues/delete-comment", comment_id=comment["id"])
    issue = tour(201, "issues/create", {"title": "i", "labels": ["bug"]})
    assert issue["number"] == number + 1
    tour(200, "issues/get", issue_number=number)
    tour(200, "issues/update", {"state": "closed"}, issue_number=issue["number"])
    assert [row["number"] for row in tour(200, "issues/list-for-repo", query="?state=all&labels=bug")] == [number + 1]
    tour(200, "issues/add-labels", {"labels": ["model"]}, issue_number=number)
    tour(200, "issues/list-labels-on-issue", issue_number=number)
    tour(200, "issues/remove-label", issue_number=number, name="model")
    tour(201, "issues/create-label", {"name": "gate", "color": "ff0000"})
    tour(200, "issues/get-label", name="gate")
    assert tour(200, "issues/update-label", {"color": "00ff00"}, name="gate")["color"] == "00ff00"
    tour(200, "issues/list-labels-for-repo")
    tour(405, "pulls/merge", pull_number=number)
    fake.change_pull(number, draft=False)
    tour(409, "pulls/merge", {"sha": "a" * 40}, pull_number=number)
    merged = tour(200, "pulls/merge", {"sha": sha}, pull_number=number)
    assert fake.sha("main") == merged["sha"]
    assert tour(200, "pulls/get", pull_number=number)["merged"]


def git_data(fake, tour, sha):
    blob = tour(201, "git/create-blob", {"content": base64.b64encode(b"\0\1").decode(), "encoding": "base64"})
    assert base64.b64decode(tour(200, "git/get-blob", file_sha=blob["sha"])["content"]) == b"\0\1"
    entries = [
        {"path": "models/a.bin", "mode": "100644", "type": "blob", "sha": blob["sha"]},
        {"path": "README.md", "mode": "100644", "type": "blob", "content": "new\n"},
        {"path": "train.py", "mode": "100644", "type": "blob", "sha": None},
    ]
    base = tour(200, "git/get-commit", commit_sha=sha)["tree"]["sha"]
    tree = tour(201, "git/create-tree", {"base_tree": base, "tree": entries})
    listed = tour(200, "git/get-tree", tree_sha=tree["sha"], query="?recursive=1")["tree"]
    assert [row["path"] for row in listed] == ["README.md", "mlci.yml", "models", "models/a.bin"]
    commit = tour(201, "git/create-commit", {"message": "m", "tree": tree["sha"], "parents": [sha]})
    assert commit["author"]["name"] == "github-actions[bot]"
    orphan = tour(201, "git/create-commit", {"message": "registry", "tree": tree["sha"]})
    tour(201, "git/create-ref", {"ref": "refs/heads/registry", "sha": orphan["sha"]})
    tour(422, "git/create-ref", {"ref": "refs/heads/registry", "sha": orphan["sha"]})
    refused = tour(422, "git/update-ref", {"sha": commit["sha"]}, ref="heads/registry")
    assert refused["message"] == "Update is not a fast forward"
    tour(200, "git/update-ref", {"sha": commit["sha"], "force": True}, ref="heads/registry")
    assert tour(200, "git/get-ref", ref="heads/registry")["object"]["sha"] == commit["sha"] == fake.sha("registry")
    assert len(tour(200, "git/list-matching-refs", ref="heads/")) >= 3
    tag = tour(201, "git/create-tag", {"tag": "v1", "message": "one", "object": sha, "type": "commit"})
    assert tour(200, "git/get-tag", tag_sha=tag["sha"])["object"]["sha"] == sha
    tour(204, "git/delete-ref", ref="heads/registry")
    tour(404, "git/get-ref", ref="heads/registry")


def branches_and_contents(fake, tour, sha):
    assert tour(200, "repos/get")["default_branch"] == "main"
    tour(200, "repos/list-branches")
    tour(200, "repos/get-branch", branch="main")
    tour(200, "repos/list-commits", query="?sha=topic&path=train.py")
    tour(200, "repos/get-commit", ref="topic")
    compared = tour(200, "repos/compare-commits", base="topic", head="main")
    assert (compared["status"], compared["ahead_by"]) == ("ahead", 1)
    tour(200, "repos/get-content", path="mlci.yml", query="?ref=topic")
    made = {"message": "m", "content": base64.b64encode(b"x\n").decode(), "branch": "topic"}
    new = tour(201, "repos/create-or-update-file-contents", made, path="docs/x.md")
    tour(200, "repos/get-content", path="docs", query="?ref=topic")
    tour(422, "repos/create-or-update-file-contents", made, path="docs/x.md")
    tour(409, "repos/create-or-update-file-contents", made | {"sha": "a" * 40}, path="docs/x.md")
    tour(200, "repos/create-or-update-file-contents", made | {"sha": new["content"]["sha"]}, path="docs/x.md")
    there = tour(302, "repos/download-tarball-archive", ref="topic").headers["Location"]
    with tarfile.open(fileobj=io.BytesIO(tour.client.session.get(there, timeout=5).content)) as packed:
        assert packed.extractfile(packed.getnames()[0] + "/docs/x.md").read() == b"x\n"
    tour(201, "repos/merge", {"base": "main", "head": "topic"})
    tour(204, "repos/merge", {"base": "main", "head": "topic"})


def releases(fake, tour, sha):
    release = tour(201, "repos/create-release", {"tag_name": "m-1", "target_commitish": "topic", "name": "Model 1"})
    tour(422, "repos/create-release", {"tag_name": "m-1"})
    number = release["id"]
    tour(200, "repos/list-tags")
    asset = tour(201, "repos/upload-release-asset", b"bytes", release_id=number, query="?name=model%20one.zip")
    assert asset["name"] == "model.one.zip"
    tour(422, "repos/upload-release-asset", b"other", release_id=number, query="?name=model.one.zip")
    tour(200, "repos/list-release-assets", release_id=number)
    tour(200, "repos/get-release-asset", asset_id=asset["id"])
    raw = {"Accept": "application/octet-stream"}
    there = tour(302, "repos/get-release-asset", asset_id=asset["id"], headers=raw).headers["Location"]
    assert tour.client.session.get(there, timeout=5).content == b"bytes"
    tour(200, "repos/update-release-asset", {"label": "weights"}, asset_id=asset["id"])
    tour(200, "repos/get-release", release_id=number)
    tour(200, "repos/get-release-by-tag", tag="m-1")
    tour(200, "repos/get-latest-release")
    tour(200, "repos/update-release", {"body": "notes"}, release_id=number)
    assert len(tour(200, "repos/list-releases")) == 1
    tour(204, "repos/delete-release-asset", asset_id=asset["id"])
    tour(204, "repos/delete-release", release_id=number)


def workflow_runs(fake, tour, sha):
    tour(204, "repos/create-dispatch-event", {"event_type": "retrain", "client_payload": {"model": "m"}})
    run = fake.run(fake.pull("topic", fork=True), jobs=[{"name": "train"}])
    artifact = fake.artifact(run, "mlci-report", {"report.json": "{}"})
    assert tour(200, "actions/get-workflow-run", run_id=run)["pull_requests"] == []
    tour(200, "actions/get-workflow-run-attempt", run_id=run, attempt_number=1)
    tour(403, "actions/re-run-workflow-failed-jobs", {}, run_id=run)
    tour(201, "actions/re-run-workflow", {}, run_id=run)
    tour(403, "actions/re-run-workflow", {}, run_id=run)
    assert tour(200, "actions/list-workflow-runs-for-repo", query="?event=pull_request")["total_count"] == 1
    tour(200, "actions/list-jobs-for-workflow-run", run_id=run)
    tour(200, "actions/list-jobs-for-workflow-run-attempt", run_id=run, attempt_number=1)
    tour(200, "actions/list-artifacts-for-repo", query="?name=mlci-report")
    tour(200, "actions/list-workflow-run-artifacts", run_id=run)
    tour(200, "actions/get-artifact", artifact_id=artifact)
    there = tour(302, "actions/download-artifact", artifact_id=artifact, archive_format="zip").headers["Location"]
    assert not there.startswith(fake.url)
    forwarded = tour.client.session.get(there, headers={"Authorization": "Bearer x"}, timeout=5)
    assert (forwarded.status_code, "InvalidAuthenticationInfo" in forwarded.text) == (400, True)
    with zipfile.ZipFile(io.BytesIO(tour.client.session.get(there, timeout=5).content)) as archive:
        assert archive.read("report.json") == b"{}"
    old = fake.artifact(run, "old", b"PK", expired=True)
    tour(410, "actions/download-artifact", artifact_id=old, archive_format="zip")


def settings(fake, tour, sha):
    tour(404, "repos/get-environment", environment_name="gate")
    environments(fake, tour)
    where = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    body = {"name": "gate", "enforcement": "active", "conditions": where, "rules": [RULE]}
    ruleset = tour(201, "repos/create-repo-ruleset", body)
    tour(200, "repos/get-repo-rulesets")
    tour(200, "repos/get-repo-ruleset", ruleset_id=ruleset["id"])
    assert len(tour(200, "repos/get-branch-rules", branch="main")) == 1
    tour(200, "repos/update-repo-ruleset", {"enforcement": "disabled"}, ruleset_id=ruleset["id"])
    assert tour(200, "repos/get-branch-rules", branch="main") == []
    fake.organisation_ruleset(name="all", conditions=where, rules=[{"type": "deletion"}])
    (rule,) = tour(200, "repos/get-branch-rules", branch="main")
    assert (rule["ruleset_source_type"], rule["ruleset_source"]) == ("Organization", fake.name.partition("/")[0])
    assert len(tour(200, "repos/get-repo-rulesets")) == 2
    assert len(tour(200, "repos/get-repo-rulesets", query="?includes_parents=false")) == 1
    tour(404, "repos/get-branch-protection", branch="main")
    tour(200, "repos/update-branch-protection", PROTECTION, branch="main")
    tour(200, "repos/get-branch-protection", branch="main")
    found = tour(200, "repos/get-status-checks-protection", branch="main")
    assert found["checks"] == [{"context": "mlci / m", "app_id": None}]
    assert tour(200, "repos/get-branch", branch="main")["protected"]


def environments(fake, tour):
    gate = {"environment_name": "gate"}
    team, ada = fake.team("ml"), tour(200, "users/get-by-username", username="ada")["id"]
    assert [found["slug"] for found in tour(200, "repos/list-teams")] == ["ml"]
    body = {
        "wait_timer": 5,
        "prevent_self_review": True,
        "reviewers": [{"type": "Team", "id": team}, {"type": "User", "id": ada}],
        "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
    }
    tour(200, "repos/create-or-update-environment", body, **gate)
    found = tour(200, "repos/get-environment", **gate)
    assert [rule["type"] for rule in found["protection_rules"]] == ["wait_timer", "required_reviewers", "branch_policy"]
    reviewers = found["protection_rules"][1]["reviewers"]
    assert [(one["type"], one["reviewer"].get("slug") or one["reviewer"]["login"]) for one in reviewers] == [
        ("Team", "ml"),
        ("User", "ada"),
    ]
    made = tour(200, "repos/create-deployment-branch-policy", {"name": "main"}, **gate)
    tour(303, "repos/create-deployment-branch-policy", {"name": "main"}, **gate)
    assert tour(200, "repos/list-deployment-branch-policies", **gate)["branch_policies"] == [made]
    tour(204, "repos/delete-deployment-branch-policy", branch_policy_id=made["id"], **gate)
    tour(404, "repos/delete-deployment-branch-policy", branch_policy_id=made["id"], **gate)
    tour(422, "repos/create-or-update-environment", {"reviewers": [{"type": "User", "id": ada}] * 7}, **gate)
    tour(200, "repos/create-or-update-environment", {}, **gate)
    tour(404, "repos/create-deployment-branch-policy", {"name": "main"}, **gate)
    assert tour(200, "repos/get-environment", **gate)["protection_rules"] == []
    assert tour(200, "repos/get-all-environments")["total_count"] == 1


def teams(fake, tour, sha):
    fake.team("risk")
    fake.team_member("risk", "ada")
    team = {"org": "octo-org", "team_slug": "risk"}
    tour(403, "teams/get-by-name", **team)
    tour.client.token = fake.token(ALL | {"members": "read"})
    assert tour(200, "teams/get-by-name", **team)["slug"] == "risk"
    assert tour(200, "teams/get-membership-for-user-in-org", username="ada", **team)["state"] == "active"
    tour(404, "teams/get-membership-for-user-in-org", username="bob", **team)
    tour(404, "teams/get-by-name", org="octo-org", team_slug="nowhere")
    fake.state.remove("teams", fake.state.one("teams", slug="risk"))
    tour.client.token = fake.token(ALL)


def people(fake, tour, sha):
    fake.role("ada", "maintain")
    tour(204, "repos/check-collaborator", username="ada")
    tour(404, "repos/check-collaborator", username="bob")
    tour(200, "repos/get-collaborator-permission-level", username="ada")
    tour(200, "users/get-by-username", username="ada")
    tour(403, "users/get-authenticated")
    tour(401, "apps/get-authenticated")
    tour(200, "rate-limit/get")


def test_operations__match_the_description(fake, tour):
    sha = fake.sha("topic")
    for part in (checks_and_statuses, people, teams, git_data, releases, workflow_runs, settings):
        part(fake, tour, sha)
    issues_and_pulls(fake, tour, sha)
    branches_and_contents(fake, tour, sha)
    assert set(HANDLERS) - tour.seen == set()
