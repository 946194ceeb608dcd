"""Identity of a training run: which commit and pull request its predictions are for, by GitHub's API alone.

Nothing of the event's payload is believed but the run's number, because everything else can be asked. The list
``workflow_run.pull_requests`` is empty for forks, so the pull request is found by the head's repository, branch and
commit. Only pull requests into the default branch are judged: an author could open one into a branch whose
configuration has weaker limits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlci.sealed.artifact import UntrustedArtifactError
from mlci.sealed.facts import PullRequest, RunArtifact, WorkflowRun
from mlci.util.bounds import ARTIFACT_BYTES

TRAIN_WORKFLOW = ".github/workflows/mlci-train.yml"
QUEUE = "gh-readonly-queue/"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_EVENTS = ("pull_request", "merge_group")


@dataclass(frozen=True, kw_only=True)
class VerifiedHead:
    """A commit to publish about, and the training run on it.

    Attributes:
        run: The run.
        head: The commit.
        pull: The pull request with that head; ``None`` for a merge group.
        branch: The pull request's branch, if it is one of this repository.
    """

    run: WorkflowRun
    head: str
    pull: int | None
    branch: str | None = None


@dataclass(frozen=True, kw_only=True)
class RefusedHead:
    """A commit of a pull request that is not judged; its check fails.

    Attributes:
        head: The commit.
        pull: The pull request.
        why: The reason.
        remedy: What to do about it.
    """

    head: VerifiedHead
    why: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class SupersededHead:
    """A commit that is no longer the head of its pull request; only its own check is concluded.

    Attributes:
        head: The commit, without the pull request.
        current: The new head.
        pull: The pull request.
    """

    head: VerifiedHead
    current: str
    pull: int


@dataclass(frozen=True, kw_only=True)
class UnverifiedRun:
    """A run about which nothing is published, because it is not known to be about a pull request of this repository.

    Attributes:
        why: The reason.
        expected: Whether that happens in ordinary work, such as after a pull request was closed.
    """

    why: str
    expected: bool = False


@dataclass(frozen=True, kw_only=True)
class HomeRepository:
    """The repository whose default branch holds the configuration.

    Attributes:
        name: ``owner/name``.
        default_branch: Its default branch.
        private: Whether only some people can read it.
        train_workflow: Path of the workflow that trains.
    """

    name: str
    default_branch: str
    private: bool = False
    train_workflow: str = TRAIN_WORKFLOW


Identity = VerifiedHead | RefusedHead | SupersededHead | UnverifiedRun


def check_run(run: WorkflowRun, home: HomeRepository) -> UnverifiedRun | None:
    """Check that a run is one of the workflow that trains, in this repository; ``None`` if it is."""
    if not _same(run.repository, home.name):
        return UnverifiedRun(why=f"run {run.id} belongs to {run.repository}, not to {home.name}")
    if run.path.partition("@")[0] != home.train_workflow:
        return UnverifiedRun(why=f"run {run.id} is of {run.path!r}, not of {home.train_workflow!r}")
    if run.event not in _EVENTS:
        expected = " or ".join(f"`{one}`" for one in _EVENTS)
        return UnverifiedRun(why=f"run {run.id} was started by `{run.event}`; sealed mode judges {expected}")
    if run.head_repository is None:
        return UnverifiedRun(why=f"the repository of the head of run {run.id} no longer exists", expected=True)
    return None


def identify_head(run: WorkflowRun, pulls: Sequence[PullRequest], home: HomeRepository) -> Identity:
    """Return the commit and the pull request of a checked run.

    Args:
        run: The run; :func:`check_run` found nothing wrong.
        pulls: Open pull requests from the run's owner and branch, as the API lists them; none for a merge group.
        home: This repository.
    """
    if run.event == "merge_group":
        return _merge_group(run, home)
    own = _same(run.head_repository, home.name)
    mine = [one for one in pulls if _is_from(one, run, home)]
    into = [one for one in mine if one.base_branch == home.default_branch]
    here = [one for one in into if one.head_sha == run.head_sha]
    if here:
        return VerifiedHead(run=run, head=run.head_sha, pull=here[0].number, branch=run.head_branch if own else None)
    if into:
        alone = VerifiedHead(run=run, head=run.head_sha, pull=None)
        return SupersededHead(head=alone, current=into[0].head_sha, pull=into[0].number)
    elsewhere = [one for one in mine if one.head_sha == run.head_sha]
    if elsewhere:
        return _other_base(run, elsewhere[0], home)
    where = f"{run.head_repository}:{run.head_branch}"
    why = f"no open pull request of {where} into {home.default_branch} has the head {run.head_sha[:7]}"
    return UnverifiedRun(why=why, expected=True)


def _is_from(pull: PullRequest, run: WorkflowRun, home: HomeRepository) -> bool:
    """Whether a pull request is from the run's repository and branch into this repository."""
    return (
        _same(pull.base_repository, home.name)
        and _same(pull.head_repository, run.head_repository)
        and pull.head_branch == run.head_branch
    )


def _merge_group(run: WorkflowRun, home: HomeRepository) -> Identity:
    queue = f"{QUEUE}{home.default_branch}/"
    if not _same(run.head_repository, home.name) or not run.head_branch.startswith(queue):
        why = f"run {run.id} of a merge group is on {run.head_branch!r}, not on a branch {queue}… of {home.name}"
        return UnverifiedRun(why=why)
    return VerifiedHead(run=run, head=run.head_sha, pull=None)


def _other_base(run: WorkflowRun, pull: PullRequest, home: HomeRepository) -> RefusedHead:
    head = VerifiedHead(run=run, head=run.head_sha, pull=pull.number)
    why = f"the pull request is into {pull.base_branch!r}, and the limits are those of {home.default_branch!r}"
    remedy = f"change its base to {home.default_branch!r}, or judge that branch with a workflow of its own"
    return RefusedHead(head=head, why=why, remedy=remedy)


def choose_artifact(artifacts: Sequence[RunArtifact], run: WorkflowRun, name: str) -> RunArtifact:
    """Return the one artifact of a name that the run's latest attempt uploaded.

    Raises:
        UntrustedArtifactError: if there is none or more than one, or it can't be verified.
    """
    named = [one for one in artifacts if one.name == name and one.run == run.id and one.head_sha == run.head_sha]
    if not _TIME.fullmatch(run.started):
        raise UntrustedArtifactError("GitHub does not say when the training run started")
    current = [one for one in named if _TIME.fullmatch(one.created) and one.created >= run.started]
    if not current:
        earlier = f"; one of an earlier attempt than {run.attempt} does not count" if named else ""
        raise UntrustedArtifactError(f"the training run uploaded no artifact {name!r}{earlier}")
    if len(current) > 1:
        raise UntrustedArtifactError(f"the training run uploaded {len(current)} artifacts {name!r}")
    found = current[0]
    if found.expired:
        raise UntrustedArtifactError(f"the artifact {name!r} has expired", "run the training workflow again")
    if found.size > ARTIFACT_BYTES.value:
        raise UntrustedArtifactError(f"it has {found.size:,} bytes, and {ARTIFACT_BYTES} are the most")
    if found.digest is None or not _DIGEST.fullmatch(found.digest):
        raise UntrustedArtifactError(
            f"GitHub has no SHA-256 of the artifact {name!r}", "upload it with actions/upload-artifact v4 or newer"
        )
    return found


def _same(one: str | None, other: str | None) -> bool:
    """Whether two repositories are one; GitHub's names do not depend on case."""
    return one is not None and other is not None and one.lower() == other.lower()
