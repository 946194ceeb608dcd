"""Facts from GitHub's API about a training run, its pull request and its artifacts; all of them are bounded text."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WorkflowRun:
    """A workflow run, in its latest attempt.

    Attributes:
        id, attempt: Its number, and that of the latest attempt.
        repository: Repository that it ran in, ``owner/name``.
        path: Path of the workflow file.
        event: Event that started it.
        status, conclusion: ``completed`` and others; the conclusion is ``None`` until then.
        head_repository, head_owner: Repository of the commit, and its owner; ``None`` if it was deleted.
        head_branch, head_sha: Branch and commit.
        started: Start of the latest attempt, in UTC as ``2026-05-01T10:00:00Z``.
        url: Its page.
    """

    id: int
    attempt: int
    repository: str
    path: str
    event: str
    status: str
    conclusion: str | None
    head_repository: str | None
    head_owner: str | None
    head_branch: str
    head_sha: str
    started: str
    url: str


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """An open pull request.

    Attributes:
        number: Its number.
        head_repository, head_branch, head_sha: Its head; the repository is ``None`` if it was deleted.
        base_repository, base_branch: Its base.
    """

    number: int
    head_repository: str | None
    head_branch: str
    head_sha: str
    base_repository: str
    base_branch: str


@dataclass(frozen=True, kw_only=True)
class RunArtifact:
    """An artifact of a workflow run.

    Attributes:
        id, name: Its number and name.
        size: Bytes of its archive.
        expired: Whether GitHub deleted its content.
        created: When it was uploaded, as ``WorkflowRun.started``.
        digest: ``sha256:…`` of its archive; ``None`` if GitHub has none.
        run, head_sha: The run that it belongs to, and that run's commit.
    """

    id: int
    name: str
    size: int
    expired: bool
    created: str
    digest: str | None
    run: int
    head_sha: str


@dataclass(frozen=True, kw_only=True)
class PullFile:
    """A file that a pull request changes.

    Attributes:
        path: Its path.
        former: Its former path, if it was renamed.
    """

    path: str
    former: str | None = None


@dataclass(frozen=True, kw_only=True)
class PullFiles:
    """The files that a pull request changes.

    Attributes:
        files: Those that GitHub lists.
        unlisted: How many more it counts.
    """

    files: tuple[PullFile, ...]
    unlisted: int = 0
