"""Approvals before a promotion: current, not dismissed, on the head, not the author's; refused if GitHub can't tell."""

import json
from dataclasses import replace

import pytest
import requests

from mlci.errors import OutsideError
from mlci.github import retry
from mlci.github.collaboration import Collaboration
from mlci.github.reviews import Reviews
from mlci.github.transport import Access, transport
from mlci.governance.approvals import ApprovalRefused, BuildCommit, ReviewFacts, approving_reviewers
from mlci.operations.governance.approval import require_approval
from mlci.util.retry_policy import RetryPolicy
from tests.fake_github.fake import Fake
from tests.support.project import BY_FILE, config, files, mlci, predictions
from tests.support.registry.lifecycle import IGNORED
from tests.support.repository import commit, git, init, start_branch

HEAD, OLD = "a" * 40, "b" * 40


def review(login, state="APPROVED", commit=HEAD):
    return ReviewFacts(login=login, state=state, commit=commit)


@pytest.mark.parametrize(
    ("reviews", "who", "against"),
    [
        ([review("ada")], ("ada",), ()),
        ([review("ada"), review("ada", "COMMENTED", OLD)], ("ada",), ()),
        ([review("ada"), review("Ada", "CHANGES_REQUESTED")], (), ("Ada requested changes",)),
        ([review("ada", "CHANGES_REQUESTED"), review("ada")], ("ada",), ()),
        ([review("ada", "DISMISSED")], (), ("ada approved, and the review was dismissed",)),
        ([review("ada", commit=OLD)], (), ("ada approved bbbbbbb, which is not the head commit",)),
        ([review("ada", commit=None)], (), ("ada approved an older commit, which is not the head commit",)),
        ([review("Octocat")], (), ("Octocat approved, and is an author of the change",)),
        ([review("ada", "PENDING")], (), ()),
        ([review("bob", commit=OLD), review("ada")], ("ada",), ("bob approved bbbbbbb, which is not the head commit",)),
    ],
)
def test_approving_reviewers__newest_decision_on_the_head(reviews, who, against):
    found = approving_reviewers(reviews, head=HEAD, authors=["octocat"])
    assert (found.logins, found.against) == (who, against)


@pytest.fixture
def fake(tmp_path):
    with Fake(tmp_path / "model.git") as made:
        made.team("risk")
        made.team_member("risk", "ada")
        made.team_member("risk", "new", active=False)
        made.email("octocat@example.org", "octocat")
        yield made


def decide(fake, *required, token=None, build=None, here=None):
    """Ask for the approval of the head of the only pull request."""

    def send(permissions):
        return transport(Access(url=fake.url, token=fake.token(permissions), agent="mlci/test"))

    patience = RetryPolicy(attempts=1, total=30.0)
    reading = send({"contents": "read", "pull-requests": "read"})
    reviews = Reviews(reading, send(token) if token else reading, repository=fake.name, patience=patience)
    build = build or BuildCommit(commit=fake.head(1))
    return require_approval(
        build, required, Collaboration(reading, repository=fake.name, patience=patience), reviews, here=here
    )


MEMBERS = {"members": "read"}


def test_require_approval__member_of_the_team(fake):
    number = fake.pull("topic", user="octocat")
    fake.review(number, "bob")
    fake.review(number, "ada")
    found = decide(fake, "octo-org/risk", token=MEMBERS)
    assert found.head == fake.head(number)
    assert [(one.login, one.counts_as) for one in found.by] == [("ada", "octo-org/risk")]


def test_require_approval__person_needs_no_members(fake):
    fake.review(fake.pull("topic", user="octocat"), "Bob")
    found = decide(fake, "octo-org/risk", "bob")
    assert [(one.login, one.counts_as) for one in found.by] == [("Bob", "bob")]
    assert not any("/orgs/" in path for _, path, *_ in fake.requests)


def test_require_approval__no_member_of_the_team(fake):
    number = fake.pull("topic", user="octocat")
    fake.review(number, "bob")
    fake.review(number, "new")
    fake.review(number, "octocat")
    found = decide(fake, "octo-org/risk", token=MEMBERS)
    assert isinstance(found, ApprovalRefused)
    assert f"pull request {number} has no approval of `octo-org/risk` on its head commit" in found.why
    for reason in (
        "octocat approved, and is an author",
        "bob approved, and is none of them",
        "new approved, and is none",
    ):
        assert reason in found.why


def test_require_approval__dismissed_and_older_reviews(fake):
    number = fake.pull("topic", user="octocat")
    fake.dismiss(fake.review(number, "ada"))
    fake.review(number, "bob", commit=fake.sha("main"))
    found = decide(fake, "ada", "bob")
    assert "ada approved, and the review was dismissed" in found.why
    assert f"bob approved {fake.sha('main')[:7]}, which is not the head commit" in found.why


