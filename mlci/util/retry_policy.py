"""Retries of requests to GitHub, object stores and MLflow: waits that double, within limits on tries and time."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Limits on tries and waiting.

    Attributes:
        attempts: Most times that one request is sent.
        total: Seconds after which nothing is repeated.
        first: Seconds before the first repeat; they double.
        clock: Monotonic clock, in seconds.
        now: Seconds since 1970, for servers that name the time of a repeat.
        sleep: Waits.
        spread: Random number in [0, 1), so that processes that failed together do not repeat together.
    """

    attempts: int = 5
    total: float = 180.0
    first: float = 1.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    now: Callable[[], float] = field(default=time.time, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    spread: Callable[[], float] = field(default=random.random, repr=False)

    def backoff(self, attempt: int) -> float:
        """Return the seconds before a repeat after a fault; the first attempt has number 0."""
        return float(self.first * 2.0**attempt * (0.5 + self.spread()))

    def retrying(
        self,
        *errors: type[Exception],
        end: float | None = None,
        wait: Callable[[BaseException], float | None] = lambda _: None,
        give_up: "Callable[[RetryCallState], Any] | None" = None,
    ) -> "Retrying":
        """Return tenacity's controller: ``retrying(…)(call)`` returns the result of the first call that succeeds.

        Args:
            errors: Errors after which the call is repeated; any other ends it.
            end: Time of ``clock`` after which no attempt starts; by default ``total`` seconds from now.
            wait: Returns the seconds that an error asks to wait; ``None`` for :meth:`backoff`.
            give_up: Returns the result, or raises, if the last attempt failed; by default its error is raised.
        """
        from tenacity import Retrying, retry_if_exception_type  # noqa: PLC0415 - it loads asyncio

        last = self.clock() + self.total if end is None else end

        def seconds(state: "RetryCallState") -> float:
            error = None if state.outcome is None else state.outcome.exception()
            asked = None if error is None else wait(error)
            return self.backoff(state.attempt_number - 1) if asked is None else asked

        return Retrying(
            retry=retry_if_exception_type(errors),
            wait=seconds,
            stop=lambda at: at.attempt_number >= self.attempts or self.clock() + at.upcoming_sleep >= last,
            sleep=self.sleep,
            retry_error_callback=give_up,
            reraise=True,
        )

    def tries(self) -> Iterator[int]:
        """Yield the numbers of attempts, from 1; wait before each but the first, and stop at the limits."""
        from tenacity import retry_always  # noqa: PLC0415 - as above

        for attempt in self.retrying(give_up=lambda _: None).copy(retry=retry_always):
            yield attempt.retry_state.attempt_number
            with attempt:  # ends this attempt: the next one follows
                pass
