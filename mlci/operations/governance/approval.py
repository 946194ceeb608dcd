"""Require an approval before a promotion: reviews of the pull request that a commit was merged from."""

from collections.abc import Sequence

from mlci.commands.rules import unknown_author
from mlci.github.collaboration import Collaboration, PullFacts
from mlci.github.reviews import Reviews
from mlci.governance.approvals import (
    ApprovalRefused,
    ApprovingReviewers,
    BuildCommit,
    ReviewFacts,
    approving_reviewers,
    missing_approval,
)
from mlci.operations.commands.waive import facts_of_pull
from mlci.registry.entry_kinds import ApprovalRecord, Reviewer


def require_approval(
    build: BuildCommit, required: Sequence[str], collaboration: Collaboration, reviews: Reviews, *, here: str | None
) -> ApprovalRecord | ApprovalRefused:
    """Return the approvals of the pull request that a commit was merged from.

    Args:
        build: What the bundle was made from.
        required: Logins, and teams as ``owner/slug``, of whom one has to approve.
        collaboration: Pull requests of the repository.
        reviews: Reviews of the repository, and teams.
        here: Commit of the checkout in which the promotion runs.

    Raises:
        OutsideError: if GitHub failed, or does not show a team to the token: then nothing is promoted.
    """
    if (why := _unreviewable(build, here)) is not None or build.commit is None:
        return ApprovalRefused(f"`require_approval` is set, and {why}")
    pull = _find_pull(collaboration, build.commit)
    if pull is None:
        return ApprovalRefused(
            f"`require_approval` is set, and no pull request has {build.commit} as its merge or head"
        )
    change = facts_of_pull(collaboration, pull.number)
    doubt = "its authors are not known" if change is None else unknown_author(change, "a reviewer")
    if change is None or doubt is not None:
        return ApprovalRefused(f"the approvals of pull request {pull.number} do not count: {doubt}")
    listed = [ReviewFacts(login=one.login, state=one.state, commit=one.commit) for one in reviews.reviews(pull.number)
              if one.login is not None]  # fmt: skip
    found = approving_reviewers(listed, head=pull.head, authors=change.authors)
    counted = [(login, _required_name(reviews, login, required)) for login in found.logins]
    return _conclude(pull, required, found, counted)


def _unreviewable(build: BuildCommit, here: str | None) -> str | None:
    if build.commit is None:
        return "the bundle was made outside of git, so no review covers it"
    if build.dirty:
        return "the bundle was made from a checkout with uncommitted changes, which no review covers"
    if here is not None and here != build.commit:
        return f"the bundle was made from {build.commit}, and this promotion runs at {here}; promote its own bundle"
    return None


def _find_pull(collaboration: Collaboration, commit: str) -> PullFacts | None:
    """Return the pull request that was merged as a commit, or else the one whose head it is."""
    pulls = [collaboration.pull_request(number) for number in collaboration.pulls_of(commit)]
    found = [pull for pull in pulls if pull is not None]
    merged = [pull for pull in found if pull.merged_as == commit]
    return next(iter([*merged, *(pull for pull in found if pull.head == commit)]), None)


def _required_name(reviews: Reviews, login: str, required: Sequence[str]) -> str | None:
    """Return the entry that a reviewer fulfils, people first: they need no request."""
    if person := next((name for name in required if name.casefold() == login.casefold()), None):
        return person
    return next((name for name in required if "/" in name and reviews.is_member(name, login)), None)


def _conclude(
    pull: PullFacts, required: Sequence[str], found: ApprovingReviewers, counted: Sequence[tuple[str, str | None]]
) -> ApprovalRecord | ApprovalRefused:
    by = tuple(Reviewer(login=login, counts_as=name) for login, name in counted if name is not None)
    if by:
        return ApprovalRecord(pull=pull.number, head=pull.head, by=by[:50])
    outside = [login for login, name in counted if name is None]
    return ApprovalRefused(missing_approval(pull.number, required, found, outside))
