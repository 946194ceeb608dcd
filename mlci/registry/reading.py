"""Reading many entries in order: one by one, or several at once where each one is a way to a server and back."""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

AT_ONCE = 16

Entries: TypeAlias = Generator[bytes | None, None, None]
"""Entries from the first on, ``None`` where one is missing; to be closed by whoever stops before the end."""


def one_by_one(read: Callable[[int], bytes | None], last: int, *, first: int = 1) -> Entries:
    """Read entries ``first`` to ``last``, each when it is asked for."""
    for number in range(first, last + 1):
        yield read(number)


def several(read: Callable[[int], bytes | None], last: int, *, first: int = 1, at_once: int = AT_ONCE) -> Entries:
    """Read entries ``first`` to ``last``, so many at once and no further ahead.

    What ``read`` raises is raised in that entry's turn, after those before it. At the end, whatever it is, no thread
    is left: what is on its way is waited for, in the bounds that ``read`` has, and nothing waits behind that.
    """
    with ThreadPoolExecutor(at_once, thread_name_prefix="mlci-read") as pool:
        ahead: deque[Future[bytes | None]] = deque()
        for number in range(first, last + 1):
            ahead.append(pool.submit(read, number))
            if len(ahead) == at_once:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
