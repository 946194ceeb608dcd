"""Workflow runs, their artifacts and pull requests by head: what the trusted side of sealed mode reads from GitHub."""

import contextlib
import re
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from mlci.errors import OutsideError
from mlci.github.file_transfer import FileDownload, add_file_transfer
from mlci.github.git_database import GitDatabase
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.github.transport import Access, Answer, transport
from mlci.publish.permissions import Permission
from mlci.sealed.facts import PullFile, PullFiles, PullRequest, RunArtifact, WorkflowRun
from mlci.sealed.identity import HomeRepository
from mlci.util.bounds import ARTIFACT_BYTES, CHANGED_FILES, COMPARED_FILES, LISTED_ARTIFACTS
from mlci.util.retry_policy import RetryPolicy

T = TypeVar("T")
FileChange = Literal["added", "removed", "changed"]
_CHANGES: dict[str, FileChange] = {"added": "added", "copied": "added", "renamed": "added", "removed": "removed"}
_HASH = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")]
_PAGE = 100


class _Owner(Form):
    login: str


class _Repository(Form):
    full_name: str
    owner: _Owner


class _Home(Form):
    full_name: str
    private: bool
    default_branch: str


class _Run(Form):
    id: int
    run_attempt: int
    path: str
    event: str
    status: str
    conclusion: str | None
    repository: _Repository
    head_repository: _Repository | None
    head_branch: str | None
    head_sha: Commit
    run_started_at: str
    html_url: str


class _Side(Form):
    ref: str
    sha: Commit
    repo: _Repository | None


class _Pull(Form):
    number: int
    head: _Side
    base: _Side


class _RunOfArtifact(Form):
    id: int
    head_sha: Commit


class _Artifact(Form):
    id: int
    name: str
    size_in_bytes: int
    expired: bool
    created_at: str | None
    digest: str | None = None
    workflow_run: _RunOfArtifact | None


class _Artifacts(Form):
    artifacts: list[_Artifact]


class _Changed(Form):
    filename: str
    previous_filename: str | None = None


class _Counted(Form):
    changed_files: int


