"""Which reviews of a pull request are approvals of its head, and why the rest is not. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mlci.registry.entry_kinds import ApprovalRecord

_DECISIVE = {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}


@dataclass(frozen=True)
class ApprovalRefused:
    """No approval, with the reason."""

    why: str


@dataclass(frozen=True, kw_only=True)
class BuildCommit:
    """The commit that a bundle was made from.

    Attributes:
        commit: Full hash; ``None`` outside of a repository.
        dirty: Whether the checkout had uncommitted changes.
    """

    commit: str | None
    dirty: bool = False


ApprovalCheck = Callable[[BuildCommit], ApprovalRecord | ApprovalRefused]
"""Finds the approval of what a bundle was made from."""


@dataclass(frozen=True, kw_only=True)
class ReviewFacts:
    """A review by GitHub's API.

    Attributes:
        login: Login of the reviewer.
        state: Its state, such as ``APPROVED``.
        commit: The commit that was reviewed.
    """

    login: str
    state: str
    commit: str | None


@dataclass(frozen=True, kw_only=True)
class ApprovingReviewers:
    """Reviewers whose newest decision approves the head commit, and the reasons against the other ones.

    Attributes:
        logins: The reviewers.
        against: For each other approval, why it does not count.
    """

    logins: tuple[str, ...]
    against: tuple[str, ...]


def approving_reviewers(reviews: Iterable[ReviewFacts], *, head: str, authors: Iterable[str]) -> ApprovingReviewers:
    """Return who approves the head commit.

    The newest review of a person that approves, requests changes or was dismissed decides; comments change nothing.

    Args:
        reviews: Reviews, oldest first.
        head: Head commit of the pull request.
        authors: Logins of the authors of the change, whose approvals do not count.
    """
    newest = {one.login.casefold(): one for one in reviews if one.state in _DECISIVE}
    made = {one.casefold() for one in authors}
    refused = [(one, _why_not(one, head, made)) for one in newest.values()]
    return ApprovingReviewers(
        logins=tuple(one.login for one, why in refused if why is None),
        against=tuple(f"{one.login} {why}" for one, why in refused if why is not None),
    )


def _why_not(review: ReviewFacts, head: str, authors: set[str]) -> str | None:
    if review.state == "DISMISSED":
        return "approved, and the review was dismissed"
    if review.state == "CHANGES_REQUESTED":
        return "requested changes"
    if review.login.casefold() in authors:
        return "approved, and is an author of the change"
    if review.commit != head:
        return f"approved {review.commit[:7] if review.commit else 'an older commit'}, which is not the head commit"
    return None


def missing_approval(pull: int, required: Sequence[str], found: ApprovingReviewers, outside: Sequence[str]) -> str:
    """Return why a pull request is not approved as required.

    Args:
        pull: Number of the pull request.
        required: Logins and teams of whom one has to approve.
        found: Who approved.
        outside: Reviewers who approved and are none of the required ones.
    """
    names = " or ".join(f"`{name}`" for name in required)
    others = [f"{login} approved, and is none of them" for login in outside]
    reasons = "; ".join([*found.against, *others]) or "no review approves it"
    return (
        f"pull request {pull} has no approval of {names} on its head commit ({reasons}). Have one of them approve it, "
        "and run this job again"
    )
