"""Give a waiver: ask GitHub for the role and the authors, look the gate up, and append to the ledger."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from mlci.commands import rules
from mlci.commands.grammar import WaiveCommand
from mlci.commands.rules import ChangeFacts
from mlci.config.models import Config
from mlci.gates.waivers import accepted_number
from mlci.github.coauthors import noreply_login
from mlci.github.collaboration import GITHUB_COMMITTER, LISTED_COMMITS, Collaboration, CommitAuthors, PullFacts
from mlci.operations.registry.waivers import record_waiver
from mlci.registry.entry_kinds import WaiverRecord
from mlci.registry.registry import Registry
from mlci.report.document import Report
from mlci.report.text.escape import plain_text

MOST_DAYS = 366
"""Days after which a waiver ends at the latest."""


@dataclass(frozen=True, kw_only=True)
class WaiverRequest:
    """A waiver that a person asks for.

    Attributes:
        command: Gate, commit, reason, end.
        person: Login of the person, by GitHub.
        pull: Number of the pull request, if there is one.
        comment: Id of the comment, if there is one.
    """

    command: WaiveCommand
    person: str
    pull: int | None = None
    comment: int | None = None


@dataclass(frozen=True)
class WaiverRefused:
    """A waiver that was not given, with the reason for the person who asked for it."""

    why: str


@dataclass(frozen=True, kw_only=True)
class WaiverGiven:
    """A waiver in the ledger.

    Attributes:
        record: The waiver.
        entry: Number of its entry; ``None`` if the ledger had it already.
    """

    record: WaiverRecord
    entry: int | None


def give_waiver(
    asked: WaiverRequest,
    github: Collaboration,
    *,
    config: Config,
    report: Report,
    registry: Callable[[], Registry],
    today: str,
) -> WaiverGiven | WaiverRefused:
    """Record a waiver, unless a rule is against it.

    Args:
        asked: The request.
        github: GitHub, with a token that reads the repository.
        config: The configuration of the default branch, or of this checkout.
        report: The report of the commit, whose number is accepted.
        registry: Opens the registry for writing.
        today: The day in UTC.

    Raises:
        InputError: if the commit has too many waivers.
        OutsideError: if GitHub or the registry failed.
    """
    command = asked.command
    if config.baseline != "production":
        return WaiverRefused(f"this configuration compares with no version of a registry. {rules.REGISTRY_REMEDY}")
    role = github.role(asked.person)
    why = rules.role_refusal(asked.person, role, rules.MAINTAINERS) or _refusal(asked, github, today=today)
    why, row = why or rules.gate_refusal(command.gate, report), rules.find_gate(command.gate, report)
    if why is not None or row is None:
        return WaiverRefused(why or "")
    seen = accepted_number(row.limit, value=row.value, interval=row.interval, candidate=row.candidate)
    if seen is None and not row.test:
        return WaiverRefused(f"the report shows no number of `{plain_text(row.id)}` that a person could accept")
    bound = None if seen is None or row.test else seen
    record = WaiverRecord(
        gate=command.gate,
        head=command.head,
        person=asked.person,
        role=role or "",
        reason=command.reason,
        until=command.until,
        pull=asked.pull,
        comment=asked.comment,
        accepted=None if bound is None else bound.of,
        worst=None if bound is None else bound.worst,
    )
    entry = record_waiver(registry(), record)
    return WaiverGiven(record=record, entry=entry.number if entry is not None else None)


def _refusal(asked: WaiverRequest, github: Collaboration, *, today: str) -> str | None:
    head = asked.command.head
    change = facts_of_pull(github, asked.pull) if asked.pull is not None else facts_of_commit(github, head)
    if change is None:
        return f"GitHub has no commit {head} in this repository"
    latest = (date.fromisoformat(today) + timedelta(days=MOST_DAYS)).isoformat()
    return rules.waiver_refusal(asked.command, asked.person, change, today=today, latest=latest)


def facts_of_pull(github: Collaboration, number: int) -> ChangeFacts | None:
    """Return head and authors of a pull request, and of every other one of its head; ``None`` if it does not exist."""
    pull = github.pull_request(number)
    return None if pull is None else facts_of_commit(github, pull.head, also=(number,))


def facts_of_commit(github: Collaboration, sha: str, *, also: tuple[int, ...] = ()) -> ChangeFacts | None:
    """Return the authors of a commit and of the pull requests that it belongs to; ``None`` if it does not exist."""
    commit = github.commit(sha)
    if commit is None or commit.sha != sha:
        return None
    numbers = sorted({*github.pulls_of(sha), *also})
    pulls = tuple(pull for number in numbers if (pull := github.pull_request(number)) is not None)
    return _facts(sha, pulls, (commit, *(one for number in numbers for one in github.commits(number))))


def _facts(head: str, pulls: tuple[PullFacts, ...], commits: tuple[CommitAuthors, ...]) -> ChangeFacts:
    committers = [one.committer for one in commits if one.committer != GITHUB_COMMITTER]
    coauthors = [(one.sha, login) for one in commits for login in _coauthors(one, commits)]
    known = [*(pull.author for pull in pulls), *(one.author for one in commits), *committers]
    unknown = [one.sha for one in commits if one.author is None or one.committer is None]
    listed = len({one.sha for one in commits})
    return ChangeFacts(
        head=head,
        authors=frozenset(one for one in (*known, *(login for _, login in coauthors)) if one is not None),
        unknown=tuple(unknown),
        unresolved=tuple(sha for sha, login in coauthors if login is None),
        whole=all(pull.commits <= min(listed, LISTED_COMMITS) for pull in pulls),
    )


def _coauthors(commit: CommitAuthors, commits: tuple[CommitAuthors, ...]) -> Iterator[str | None]:
    """Yield the login of each co-author; ``None`` for one whose address leads to no account that was listed."""
    accounts = {one.address.casefold(): one.author for one in commits if one.address is not None}
    for address in commit.coauthors:
        yield noreply_login(address) or accounts.get(address.casefold())
