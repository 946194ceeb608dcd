"""Reviews of pull requests, and members of teams: what requiring an approval needs of GitHub's API."""

from dataclasses import dataclass
from urllib.parse import quote

from mlci.errors import OutsideError
from mlci.github.interface import NotThere
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.github.retry import POLICY, Request, RetryingClient
from mlci.github.transport import Send
from mlci.util.retry_policy import RetryPolicy


class _User(Form):
    login: str


class _Review(Form):
    user: _User | None
    state: str
    commit_id: str | None


class _Membership(Form):
    state: str


class _Team(Form):
    slug: str


@dataclass(frozen=True, kw_only=True)
class PullReview:
    """A review.

    Attributes:
        login: Login of the reviewer; ``None`` for a deleted account.
        state: ``APPROVED``, ``CHANGES_REQUESTED``, ``COMMENTED``, ``DISMISSED`` or ``PENDING``.
        commit: Commit that was reviewed; ``None`` if GitHub no longer has it.
    """

    login: str | None
    state: str
    commit: str | None


class Reviews:
    """Reviews of one repository, and teams of organizations."""

    def __init__(self, send: Send, members: Send, *, repository: str, patience: RetryPolicy | None = None) -> None:
        """Take a repository, ``owner/name``, and a transport whose token may read members."""
        self._repository = RepositoryClient(send, name=repository, patience=patience, permission="pull-requests")
        self._members = RetryingClient(members, patience or POLICY)

    def reviews(self, number: int) -> tuple[PullReview, ...]:
        """Return the reviews of a pull request, oldest first."""
        doing = f"list the reviews of pull request {number}"
        found = self._repository.get_pages(f"/pulls/{number}/reviews", form_reader(list[_Review]), doing=doing)
        return tuple(
            PullReview(login=one.user.login if one.user else None, state=one.state, commit=one.commit_id)
            for one in found
        )

    def is_member(self, team: str, login: str) -> bool:
        """Check if a user is an active member of a team, ``owner/slug``, or of a team below it.

        Raises:
            OutsideError: if GitHub does not show the team to the token, or failed.
        """
        owner, _, slug = team.partition("/")
        at = f"/orgs/{quote(owner, safe='')}/teams/{quote(slug, safe='')}"
        found = self._ask(f"{at}/memberships/{quote(login, safe='')}", _Membership, f"read if {login} is in {team}")
        if isinstance(found, _Membership):
            return found.state == "active"
        if isinstance(found, NotThere) and isinstance(self._ask(at, _Team, f"read the team {team}"), _Team):
            return False
        raise OutsideError(_unseen_team(team))

    def _ask(self, path: str, form: type[Form], doing: str) -> object:
        ask = Request(verb="GET", path=path, permission="contents", doing=doing, parameters={})
        return self._members.ask(ask, form_reader(form))


def _unseen_team(team: str) -> str:
    return (
        f"GitHub does not show the team `{team}` to this token, so nothing is promoted: the name is wrong, or the "
        "token can't read the members of the organization. GITHUB_TOKEN of a workflow never can. Pass a token that "
        "has the organization permission *Members: read-only*:\n\n"
        "    env:\n      MLCI_MEMBERS_TOKEN: ${{ secrets.MEMBERS_TOKEN }}\n\n"
        "or name people instead of the team:\n\n    require_approval: [octocat, hubot]"
    )
