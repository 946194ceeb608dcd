"""The sticky comment: one per pull request, with its head's joined verdict, also if several runs publish at once.

GitHub has no compare-and-swap on comments. Three rules replace it; docs/explanation/one-verdict.md
says what they guarantee.

1. A run records its verdict in its check, whose summary is the comment's text, before it touches the comment.
2. A run that wrote reads all checks afterwards, and writes again if their joined verdict has changed.
3. A run that made a comment while another one was at work lists again; of several comments the oldest stays.
"""

from dataclasses import dataclass

from mlci.errors import OutsideError
from mlci.github.interface import CheckRun, Comment, GitHub, NotThere, PermissionRefused
from mlci.publish import comment_choice, runs
from mlci.publish.comment_choice import CommentText, CreateComment, EditComment, KeepComment, NoComment
from mlci.publish.plan import Target
from mlci.report.comment import with_marker
from mlci.report.text.markup import Markdown

_ROUNDS = 20
WORKFLOW = "github-actions[bot]"
"""Author of comments by a workflow's own token, whose login can't be requested."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Comments on the pull request.

    Attributes:
        comment: Our comment; ``None`` if there is none.
        what: Action: ``created``, ``updated``, ``unchanged`` or ``none``.
        earlier: Comments of other bots with our marker.
    """

    comment: Comment | None
    what: str
    earlier: tuple[Comment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommentAuthor:
    """mlci's login on the pull request, and the apps whose checks belong to other tools."""

    login: str
    app: str | None


def write_comment(
    text: CommentText,
    target: Target,
    github: GitHub,
    author: CommentAuthor,
    *,
    creates: bool = False,
    confirm: bool = True,
) -> Standing | PermissionRefused:
    """Write one text to the pull request unless a newer one exists.

    Args:
        text: The text.
        target: The pull request.
        github: GitHub.
        author: mlci's login.
        creates: Whether to make a comment if there is none.
        confirm: Whether to list again after making one, because another run may have made one, too.

    Raises:
        OutsideError: if other writers repeatedly delete the comment.
    """
    pull, created = target.pull or 0, None
    for _ in range(_ROUNDS):
        listed = github.comments(pull)
        if isinstance(listed, PermissionRefused):
            return listed
        own = comment_choice.own_comments(listed, me=author.login, model=target.model)
        others = comment_choice.earlier_comments(listed, me=author.login, model=target.model)
        earlier = tuple(one for one in others if isinstance(one, Comment))
        if not own and created is not None:  # the list lags behind the write
            return Standing(comment=created, what="created", earlier=earlier)
        chosen = comment_choice.choose_comment(own, text, creates=creates)
        done = _do(chosen.step, target, github, author)
        if isinstance(done, PermissionRefused):
            return done
        if isinstance(chosen.step, CreateComment):
            created = done if isinstance(done, Comment) else None
            if not confirm:
                return Standing(comment=created, what="created", earlier=earlier)
        elif not isinstance(done, NotThere):
            _delete(chosen, github)
            ended = {NoComment: "none", EditComment: "updated", KeepComment: "unchanged"}[type(chosen.step)]
            return Standing(comment=done, what="created" if created else ended, earlier=earlier)
    raise OutsideError(f"the comment on pull request {pull} does not stay: another writer repeatedly deletes it")


def retire_earlier(
    standing: Standing, text: CommentText, target: Target, github: GitHub, author: CommentAuthor
) -> tuple[Standing | PermissionRefused, list[Comment]]:
    """Link from comments of the workflow's own token to this token's comment; return the state, and stale comments.

    ``github-actions[bot]`` can only be a workflow of this repository. Another account's comment is not changed, because
    its author is unknown. If a comment can't be changed, this token makes a second one.
    """
    unchanged, pointer = [], _pointer(target, standing.comment)
    for one in standing.earlier:
        workflows = one.author.lower() == WORKFLOW != author.login.lower()
        if workflows and one.body.strip() == pointer:
            continue
        if not workflows or isinstance(github.edit_comment(one.id, pointer), PermissionRefused):
            unchanged.append(one)
    ours = [one for one in unchanged if one.author.lower() == WORKFLOW]
    if ours and standing.comment is None:
        return write_comment(text, target, github, author, creates=True), unchanged
    return standing, unchanged


def _pointer(target: Target, comment: Comment | None) -> str:
    """Write the text of a comment that another token has replaced."""
    d = Markdown()
    by = d.link(d.number("the newer comment"), comment.url) if comment is not None else d.number("its check")
    words = d.words(
        "**{}** is reported with another token now: see {}. This comment is not updated.", d.text(target.model), by
    )
    return f"{with_marker(model=target.model, head=None, run=None)}\n{words}"


def newer_stands(standing: Standing | None, target: Target) -> bool:
    """Check if the existing comment is a newer run's on the same commit."""
    mark = runs.read_marker(standing.comment.body) if standing is not None and standing.comment is not None else None
    return mark is not None and mark.run is not None and mark.run > target.run and mark.head == target.head


@dataclass(frozen=True, kw_only=True)
class Commits:
    """The check runs with our name on the run's commit, and on the pull request's current head.

    Attributes:
        here: Check runs on the run's commit.
        head: Check runs on the pull request's head, if it is another commit.
        current: Whether the run's commit is the head.
    """

    here: tuple[CheckRun, ...]
    head: tuple[CheckRun, ...] = ()
    current: bool = False


def commits(target: Target, github: GitHub) -> Commits | PermissionRefused:
    """List the check runs on both commits; one request if they are the same."""
    current = _current(target, github) if target.pull is not None else NotThere()
    if isinstance(current, tuple) and any(one.head == target.head for one in current):
        return Commits(here=current, current=True)
    ours = commits_here(target, github)
    if isinstance(ours, PermissionRefused):
        return ours
    return Commits(here=ours, head=current if isinstance(current, tuple) else ())


def commits_here(target: Target, github: GitHub) -> tuple[CheckRun, ...] | PermissionRefused:
    """Return the check runs with our name on the run's commit; none if the commit is gone."""
    checks = github.check_runs(target.head, target.name)
    return () if isinstance(checks, NotThere) else checks


def _current(target: Target, github: GitHub) -> tuple[CheckRun, ...] | PermissionRefused | NotThere:
    """List check runs on the pull request's current head: by its branch in one request, or by number for a fork."""
    if target.branch is not None:
        return github.check_runs(f"heads/{target.branch}", target.name)
    head = github.head(target.pull or 0)
    return github.check_runs(head, target.name) if isinstance(head, str) else head


def _do(
    step: KeepComment | CreateComment | EditComment | NoComment, target: Target, github: GitHub, author: CommentAuthor
) -> Comment | PermissionRefused | NotThere | None:
    match step:
        case KeepComment(comment=comment):
            return comment if isinstance(comment, Comment) else None
        case NoComment():
            return None
        case EditComment(comment=comment, version=text):
            return github.edit_comment(comment.id, text.body)
        case CreateComment(version=text):
            return github.create_comment(target.pull or 0, text.body, arrived=lambda: _arrived(target, github, author))


def _arrived(target: Target, github: GitHub, author: CommentAuthor) -> Comment | None:
    """Look for our comment after a request that got no answer.

    Raises:
        OutsideError: if the token may not list comments, so that it stays unknown whether the comment exists.
    """
    listed = github.comments(target.pull or 0)
    if isinstance(listed, PermissionRefused):
        raise OutsideError(
            f"GitHub did not answer, and it is unknown whether the comment exists (403, {listed.message})"
        )
    own = comment_choice.own_comments(listed, me=author.login, model=target.model)
    return next((one for one in own if isinstance(one, Comment)), None)


def _delete(chosen: comment_choice.Choice, github: GitHub) -> None:
    """Delete our duplicate comments; another run may have deleted them first."""
    for one in chosen.extra:
        github.delete_comment(one.id)
