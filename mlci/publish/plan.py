"""Plan of a publication: what to write on GitHub for an event, a report and a policy. Pure."""

from dataclasses import dataclass, field
from typing import assert_never

from mlci.publish import check_content, comment_choice, commit_verdict
from mlci.publish import result as publish_result
from mlci.publish.check_content import Annotation, Conclusion, State
from mlci.publish.comment_choice import CommentText, Policy
from mlci.publish.commit_verdict import Own
from mlci.publish.event import Event
from mlci.publish.result import Finished, Result, Unfinished
from mlci.publish.runs import Invocation, Run, read_invocation
from mlci.report.comment import render_comment, with_marker
from mlci.report.text.markup import Links


@dataclass(frozen=True, kw_only=True)
class Target:
    """Target of a run's result.

    Attributes:
        model: The model.
        head: The commit of check and status.
        pull: The pull request to comment on; ``None`` for merge groups, pushes, schedules and manual runs.
        branch: The pull request's branch in this repository, for reading its current head.
        reader: Why the token can only read; ``None`` if it may write.
        run: The run.
        url: Address of the check's "Details" link.
        invocation: The invocation.
        exclusive: Whether no other job can have the same run and invocation, so that its later verdict replaces an
            earlier, worse one.
    """

    model: str
    head: str
    pull: int | None
    branch: str | None
    reader: str | None
    run: Run
    url: str | None
    invocation: Invocation = field(default_factory=read_invocation)
    exclusive: bool = False

    @property
    def name(self) -> str:
        """Return the name of the check run and the context of the commit status."""
        return check_content.check_name(self.model)

    def version(self, body: str) -> CommentText:
        """Return a text with this run's marker."""
        return mark_text(self.model, self.head, self.run, body)


@dataclass(frozen=True, kw_only=True)
class PendingText:
    """Content of a check that waits for a verdict.

    Attributes:
        title: Its title, and the description of the status.
        summary: Its summary.
    """

    title: str
    summary: str


EVALUATING = PendingText(
    title="evaluating",
    summary="The candidate is being trained and compared with the baseline; the result will replace this text.",
)


@dataclass(frozen=True, kw_only=True)
class NothingToPublish:
    """Reason why nothing can be published on GitHub."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Content of a run's publication, and its target.

    Attributes:
        target: The target.
        own: The run's own verdict.
        title, annotations: Title and annotations of the check run.
        body: Text of the comment, without a marker.
        anchor: Newest entry of the registry that the run read, for the check's summary.
        creates: Whether a missing comment is made.
        foreign: Ids of the checks of this name that mlci did not make, and that this publication answers.
        original: What it was before it answered them.
    """

    target: Target
    own: Own
    title: str
    annotations: tuple[Annotation, ...]
    body: str
    creates: bool
    anchor: str | None = None
    foreign: frozenset[int] = frozenset()
    original: "Publication | None" = None

    @property
    def summary(self) -> str:
        """Return the summary of the check run."""
        return check_content.check_summary(self.body, self.anchor)

    @property
    def conclusion(self) -> Conclusion:
        """Return the conclusion of a check that shows this verdict alone."""
        return commit_verdict.joined_conclusion(self.own) or "cancelled"

    @property
    def state(self) -> State:
        """Return the commit status of this verdict alone."""
        return commit_verdict.joined_state(self.own)


def find_target(
    event: Event, *, model: str, run: Run, url: str | None, asked: Invocation | None = None
) -> Target | NothingToPublish:
    """Return the target of a result; ``asked`` is the invocation."""
    if event.head is None:
        return NothingToPublish(why=event.why or "the event has no commit to report on")
    return Target(
        model=model,
        head=event.head,
        pull=event.pull,
        branch=event.branch,
        reader=event.reader,
        run=run,
        url=url,
        invocation=asked or read_invocation(event=event.name),
    )


def plan_publication(where: Target, result: Result, *, policy: Policy, links: Links) -> Publication:
    """Return the content of the publication."""
    match result:
        case Finished(report=report):
            title = check_content.check_title(report)
            own: Own = check_content.check_conclusion(report.verdict)
            annotations = check_content.check_annotations(report)
            body = render_comment(report, links=links).partition("\n")[2]
            creates = comment_choice.creates(policy, report)
        case Unfinished():
            title = publish_result.unfinished_title(result)
            own = "cancelled" if result.cancelled else "error"
            annotations = ()
            body = publish_result.unfinished_text(result, model=where.model, head=where.head, links=links)
            creates = comment_choice.creates(policy, None)
        case _:
            assert_never(result)
    return Publication(
        target=where,
        own=own,
        title=title,
        annotations=annotations,
        body=body.rstrip(),
        creates=creates,
        anchor=result.report.provenance.anchor if isinstance(result, Finished) else None,
    )


def mark_text(model: str, head: str, run: Run, body: str) -> CommentText:
    """Put the marker before a text."""
    return CommentText(run=run, body=f"{with_marker(model=model, head=head, run=str(run))}\n{body.rstrip()}")
