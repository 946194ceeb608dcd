"""PyGithub, a client written for the real GitHub, works with the fake unchanged."""

import pytest
import requests
from github import Auth, Github, GithubException, InputGitTreeElement

NOTE = {"path": "mlci.yml", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"}


def connect(token, **facts):
    """PyGithub without the pauses between requests that it makes by default."""
    return Github(auth=Auth.Token(token), seconds_between_requests=0, seconds_between_writes=0, retry=None, **facts)


@pytest.fixture
def repo(fake):
    token = fake.token({"contents": "write", "checks": "write", "statuses": "write", "pull-requests": "write"})
    return connect(token, base_url=fake.url).get_repo(fake.name)


def test_pygithub__publishing(fake, repo):
    number = fake.pull("topic")
    pull = repo.get_pull(number)
    assert (pull.head.sha, pull.mergeable, [file.filename for file in pull.get_files()]) == (
        fake.sha("topic"),
        True,
        ["train.py"],
    )
    run = repo.create_check_run("mlci / m", pull.head.sha, status="in_progress", external_id="1842.1")
    run.edit(conclusion="failure", output={"title": "t", "summary": "s", "annotations": [NOTE]})
    assert [note.path for note in run.get_annotations()] == ["mlci.yml"]
    commit = repo.get_commit(pull.head.sha)
    commit.create_status("failure", context="mlci / m", description="1 gate failed")
    assert commit.get_combined_status().state == "failure"
    assert [found.external_id for found in commit.get_check_runs(check_name="mlci / m")] == ["1842.1"]
    comment = pull.create_issue_comment("first")
    comment.edit("second")
    assert (comment.user.login, comment.user.type) == ("github-actions[bot]", "Bot")
    assert [answer["body"] for answer in fake.comments(number)] == ["second"]
    assert [answer["conclusion"] for answer in fake.check_runs(name="mlci / m")] == ["failure"]


def test_pygithub__four_hundred_comments(fake, repo):
    number = fake.pull("topic")
    made = [fake.comment(number, f"{i}") for i in range(400)]
    assert [answer.id for answer in repo.get_issue(number).get_comments()] == made


def test_pygithub__registry_on_a_branch_with_release_assets(fake, repo, tmp_path):
    blob = repo.create_git_blob("index\n", "utf-8")
    tree = repo.create_git_tree([InputGitTreeElement("index.json", "100644", "blob", sha=blob.sha)])
    commit = repo.create_git_commit("registry", tree, [])
    ref = repo.create_git_ref("refs/heads/registry", commit.sha)
    other = repo.create_git_commit("a rival", tree, [])
    with pytest.raises(GithubException, match="fast forward"):
        ref.edit(other.sha)
    assert repo.get_contents("index.json", ref="registry").decoded_content == b"index\n"
    release = repo.create_git_release("m-1", "Model 1", "notes", target_commitish="registry")
    (tmp_path / "model.bin").write_bytes(b"weights")
    asset = release.upload_asset(str(tmp_path / "model.bin"), content_type="application/octet-stream")
    assert (asset.size, asset.digest[:7]) == (7, "sha256:")


def test_pygithub__artifacts_on_another_host(fake):
    run = fake.run(fake.pull("topic"))
    fake.artifact(run, "mlci-report", {"report.json": "{}"})
    token = fake.token({"actions": "read"})
    repo = connect(token, base_url=fake.url).get_repo(fake.name)
    (artifact,) = repo.get_workflow_run(run).get_artifacts()
    answer = requests.get(artifact.archive_download_url, headers={"Authorization": f"Bearer {token}"}, timeout=5)
    assert answer.content[:2] == b"PK"
    assert not answer.url.startswith(fake.url)
