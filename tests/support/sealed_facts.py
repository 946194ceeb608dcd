"""A training run, its pull request and its artifact, as the API shows them."""

from mlci.sealed.facts import PullRequest, RunArtifact, WorkflowRun
from mlci.sealed.identity import HomeRepository

HEAD = "a" * 40
RUN = WorkflowRun(
    id=7,
    attempt=1,
    repository="Octo-Org/model",
    path=".github/workflows/mlci-train.yml",
    event="pull_request",
    status="completed",
    conclusion="success",
    head_repository="ada/model",
    head_owner="ada",
    head_branch="topic",
    head_sha=HEAD,
    started="2026-05-01T10:00:00Z",
    url="https://github.com/octo-org/model/actions/runs/7",
)
OTHER = "b" * 40
HOME = HomeRepository(name="octo-org/model", default_branch="main")
PULL = PullRequest(
    number=3,
    head_repository="Ada/model",
    head_branch="topic",
    head_sha=HEAD,
    base_repository="octo-org/model",
    base_branch="main",
)
ARTIFACT = RunArtifact(
    id=9,
    name="mlci-sealed-m",
    size=100,
    expired=False,
    created="2026-05-01T10:00:00Z",
    digest=f"sha256:{'0' * 64}",
    run=7,
    head_sha=HEAD,
)
