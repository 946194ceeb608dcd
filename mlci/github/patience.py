"""How long to wait for GitHub, and when to give up.

Source: GitHub's documentation, "Best practices for using the REST API", *Handle rate limit errors appropriately*: obey
``retry-after``; with ``x-ratelimit-remaining: 0`` wait until ``x-ratelimit-reset``; otherwise at least a minute.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mlci.errors import OutsideError

A_MINUTE = 60.0
_LATEST = 1e12  # an instant of today has 1.8e9 seconds since 1970


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often and how long.

    Attributes:
        attempts: Most times that one request is sent.
        total: Seconds after which nothing is tried again, over all requests.
        first: Seconds before the first repeat; they double.
        clock: Seconds that only ever rise.
        now: Seconds since 1970, for ``x-ratelimit-reset``.
        sleep: Waits.
        spread: A number in [0, 1), so that publishers that failed together do not come back together.
    """

    attempts: int = 5
    total: float = 180.0
    first: float = 1.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    now: Callable[[], float] = field(default=time.time, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    spread: Callable[[], float] = field(default=random.random, repr=False)

    def backoff(self, attempt: int) -> float:
        """Return the seconds before a repeat after a fault."""
        return float(self.first * 2.0**attempt * (0.5 + self.spread()))

    def asked(self, headers: Mapping[str, str]) -> float:
        """Return the seconds that GitHub asks to wait at a rate limit."""
        after = _number(headers.get("retry-after"))
        if after is not None:
            return after
        reset = _number(headers.get("x-ratelimit-reset"))
        if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            return max(reset - self.now(), 0.0) + 1.0
        return A_MINUTE


class Budget:
    """The time that all requests of one process share."""

    def __init__(self, patience: Patience) -> None:
        """Begin to count."""
        self._patience = patience
        self._end = patience.clock() + patience.total

    def wait(self, seconds: float, problem: str) -> None:
        """Wait, if that leaves time for a repeat.

        Raises:
            OutsideError: It does not.
        """
        if self._patience.clock() + seconds >= self._end:
            patience = f"mlci waits {self._patience.total:.0f} s in all"
            raise OutsideError(f"{problem}; another try would be due in {seconds:.0f} s, and {patience}")
        self._patience.sleep(seconds)

    def check(self, problem: str) -> None:
        """Raise if the time is over.

        Raises:
            OutsideError: It is.
        """
        if self._patience.clock() >= self._end:
            raise OutsideError(f"{problem}: the {self._patience.total:.0f} s that mlci gives GitHub are over")


def _number(text: str | None) -> float | None:
    """Read a header of whole seconds; anything else counts as absent."""
    digits = (text or "").strip()
    return min(float(digits), _LATEST) if digits.isascii() and digits.isdigit() else None
