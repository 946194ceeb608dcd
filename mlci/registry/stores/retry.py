"""Retries of a store's requests."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from mlci.errors import OutsideError
from mlci.registry.errors import UnconfirmedError

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
        return Limits(
            connect=self.connect,
            request=self.request + more,
            total=self.total + more,
            retries=self.retries,
            slowest=self.slowest,
            tries=self.tries,
        )


def attempts(limits: Limits, pause: Callable[[float], None]) -> Iterator[int]:
    """Yield tries, with a longer wait before each one, until the time is over."""
    began = time.monotonic()
    for lost in range(limits.tries):
        if lost:
            pause(0.1 * 2**lost)
        if lost and time.monotonic() - began > limits.total:
            return
        yield lost


def repeat(ask: Callable[[], T], tries: Iterator[int], *, shown: str) -> T:
    """Repeat idempotent requests while it is unknown whether they succeeded.

    Args:
        ask: Sends the requests.
        tries: Tries, as :func:`attempts` yields them.
        shown: Name of the registry in the error.

    Raises:
        OutsideError: if no try was confirmed.
    """
    trouble = UnconfirmedError(f"registry {shown}: nothing was tried")
    for _ in tries:
        try:
            return ask()
        except UnconfirmedError as error:
            trouble = error
    raise OutsideError(str(trouble))
