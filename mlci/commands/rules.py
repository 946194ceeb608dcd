"""Roles that commands in comments need, and reasons to refuse a waiver. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from mlci.commands.grammar import (
    CommentCommand,
    ExplainCommand,
    HelpCommand,
    PromoteCommand,
    RerunCommand,
    WaiveCommand,
)
from mlci.report.document import GateRow, Report
from mlci.report.text.escape import plain_text

MAINTAINERS = frozenset({"maintain", "admin"})
WRITERS = MAINTAINERS | {"write"}
TRIAGERS = WRITERS | {"triage"}
_LISTED = 10


@dataclass(frozen=True, kw_only=True)
class ChangeFacts:
    """Facts of a change by GitHub's API.

    Attributes:
        head: Its head commit, or the commit itself.
        authors: Logins of its pull requests' authors, and of the authors, co-authors and committers of its commits.
        unknown: Commits with an author or committer whom GitHub does not know.
        unresolved: Commits with a co-author whose address leads to no account.
        whole: Whether all of its commits were listed.
    """

    head: str
    authors: frozenset[str]
    unknown: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    whole: bool = True


def allowed_roles(command: CommentCommand) -> frozenset[str]:
    """Return the roles on the repository that may give a command."""
    match command:
        case WaiveCommand() | PromoteCommand():
            return MAINTAINERS
        case RerunCommand():
            return WRITERS
        case ExplainCommand() | HelpCommand():
            return TRIAGERS


def role_refusal(person: str, role: str | None, roles: frozenset[str]) -> str | None:
    """Return why a person may not give a command; ``None`` for one who may."""
    if role in roles:
        return None
    needed = ", ".join(f"`{one}`" for one in sorted(roles))
    shown = plain_text(role or "none")
    return f"{plain_text(person)} has the role `{shown}` on this repository, and this command needs one of {needed}"


def head_refusal(command: WaiveCommand, head: str) -> str | None:
    """Return why a waiver of another commit than the head is not given; ``None`` for one of the head."""
    if command.head == head:
        return None
    return f"the head commit is {head}, and a waiver is for one commit: read its report, and copy its line"


def waiver_refusal(command: WaiveCommand, person: str, change: ChangeFacts, *, today: str, latest: str) -> str | None:
    """Return why a maintainer may not give a waiver; ``None`` for one who may.

    Args:
        command: The waiver.
        person: The person who gives it.
        change: The change that it is for.
        today: The day in UTC.
        latest: The last day on which a waiver may end.
    """
    if (moved := head_refusal(command, change.head)) is not None:
        return moved
    if command.until < today:
        return f"{command.until} is over: today is {today} in UTC"
    if command.until > latest:
        return f"a waiver ends at most a year from now, on {latest}"
    if is_author(person, change):
        return f"{person} is an author of this change; a waiver is given by a maintainer who is not"
    return unknown_author(change, "the maintainer")


def is_author(person: str, change: ChangeFacts) -> bool:
    """Check if a person is among the known authors of a change."""
    return person.casefold() in {one.casefold() for one in change.authors}


def unknown_author(change: ChangeFacts, who: str) -> str | None:
    """Return why the authors of a change are not all known, so that ``who`` may be one; ``None`` if they are."""
    if not change.whole:
        return f"this change has more commits than GitHub lists, so its authors can't be compared with {who}"
    if change.unknown:
        one = change.unknown[0][:7]
        return (
            f"GitHub does not know the author or the committer of commit {one}, who may be {who}; add the "
            "address of its author to the author's account on GitHub, or commit with one that is there"
        )
    if change.unresolved:
        one = change.unresolved[0][:7]
        return (
            f"commit {one} has a co-author by an address that leads to no account, who may be {who}; name the "
            "co-author by the address `ID+login@users.noreply.github.com` of the account, and push"
        )
    return None


def gate_refusal(gate: str, report: Report) -> str | None:
    """Return why a gate of a report can't be waived; ``None`` if it can."""
    row = find_gate(gate, report)
    if row is None:
        return f"the report has no gate `{plain_text(gate)}`. {_waivable(report.gates)}"
    if row.waived is not None:
        return None  # another day or another reason
    if not row.blocks:
        return f"`{plain_text(gate)}` does not block, so a waiver would change nothing. {_waivable(report.gates)}"
    if report.baseline.source != "production":
        return f"the report was not made with a registry, which records waivers. {REGISTRY_REMEDY}"
    if not row.waivable:
        reason = plain_text(row.reason or "no reason was given", longest=300)
        return (
            f"`{plain_text(gate)}` is {row.outcome} without a number that a person could accept ({reason}); errors and "
            "missing values can't be waived"
        )
    return None


REGISTRY_REMEDY = (
    "Write `baseline: production` and `registry: github` into the configuration on the default branch, and promote a "
    "first version: docs/how-to/registry/choose-a-registry.md"
)
"""What to add where no registry can record a waiver."""


def find_gate(gate: str, report: Report) -> GateRow | None:
    """Return a gate of a report by its exact id."""
    return next((row for row in report.gates if row.id == gate), None)


def _waivable(gates: Iterable[GateRow]) -> str:
    names = [f"`{plain_text(row.id)}`" for row in gates if row.waivable]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"These can be waived: {', '.join(names[:_LISTED])}{more}" if names else "No gate can be waived"
