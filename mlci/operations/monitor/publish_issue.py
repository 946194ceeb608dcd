"""Keep the model's GitHub issue as its state is, and ask for a retraining when an alarm begins.

Both follow from the registry's state and not from what this run did: a run that was killed, or that GitHub did not
answer, leaves nothing that the next one does not make up for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from mlci.config.lifecycle.monitor import Monitor
from mlci.github.issues import Issue, IssueClient
from mlci.monitor.document import MonitorDocument
from mlci.monitor.history import ModelStanding, MonitorHistory
from mlci.monitor.issue_choice import LABEL, IssueChange, IssueText, choose_changes, own_issues
from mlci.operations.monitor.records import keep_history
from mlci.registry.registry import Registry
from mlci.report.monitor.issue import issue_text

IssueStep = Literal["opened", "updated", "reopened", "closed", "unchanged", "none"]


@dataclass(frozen=True, kw_only=True)
class IssuePublished:
    """The model's issue after publishing.

    Attributes:
        url: Its address; empty if there is none.
        did: What was done; ``none`` without an issue.
        dispatched: Whether a retraining was requested.
    """

    url: str = ""
    did: IssueStep = "none"
    dispatched: bool = False


def publish_issue(document: MonitorDocument, settings: Monitor, github: IssueClient) -> IssuePublished:
    """Open, update, reopen or close the model's issue.

    After one was created the issues are listed again, so that of two monitors at once the older issue stays.

    Raises:
        OutsideError: if GitHub refused, or did not answer.
    """
    if settings.issue == "never":
        return IssuePublished()
    text = issue_text(document, level=settings.issue)
    own = own_issues(github.labelled(LABEL), document.model)
    changes = choose_changes(own, text)
    done = [_send(change, text, github) for change in changes]
    if any(change.number is None for change in changes):
        again = own_issues(github.labelled(LABEL), document.model)
        for change in choose_changes(again, text)[1:] if len(again) > 1 else []:
            _send(change, text, github)
        first = again[0] if again else None
        url = first.url if isinstance(first, Issue) else done[0].url
        return IssuePublished(url=url, did="opened")
    kept = done[0] if done and changes[0].number == own[0].number else own[0] if own else None
    url = kept.url if isinstance(kept, Issue) else ""
    return IssuePublished(url=url, did=_did(changes, own[0].number if own else None) if own else "none")


def _send(change: IssueChange, text: IssueText, github: IssueClient) -> Issue:
    if change.number is None:

        def arrived() -> Issue | None:
            found = own_issues(github.labelled(LABEL), text.model)
            return next((one for one in found if isinstance(one, Issue)), None)

        return github.create(title=change.title or "", body=change.body or "", label=LABEL, arrived=arrived)
    fields = {"title": change.title, "body": change.body, "state": change.state, "state_reason": change.reason}
    return github.update(change.number, {name: value for name, value in fields.items() if value is not None})


_STEPS: Mapping[Literal["open", "closed"], IssueStep] = {"open": "reopened", "closed": "closed"}


def _did(changes: list[IssueChange], kept: int | None) -> IssueStep:
    own = next((change for change in changes if change.number == kept), None)
    if own is None:
        return "unchanged"
    return "updated" if own.state is None else _STEPS[own.state]


def request_retraining(
    document: MonitorDocument, settings: Monitor, github: IssueClient, registry: Registry, *, history: MonitorHistory
) -> bool:
    """Send the event that asks for a retraining, once for each alarm; return whether it was sent.

    The history records the alarm after the event was sent: if the run ends in between, the next one sends it again.

    Raises:
        OutsideError: if GitHub or the registry failed.
    """
    began = document.since
    if settings.retrain is None or document.state != "alarm" or began is None or history.dispatched == began:
        return False
    gates = [one.series for one in document.series if one.state == "alarm" and one.muted is None]
    payload = {"model": document.model, "version": document.version, "since": began, "gates": gates[:20]}
    github.dispatch(settings.retrain, payload)
    standing = ModelStanding(state=document.state, since=began)
    keep_history(registry, partial(_with_dispatch, began=began), version=document.version, assessed=lambda _: standing)
    return True


def _with_dispatch(history: MonitorHistory, *, began: str) -> MonitorHistory:
    return history.model_copy(update={"dispatched": began})
