"""Roles, pull requests, comments, reactions and reruns: what answering a comment's command needs of GitHub's API."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from mlci.github.coauthors import coauthor_addresses
from mlci.github.file_transfer import FileDownload
from mlci.github.interface import NotThere, PermissionRefused
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.github.retry import POLICY, Request, RetryingClient
from mlci.github.transport import Send
from mlci.util.bounds import REPORT_ARTIFACT_BYTES
from mlci.util.retry_policy import RetryPolicy

T = TypeVar("T")
Reaction = Literal["eyes", "+1", "-1"]
LISTED_COMMITS = 250
"""Most commits of a pull request that GitHub lists ("List commits on a pull request" in its documentation)."""
GITHUB_COMMITTER = "web-flow"
"""Committer of commits that a person makes in the browser; their author is that person."""
_PAGE = 100


class _User(Form):
    login: str | None = None


class _Permission(Form):
    permission: str
    role_name: str | None = None


class _Head(Form):
    sha: str


class _Pull(Form):
    number: int
    state: str
    user: _User | None = None
    head: _Head
    commits: int
    merged: bool
    merge_commit_sha: str | None = None


class _Signature(Form):
    email: str | None = None


class _CommitText(Form):
    message: str
    author: _Signature | None = None


class _Commit(Form):
    sha: str
    commit: _CommitText
    author: _User | None = None
    committer: _User | None = None


class _ListedPull(Form):
    number: int
    head: _Head


class _Comment(Form):
    id: int
    body: str
    user: _User | None = None


class ListedRun(Form):
    """A workflow run; ``conclusion`` is ``None`` until it has completed."""

    id: int
    status: str | None
    conclusion: str | None = None
    path: str
    head_sha: str
    event: str


class CheckLink(Form):
    """A check run with the run that made it, as its maker wrote it; neither is believed."""

    id: int
    external_id: str | None = None
    details_url: str | None = None


class _CheckLinks(Form):
    check_runs: list[CheckLink]


class _Runs(Form):
    workflow_runs: list[ListedRun]


class ArtifactRef(Form):
    """An artifact of a run."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool


class _Artifacts(Form):
    artifacts: list[ArtifactRef]


@dataclass(frozen=True, kw_only=True)
class PullFacts:
    """A pull request.

    Attributes:
        number: Its number.
        author: Login of its author; ``None`` for a deleted account.
        head: Its head commit.
        is_open: Whether it is open.
        merged_as: The commit that it was merged as; ``None`` unless it was merged.
        commits: Number of its commits.
    """

    number: int
    author: str | None
    head: str
    is_open: bool
    merged_as: str | None
    commits: int


@dataclass(frozen=True, kw_only=True)
class CommitAuthors:
    """A commit with the logins of its author and its committer; ``None`` for one whom GitHub does not know.

    Attributes:
        sha: The commit.
        author: Login of its author.
        committer: Login of its committer.
        address: The author's address.
        coauthors: Addresses of those whom its message names as co-authors.
    """

    sha: str
    author: str | None
    committer: str | None
    address: str | None = None
    coauthors: tuple[str, ...] = ()


