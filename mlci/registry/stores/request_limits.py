"""Limits of a store's requests, and their retries."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from mlci.errors import OutsideError
from mlci.registry.errors import UnconfirmedError
from mlci.util.retry_policy import RetryPolicy

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits on waiting, in seconds, and on tries.

    Attributes:
        connect: Time for a connection.
        request: Time for one small request, and for progress of a large one.
        total: Time for a request with all its repetitions.
        retries: Repetitions of a request that failed on the way.
        slowest: Bytes a second; a transfer may take the time that its bytes need at this rate in addition.
        tries: Tries of operations that obstore does not repeat: an answer that breaks off, an append with an unknown
            outcome. No try starts after ``total`` seconds.
    """

    connect: float = 5.0
    request: float = 30.0
    total: float = 90.0
    retries: int = 4
    slowest: float = float(1 << 20)
    tries: int = 4

    def transfer(self, size: int) -> "Limits":
        """Return the limits for a transfer of that many bytes."""
        more = size / self.slowest
        return replace(self, request=self.request + more, total=self.total + more)

    def policy(self, pause: Callable[[float], None]) -> RetryPolicy:
        """Return the policy for retries that wait by ``pause``."""
        return RetryPolicy(attempts=self.tries, total=self.total, first=0.2, sleep=pause)


def repeat(ask: Callable[[], T], policy: RetryPolicy) -> T:
    """Repeat idempotent requests while it is unknown whether they succeeded.

    Raises:
        OutsideError: if no try was confirmed.
    """
    try:
        return policy.retrying(UnconfirmedError)(ask)
    except UnconfirmedError as error:
        raise OutsideError(str(error)) from None