@pytest.mark.parametrize(
    ("required", "token"), [("octo-org/risk", None), ("octo-org/risk", {"metadata": "read"}), ("octo-org/no", MEMBERS)]
)
def test_require_approval__team_that_the_token_does_not_see(fake, required, token):
    fake.review(fake.pull("topic", user="octocat"), "ada")
    with pytest.raises(OutsideError, match=f"does not show the team `{required}`") as refused:
        decide(fake, required, token=token)
    assert "MLCI_MEMBERS_TOKEN: ${{ secrets.MEMBERS_TOKEN }}" in str(refused.value)
    assert "require_approval: [octocat, hubot]" in str(refused.value)


@pytest.mark.parametrize("path", ["/pulls/*/reviews", "/commits/*/pulls", "/memberships/*"])
def test_require_approval__github_fails(fake, path):
    fake.review(fake.pull("topic", user="octocat"), "ada")
    fake.fail("GET", path, kind="status", status=500)
    with pytest.raises(OutsideError):
        decide(fake, "octo-org/risk", token=MEMBERS)


def test_require_approval__author_whom_github_does_not_know(fake):
    fake.state.remove("emails", fake.state.one("emails", login="octocat"))
    fake.review(fake.pull("topic", user="octocat"), "ada")
    assert "who may be a reviewer" in decide(fake, "ada").why


@pytest.mark.parametrize(
    ("build", "here", "why"),
    [
        (BuildCommit(commit=None), None, "made outside of git"),
        (BuildCommit(commit=HEAD, dirty=True), None, "uncommitted changes"),
        (BuildCommit(commit=HEAD), OLD, f"this promotion runs at {OLD}"),
    ],
)
def test_require_approval__build_that_no_review_covers(fake, build, here, why):
    assert why in decide(fake, "ada", build=build, here=here).why


def test_require_approval__commit_without_a_pull_request(fake):
    assert "no pull request has" in decide(fake, "ada", build=BuildCommit(commit=fake.sha("main"))).why


def test_promote__after_an_approval(tmp_path, monkeypatch):
    """A merged pull request is promoted only with an approval, which the ledger and the card show."""
    folder = tmp_path / "checkout"
    first = {**files(2), ".gitignore": IGNORED, "preds.csv": predictions(2)}
    first["mlci.yml"] = config(baseline="production", more="require_approval: [grace]\n", **BY_FILE)
    commit(init(folder), first)
    start_branch(folder, "change")
    commit(folder, {"preds.csv": predictions(1)})
    git(tmp_path, "clone", "--quiet", "--bare", "checkout", "model.git")
    with Fake(tmp_path / "model.git") as fake:
        fake.email(git(folder, "log", "-1", "--format=%ae"), "octocat")
        number = fake.pull("change", user="octocat")
        requests.put(
            f"{fake.url}/repos/{fake.name}/pulls/{number}/merge",
            json={},
            headers={"Authorization": f"Bearer {fake.token({'contents': 'write'})}", "User-Agent": "test"},
            timeout=10,
        ).raise_for_status()
        git(folder, "fetch", "--quiet", str(tmp_path / "model.git"), "main")
        git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        assert mlci("run", cwd=folder).code == 0
        token = fake.token({"contents": "read", "pull-requests": "read"})
        environment = {"GITHUB_REPOSITORY": fake.name, "GITHUB_API_URL": fake.url, "MLCI_TOKEN": token}
        assert "`require_approval` needs a repository and a token" in mlci("promote", cwd=folder).err
        refused = mlci("promote", cwd=folder, **environment)
        assert refused.code == 1
        assert "not promoted: pull request 1 has no approval of `grace`" in refused.out
        fake.review(number, "grace")
        fake.fail("GET", "/pulls/*/reviews", kind="drop")
        monkeypatch.setattr(retry, "POLICY", replace(retry.POLICY, sleep=lambda _: None))
        done = mlci("--log", "json", "promote", cwd=folder, **environment)
        assert done.code == 0, done.err
    events = [json.loads(line) for line in done.err.splitlines()]
    reviews = f"/repos/{fake.name}/pulls/{number}/reviews"
    assert [one.get("status") for one in events if one.get("path") == reviews] == [None, 200]
    assert [one["service"] for one in events if one["event"] == "request_delayed"] == ["github"]
    entry = json.loads(mlci("show", "--json", cwd=folder).out)["entry"]
    assert entry["body"]["approval"]["by"] == [{"login": "grace", "counts_as": "grace"}]
    assert "grace for grace, pull request 1 at" in mlci("card", cwd=folder).out
    assert mlci("ledger", "verify", "--files", cwd=folder).code == 0
