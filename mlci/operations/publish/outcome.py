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
    """What was done, and what was not.

    Attributes:
        check: The check run.
        comment: The comment.
        did: What was done, line by line.
        refused: What the token may not.
        foreign: Check runs of our name that are not ours.
        stale: Comments of other accounts with our marker, which may not be changed.
        failures: What GitHub or the network did not do.
    """

    check: CheckRun | None = None
    comment: Comment | None = None
    did: list[str] = field(default_factory=list)
    refused: list[PermissionRefused] = field(default_factory=list)
    foreign: list[CheckRun] = field(default_factory=list)
    stale: list[Comment] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def try_call(self, call: Callable[[], T | PermissionRefused]) -> T | None:
        """Make a call; a refusal or a failure is kept, and does not keep the next call from being made."""
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
        """Return how many calls were refused or failed."""
        return len(self.refused) + len(self.failures)


def report_comment(done: PublishResult, standing: Standing | None, target: Target) -> None:
    """Report what became of the comment."""
    if standing is not None:
        done.comment = standing.comment
        where = f": {standing.comment.url}" if standing.comment else ", as the policy says"
        done.did.append(f"comment on #{target.pull} {standing.what}{where}")
