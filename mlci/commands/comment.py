"""Facts of an `issue_comment` event, and whether its comment may give a command. Pure.

The event starts the workflow on the default branch, with a token that can write, for comments of everyone. Only a
comment that a person made on an open or merged pull request is read; everything else is ignored without an answer.
"""

from dataclasses import dataclass

from mlci.publish.event import Object, payload_number, payload_part, payload_text

LONGEST_COMMENT = 65_536
"""GitHub's limit on a comment, in characters."""
_LOGIN = 100


@dataclass(frozen=True, kw_only=True)
class CommentEvent:
    """A comment that a person made on a pull request.

    Attributes:
        id: Id of the comment.
        pull: Number of the pull request.
        person: Login of the comment's author.
        body: Text.
    """

    id: int
    pull: int
    person: str
    body: str


@dataclass(frozen=True)
class IgnoredEvent:
    """An event without a comment that may give a command; ``why`` is for the log."""

    why: str


def read_comment_event(  # noqa: PLR0911 - one return for each reason reads best
    name: str | None, event: Object
) -> CommentEvent | IgnoredEvent:
    """Read an event; a field with another form than GitHub's counts as absent.

    Args:
        name: ``GITHUB_EVENT_NAME``.
        event: The payload.
    """
    if name != "issue_comment":
        return IgnoredEvent("the event is not `issue_comment`")
    if payload_text(event, "action") != "created":
        return IgnoredEvent("the comment was edited or deleted; only a new comment is a command")
    issue, comment = payload_part(event, "issue"), payload_part(event, "comment")
    number, id_ = payload_number(issue, "number"), payload_number(comment, "id")
    if payload_part(issue, "pull_request") is None or number is None or id_ is None:
        return IgnoredEvent("the comment is not on a pull request")
    author, sender = payload_part(comment, "user"), payload_part(event, "sender")
    person = payload_text(author, "login", longest=_LOGIN)
    if payload_text(author, "type") != "User" or person is None or person.endswith("[bot]"):
        return IgnoredEvent("the comment was not made by a person")
    if payload_text(sender, "login", longest=_LOGIN) != person:
        return IgnoredEvent("the event was not caused by the comment's author")
    body = payload_text(comment, "body", longest=LONGEST_COMMENT)
    if body is None:
        return IgnoredEvent("the comment has no text")
    return CommentEvent(id=id_, pull=number, person=person, body=body)
