"""The sticky comment: one per pull request, with its head's joined verdict, also if several runs publish at once.

GitHub has no compare-and-swap on comments. Three rules stand in for it; docs/explanation/one-verdict.md
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
"""Author of what a workflow's own token writes; it has no login that could be asked for."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands on the pull request.

    Attributes:
        comment: Our comment; ``None`` where there is none.
        what: What was done: ``created``, ``updated``, ``unchanged`` or ``none``.
        earlier: Comments of other bots with our marker.
    """

    comment: Comment | None
    what: str
    earlier: tuple[Comment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommentAuthor:
    """Who we are on the pull request, and whose checks count as ours."""

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
    """Bring one text onto the pull request unless a newer one is there.

    Args:
        text: The text.
        target: Where.
        github: GitHub.
        author: Who we are.
        creates: Whether to make a comment where there is none.
        confirm: Whether to list again after making one, for another run may have made one, too.

    Raises:
        OutsideError: if other writers delete the comment again and again.
    """
    pull, made = target.pull or 0, None
    for _ in range(_ROUNDS):
        listed = github.comments(pull)
        if isinstance(listed, PermissionRefused):
            return listed
        found = comment_choice.own_comments(listed, me=author.login, model=target.model)
        others = comment_choice.earlier_comments(listed, me=author.login, model=target.model)
        earlier = tuple(one for one in others if isinstance(one, Comment))
        if not found and made is not None:  # a list that lags behind what was just written
            return Standing(comment=made, what="created", earlier=earlier)
        chosen = comment_choice.choose_comment(found, text, creates=creates)
        done = _do(chosen.step, target, github, author)
        if isinstance(done, PermissionRefused):
            return done
        if isinstance(chosen.step, CreateComment):
            made = done if isinstance(done, Comment) else None
            if not confirm:
                return Standing(comment=made, what="created", earlier=earlier)
        elif not isinstance(done, NotThere):
            _delete(chosen, github)
            ended = {NoComment: "none", EditComment: "updated", KeepComment: "unchanged"}[type(chosen.step)]
            return Standing(comment=done, what="created" if made else ended, earlier=earlier)
    raise OutsideError(f"the comment on pull request {pull} does not stay: another writer deletes it again and again")


def retire_earlier(
    standing: Standing, text: CommentText, target: Target, github: GitHub, author: CommentAuthor
) -> tuple[Standing | PermissionRefused, list[Comment]]:
    """Point from comments that the workflow's own token wrote to this token's; return what stands, and what is left.

    ``github-actions[bot]`` can only be a workflow of this repository. Any other account's comment stays as it is: that
    it was ours can't be known. One that can't be changed is not the only voice: this token makes one beside it.
    """
    left, pointer = [], _pointer(target, standing.comment)
    for one in standing.earlier:
        workflows = one.author.lower() == WORKFLOW != author.login.lower()
        if workflows and one.body.strip() == pointer:
            continue
        if not workflows or isinstance(github.edit_comment(one.id, pointer), PermissionRefused):
            left.append(one)
    ours = [one for one in left if one.author.lower() == WORKFLOW]
    if ours and standing.comment is None:
        return write_comment(text, target, github, author, creates=True), left
    return standing, left


def _pointer(target: Target, comment: Comment | None) -> str:
    """Write the text of a comment that another token has replaced."""
    d = Markdown()
    by = d.link(d.number("the newer comment"), comment.url) if comment is not None else d.number("its check")
    said = d.words(
        "**{}** is reported with another token now: see {}. This comment is not updated.", d.text(target.model), by
    )
    return f"{with_marker(model=target.model, head=None, run=None)}\n{said}"


def newer_stands(standing: Standing | None, target: Target) -> bool:
    """Say whether the comment that stands is a newer run's on the same commit."""
    mark = runs.read_marker(standing.comment.body) if standing is not None and standing.comment is not None else None
    return mark is not None and mark.run is not None and mark.run > target.run and mark.head == target.head


@dataclass(frozen=True, kw_only=True)
class Commits:
    """The check runs of our name on the run's commit, and on the pull request's head by now.

    Attributes:
        here: On the run's commit.
        head: On the pull request's head, if it is another commit.
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
    """Return the check runs of our name on the run's commit; none where the commit is gone."""
    found = github.check_runs(target.head, target.name)
    return () if isinstance(found, NotThere) else found


def _current(target: Target, github: GitHub) -> tuple[CheckRun, ...] | PermissionRefused | NotThere:
    """List on the pull request's current head: by its branch in one request, by its number where that is a fork's."""
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
            f"GitHub did not answer, and does not tell whether the comment is there (403, {listed.said})"
        )
    found = comment_choice.own_comments(listed, me=author.login, model=target.model)
    return next((one for one in found if isinstance(one, Comment)), None)


def _delete(chosen: comment_choice.Choice, github: GitHub) -> None:
    """Delete our duplicate comments; another run may have deleted them first."""
    for one in chosen.extra:
        github.delete_comment(one.id)
