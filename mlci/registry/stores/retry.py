"""Retries of a store's requests: waits that double, within the limits on tries and time."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from mlci.errors import OutsideError
from mlci.registry.stores.errors import UnconfirmedError
from mlci.registry.stores.object_store.uri import Limits

T = TypeVar("T")


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
