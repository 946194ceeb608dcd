"""Issues of a repository by label, and the event that asks a workflow to retrain."""

from collections.abc import Callable
from dataclasses import dataclass

from mlci.errors import OutsideError
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.github.transport import Send
from mlci.util.retry_policy import RetryPolicy


class _Issue(Form):
    number: int
    title: str
    body: str | None = None
    state: str
    html_url: str
    pull_request: object = None


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue."""

    number: int
    title: str
    body: str
    is_open: bool
    url: str


class IssueClient:
    """GitHub's issues for one repository."""

    def __init__(self, send: Send, *, repository: str, patience: RetryPolicy | None = None) -> None:
        """Take a repository, ``owner/name``."""
        self._issues = RepositoryClient(send, name=repository, patience=patience, permission="issues")

    def labelled(self, label: str) -> list[Issue]:
        """Return all issues with a label, open and closed; pull requests are left out.

        Raises:
            OutsideError: if GitHub refused, or did not answer.
        """
        read, doing = form_reader(list[_Issue]), f"list the issues with the label {label}"
        parameters = {"labels": label, "state": "all", "sort": "created", "direction": "asc"}
        found = self._issues.get_pages("/issues", read, doing=doing, parameters=parameters)
        return [_issue(one) for one in found if one.pull_request is None]

    def create(self, *, title: str, body: str, label: str, arrived: Callable[[], Issue | None]) -> Issue:
        """Create an issue; GitHub makes a label that does not exist.

        Args:
            title: Its title.
            body: Its text.
            label: Its label.
            arrived: Returns the issue if a request that got no answer took effect.

        Raises:
            OutsideError: if GitHub refused, or did not answer.
        """
        return self._issues.change(
            "POST",
            "/issues",
            lambda answer: _issue(form_reader(_Issue)(answer)),
            doing="open the issue",
            body={"title": title, "body": body, "labels": [label]},
            arrived=arrived,
        )

    def update(self, number: int, changes: dict[str, str]) -> Issue:
        """Change title, body or state of an issue.

        Raises:
            OutsideError: if GitHub refused, or did not answer.
        """
        return self._issues.change(
            "PATCH",
            f"/issues/{number}",
            lambda answer: _issue(form_reader(_Issue)(answer)),
            doing=f"update issue {number}",
            body=changes,
        )

    def dispatch(self, event_type: str, payload: dict[str, object]) -> None:
        """Send a ``repository_dispatch`` event to the workflows of the default branch.

        Raises:
            OutsideError: if GitHub refused, or did not answer.
        """
        try:
            self._issues.with_permission("contents").change(
                "POST",
                "/dispatches",
                lambda _: None,
                doing=f"send the event {event_type}",
                body={"event_type": event_type, "client_payload": payload},
            )
        except OutsideError as error:
            raise OutsideError(f"{error}\nThe state is in the registry; the next run sends the event again") from error


def _issue(found: _Issue) -> Issue:
    return Issue(
        number=found.number,
        title=found.title,
        body=found.body or "",
        is_open=found.state == "open",
        url=found.html_url,
    )
