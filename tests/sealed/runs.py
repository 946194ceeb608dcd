"""A training run, as the API shows it."""

from mlci.sealed.facts import WorkflowRun

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
