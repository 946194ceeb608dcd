"""Result of publishing: what was done on GitHub, and what failed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from mlci.errors import OutsideError
from mlci.github.interface import CheckRun, Comment, PermissionRefused
from mlci.operations.publish.comment import Standing
from mlci.publish.plan import Target

T = TypeVar("T")


@dataclass(kw_only=True)
class PublishResult:
    """Actions on GitHub, refusals and failures.

    Attributes:
        check: The check run.
        comment: The comment.
        did: Actions, line by line.
        refused: Requests that the token has no permission for.
        foreign: Check runs with our name by other apps or jobs.
        stale: Comments of other accounts with our marker, which may not be changed.
        failures: Failures of GitHub or the network.
    """

    check: CheckRun | None = None
    comment: Comment | None = None
    did: list[str] = field(default_factory=list)
    refused: list[PermissionRefused] = field(default_factory=list)
    foreign: list[CheckRun] = field(default_factory=list)
    stale: list[Comment] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def try_call(self, call: Callable[[], T | PermissionRefused]) -> T | None:
        """Make a call; a refusal or a failure is recorded and does not stop the next call."""
        try:
            found = call()
        except OutsideError as error:
            self.failures.append(str(error))
            return None
        if isinstance(found, PermissionRefused):
            self.refused.append(found)
            return None
        return found

    @property
    def troubles(self) -> int:
        """Return the number of refused or failed calls."""
        return len(self.refused) + len(self.failures)


def report_comment(done: PublishResult, standing: Standing | None, target: Target) -> None:
    """Report the action on the comment."""
    if standing is not None:
        done.comment = standing.comment
        where = f": {standing.comment.url}" if standing.comment else ", as the policy says"
        done.did.append(f"comment on #{target.pull} {standing.what}{where}")
