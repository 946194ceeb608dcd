"""What to do on GitHub for these event facts, this report or none, and this policy. Everything but the requests."""

from dataclasses import dataclass, field
from typing import assert_never

from mlci.publish import check, choice, joined, unfinished
from mlci.publish.attempt import Own
from mlci.publish.check import Annotation, Conclusion, State
from mlci.publish.choice import Policy, Version
from mlci.publish.event import Event
from mlci.publish.invocation import Invocation, invocation
from mlci.publish.result import Finished, Result, Unfinished
from mlci.publish.runs import Run
from mlci.report.comment import comment, marked
from mlci.report.links import Links


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a run's result belongs.

    Attributes:
        model: The model.
        head: The commit that check and status are put on.
        pull: The pull request to comment on; ``None`` for merge groups, pushes, schedules and runs by hand.
        branch: The pull request's branch in this repository, through which its current head is found.
        reader: Why the token can only read; ``None`` if it may write.
        run: The run.
        url: Where the check's "Details" lead.
        invocation: What asked for the verdict.
    """

    model: str
    head: str
    pull: int | None
    branch: str | None
    reader: str | None
    run: Run
    url: str | None
    invocation: Invocation = field(default_factory=invocation)

    @property
    def name(self) -> str:
        """Return the name of the check run and the context of the commit status."""
        return check.name(self.model)

    def version(self, body: str) -> Version:
        """Return a text with this run's marker."""
        return version(self.model, self.head, self.run, body)


@dataclass(frozen=True, kw_only=True)
class Silent:
    """There is nothing to publish on GitHub, and why."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What a run has to say, and where.

    Attributes:
        target: Where.
        own: The run's own verdict.
        title, annotations: Of the check run.
        body: Summary of the check run and text of the comment, without a marker.
        creates: Whether a comment is made where there is none.
    """

    target: Target
    own: Own
    title: str
    annotations: tuple[Annotation, ...]
    body: str
    creates: bool

    @property
    def conclusion(self) -> Conclusion:
        """Return the conclusion of a check that shows this verdict alone."""
        return joined.conclusion(self.own) or "cancelled"

    @property
    def state(self) -> State:
        """Return the commit status of this verdict alone."""
        return joined.state(self.own)


def target(event: Event, *, model: str, run: Run, url: str | None, asked: Invocation | None = None) -> Target | Silent:
    """Say where a result belongs; ``asked`` is what asked for the verdict."""
    if event.head is None:
        return Silent(why=event.why or "there is no commit to report on")
    return Target(
        model=model,
        head=event.head,
        pull=event.pull,
        branch=event.branch,
        reader=event.reader,
        run=run,
        url=url,
        invocation=asked or invocation(event=event.name),
    )


def publication(where: Target, result: Result, *, policy: Policy, links: Links) -> Publication:
    """Say everything that is to be published."""
    match result:
        case Finished(report=report):
            title = check.title(report)
            own: Own = check.conclusion(report.verdict)
            annotations = check.annotations(report)
            body = comment(report, links=links).partition("\n")[2]
            creates = choice.creates(policy, report)
        case Unfinished():
            title = unfinished.title(result)
            own = "cancelled" if result.cancelled else "error"
            annotations = ()
            body = unfinished.text(result, model=where.model, head=where.head, links=links)
            creates = choice.creates(policy, None)
        case _:
            assert_never(result)
    return Publication(
        target=where,
        own=own,
        title=title,
        annotations=annotations,
        body=body.rstrip(),
        creates=creates,
    )


def version(model: str, head: str, run: Run, body: str) -> Version:
    """Put the marker before a text."""
    return Version(run=run, body=f"{marked(model=model, head=head, run=str(run))}\n{body.rstrip()}")