class WorkflowRuns:
    """Read access to the runs, artifacts and pull requests of one repository."""

    def __init__(self, access: Access, *, repository: str, patience: RetryPolicy | None = None) -> None:
        """Take a repository, ``owner/name``."""
        send = add_file_transfer(access, transport(access))

        def client(permission: Permission) -> RepositoryClient:
            return RepositoryClient(send, name=repository, patience=patience, permission=permission)

        self.repository = repository
        self._actions, self._pulls, self._home = client("actions"), client("pull-requests"), client("contents")

    @property
    def requests(self) -> int:
        """Number of requests so far."""
        return self._actions.requests + self._pulls.requests + self._home.requests

    def home(self, train_workflow: str) -> HomeRepository:
        """Return the repository and its default branch.

        Raises:
            OutsideError: if the repository can't be read.
        """
        answer = self._home.get("", form_reader(_Home), doing=f"read {self.repository}")
        found = _there(answer, f"the repository {self.repository}")
        return HomeRepository(
            name=found.full_name,
            default_branch=found.default_branch,
            private=found.private,
            train_workflow=train_workflow,
        )

    def run(self, number: int) -> WorkflowRun:
        """Return a workflow run in its latest attempt.

        Raises:
            OutsideError: if it does not exist in this repository.
        """
        doing = f"read workflow run {number}"
        found = _there(self._actions.get(f"/actions/runs/{number}", form_reader(_Run), doing=doing), f"run {number}")
        head = found.head_repository
        return WorkflowRun(
            id=found.id,
            attempt=found.run_attempt,
            repository=found.repository.full_name,
            path=found.path,
            event=found.event,
            status=found.status,
            conclusion=found.conclusion,
            head_repository=head.full_name if head else None,
            head_owner=head.owner.login if head else None,
            head_branch=found.head_branch or "",
            head_sha=found.head_sha,
            started=found.run_started_at,
            url=found.html_url,
        )

    def pulls_from(self, owner: str, branch: str) -> tuple[PullRequest, ...]:
        """Return the open pull requests from an owner's branch, into any branch; at most 100."""
        parameters = {"state": "open", "head": f"{owner}:{branch}", "per_page": _PAGE}
        doing = f"list the pull requests of {owner}:{branch}"
        found = self._pulls.get("/pulls", form_reader(list[_Pull]), doing=doing, parameters=parameters)
        return tuple(_pull(one) for one in found or ())

    def artifacts(self, run: int, name: str) -> tuple[RunArtifact, ...]:
        """Return a run's artifacts of a name, of all attempts.

        Raises:
            OutsideError: if there are too many of them to list.
        """
        found: list[_Artifact] = []
        for page in range(1, LISTED_ARTIFACTS.value // _PAGE + 1):
            parameters = {"name": name, "per_page": _PAGE, "page": page}
            path, doing = f"/actions/runs/{run}/artifacts", f"list the artifacts of run {run}"
            answer = self._actions.get(path, form_reader(_Artifacts), doing=doing, parameters=parameters)
            listed = answer.artifacts if answer else []
            found += listed
            if len(listed) < _PAGE:
                return tuple(_artifact(one) for one in found if one.workflow_run is not None)
        raise OutsideError(f"run {run} has more than {LISTED_ARTIFACTS} named {name!r}")

    def download(self, artifact: RunArtifact, target: Path) -> None:
        """Write an artifact's archive to a file, within its bound.

        Raises:
            OutsideError: if GitHub does not have it, or sends more than the bound.
        """
        self._actions.begin(artifact.size)
        body = FileDownload(target=target, most=ARTIFACT_BYTES.value)
        path, doing = f"/actions/artifacts/{artifact.id}/zip", f"download the artifact {artifact.name}"
        _there(self._actions.get(path, _arrived, doing=doing, body=body), f"the artifact {artifact.name}")

    def changed_files(self, pull: int) -> PullFiles:
        """Return the files that a pull request changes, as many as GitHub lists, and how many it does not list.

        A large change takes GitHub long, and it gives up on some: then too, the files are those that it listed.

        Raises:
            OutsideError: if GitHub does not even count them.
        """
        found: list[_Changed] = []
        complete = False
        self._pulls.begin()
        with contextlib.suppress(OutsideError):
            for page in range(1, CHANGED_FILES.value // _PAGE + 1):
                listed = self._changed_page(pull, page)
                found += listed
                if complete := len(listed) < _PAGE:
                    break
        files = tuple(PullFile(path=one.filename, former=one.previous_filename) for one in found)
        return PullFiles(files=files, unlisted=0 if complete else self._unlisted(pull, len(files)))

    def files_between(self, base: str, head: str) -> dict[str, FileChange] | None:
        """Return, by path, how the files of a commit differ from those of an earlier one.

        It is ``None`` if GitHub does not list them all, or if the second commit does not contain the first.

        Raises:
            OutsideError: if GitHub refused, or did not answer.
        """
        if not (_HASH.fullmatch(base) and _HASH.fullmatch(head)):
            return None
        self._home.begin()
        found = GitDatabase(self._home).compare(base, head)
        if found is None or found.status not in {"ahead", "identical"} or len(found.files) >= COMPARED_FILES.value:
            return None
        names: dict[str, FileChange] = {}
        for file in found.files:
            names[file.filename] = _CHANGES.get(file.status, "changed")
            if file.status == "renamed" and file.previous_filename is not None:
                names[file.previous_filename] = "removed"
        return names

    def _changed_page(self, pull: int, page: int) -> list[_Changed]:
        path, doing = f"/pulls/{pull}/files", f"list the files of pull request {pull}"
        parameters = {"per_page": _PAGE, "page": page}
        return self._pulls.get(path, form_reader(list[_Changed]), doing=doing, parameters=parameters) or []

    def _unlisted(self, pull: int, listed: int) -> int:
        """Return how many changed files were not listed; GitHub counts them all."""
        self._pulls.begin()
        doing = f"count the files of pull request {pull}"
        found = self._pulls.get(f"/pulls/{pull}", form_reader(_Counted), doing=doing)
        return max(0 if found is None else found.changed_files - listed, 0)


def _pull(one: _Pull) -> PullRequest:
    return PullRequest(
        number=one.number,
        head_repository=one.head.repo.full_name if one.head.repo else None,
        head_branch=one.head.ref,
        head_sha=one.head.sha,
        base_repository=one.base.repo.full_name if one.base.repo else "",
        base_branch=one.base.ref,
    )


def _artifact(one: _Artifact) -> RunArtifact:
    run = one.workflow_run
    return RunArtifact(
        id=one.id,
        name=one.name,
        size=one.size_in_bytes,
        expired=one.expired,
        created=one.created_at or "",
        digest=one.digest,
        run=run.id if run else 0,
        head_sha=run.head_sha if run else "",
    )


def _arrived(_answer: Answer) -> bool:
    return True


def _there(found: T | None, what: str) -> T:
    """Return an answer that can't be missing.

    Raises:
        OutsideError: if it is missing.
    """
    if found is None:
        raise OutsideError(f"GitHub has no {what} (404): was it deleted, and does the token reach it?")
    return found