class Collaboration:
    """GitHub for one repository and one command."""

    def __init__(self, send: Send, *, repository: str, patience: RetryPolicy | None = None) -> None:
        """Take a repository, ``owner/name``."""
        self._repository = RepositoryClient(send, name=repository, patience=patience, permission="pull-requests")
        self._asker = RetryingClient(send, patience or POLICY)
        self._root = f"/repos/{quote(repository)}"

    def role(self, login: str) -> str | None:
        """Return a user's role on the repository, such as ``maintain``; ``None`` for a user who does not exist."""
        path = f"/collaborators/{quote(login, safe='')}/permission"
        found = self._repository.get(path, form_reader(_Permission), doing=f"read the role of {login}")
        return None if found is None else found.role_name or found.permission

    def pull_request(self, number: int) -> PullFacts | None:
        """Return a pull request; ``None`` if it does not exist."""
        found = self._repository.get(f"/pulls/{number}", form_reader(_Pull), doing=f"read pull request {number}")
        if found is None:
            return None
        return PullFacts(
            number=found.number,
            author=_login(found.user),
            head=found.head.sha,
            is_open=found.state == "open",
            merged_as=found.merge_commit_sha if found.merged else None,
            commits=found.commits,
        )

    def commits(self, number: int) -> tuple[CommitAuthors, ...]:
        """Return the commits of a pull request, at most :data:`LISTED_COMMITS`."""
        read, doing = form_reader(list[_Commit]), f"list the commits of pull request {number}"
        return tuple(map(_authors, self._repository.get_pages(f"/pulls/{number}/commits", read, doing=doing)))

    def commit(self, sha: str) -> CommitAuthors | None:
        """Return a commit; ``None`` if it does not exist."""
        found = self._repository.get(f"/commits/{sha}", form_reader(_Commit), doing=f"read commit {sha[:7]}")
        return None if found is None else _authors(found)

    def pulls_of(self, sha: str) -> tuple[int, ...]:
        """Return the numbers of the pull requests that contain a commit or were merged as it.

        GitHub's list of a commit's pull requests may lack those of forks, so the heads of all open ones are compared.
        """
        read, doing = form_reader(list[_ListedPull]), f"list the pull requests of commit {sha[:7]}"
        found = self._repository.get_pages(f"/commits/{sha}/pulls", read, doing=doing)
        found += [one for one in self._repository.get_pages("/pulls", read, doing=doing) if one.head.sha == sha]
        return tuple(sorted({one.number for one in found}))

    def login(self) -> str | None:
        """Return the token's login; ``None`` for a token that does not belong to a user."""
        ask = Request(verb="GET", path="/user", permission="contents", doing="read the token's login", parameters={})
        found = self._asker.ask(ask, form_reader(_User))
        return None if isinstance(found, PermissionRefused | NotThere) else found.login

    def comment_text(self, number: int) -> tuple[str | None, str] | None:
        """Return author and text of a comment; ``None`` if it does not exist."""
        path = f"/issues/comments/{number}"
        found = self._repository.get(path, form_reader(_Comment), doing=f"read comment {number}")
        return None if found is None else (_login(found.user), found.body)

    def react(self, comment: int, reaction: Reaction) -> bool:
        """React to a comment, once; return whether the token may."""
        return not isinstance(
            self._post(f"/issues/comments/{comment}/reactions", "react to the comment", {"content": reaction}),
            PermissionRefused | NotThere,
        )

    def checks(self, sha: str, name: str) -> list[CheckLink]:
        """Return the newest check runs of a name on a commit, newest first."""
        found = self._repository.get(
            f"/commits/{sha}/check-runs",
            form_reader(_CheckLinks),
            doing=f"list the checks of commit {sha[:7]}",
            parameters={"check_name": name, "filter": "all", "per_page": _PAGE},
        )
        return sorted([] if found is None else found.check_runs, key=lambda one: -one.id)

    def run(self, number: int) -> ListedRun | None:
        """Return a workflow run; ``None`` if it does not exist."""
        return self._repository.get(f"/actions/runs/{number}", form_reader(ListedRun), doing=f"read run {number}")

    def runs_of(self, sha: str) -> list[ListedRun]:
        """Return the newest workflow runs of a commit."""
        found = self._repository.get(
            "/actions/runs",
            form_reader(_Runs),
            doing=f"list the runs of commit {sha[:7]}",
            parameters={"head_sha": sha, "per_page": _PAGE},
        )
        return [] if found is None else found.workflow_runs

    def rerun(self, run: ListedRun) -> str | None:
        """Run a run's failed jobs again, or all jobs of one without; return GitHub's reason if it refuses."""
        which = "rerun-failed-jobs" if run.conclusion == "failure" else "rerun"
        found = self._post(f"/actions/runs/{run.id}/{which}", f"run {run.id} again", {})
        match found:
            case PermissionRefused(message=message):
                return message
            case NotThere():
                return f"run {run.id} does not exist, or the token does not reach it"
            case _:
                return None

    def artifacts(self, run: int) -> list[ArtifactRef]:
        """Return the newest artifacts of a run."""
        path = f"/actions/runs/{run}/artifacts"
        doing = f"list the artifacts of run {run}"
        found = self._repository.get(path, form_reader(_Artifacts), doing=doing, parameters={"per_page": _PAGE})
        return [] if found is None else found.artifacts

    def download(self, artifact: ArtifactRef, target: Path) -> bool:
        """Write an artifact's archive to a file; return whether there is one that is small enough."""
        if artifact.expired or artifact.size_in_bytes > REPORT_ARTIFACT_BYTES.value:
            return False
        body, path = (
            FileDownload(target=target, most=REPORT_ARTIFACT_BYTES.value),
            f"/actions/artifacts/{artifact.id}/zip",
        )
        doing = f"download the artifact {artifact.id}"
        return self._repository.get(path, lambda _: True, doing=doing, body=body) is not None

    def _post(self, path: str, doing: str, body: object) -> object:
        ask = Request(
            verb="POST", path=self._root + path, permission="pull-requests", doing=doing, parameters={}, body=body
        )
        taken: Callable[[object], bool] = lambda _: True  # noqa: E731 - the answer's content does not matter
        return self._asker.ask(ask, taken)


def _login(user: _User | None) -> str | None:
    return None if user is None else user.login


def _authors(found: _Commit) -> CommitAuthors:
    by = found.commit.author
    return CommitAuthors(
        sha=found.sha,
        author=_login(found.author),
        committer=_login(found.committer),
        address=None if by is None else by.email,
        coauthors=coauthor_addresses(found.commit.message),
    )
