"""Faults on demand: what goes wrong, with which request, before or after it had its effect."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.fake_github.serving import Reply

KINDS = {
    "status": "answers `status` (500 by default) instead",
    "drop": "closes the connection without an answer",
    "timeout": "says nothing for `seconds`, then closes the connection",
    "slow": "answers over `seconds`, a little at a time",
    "delay": "answers `seconds` later",
    "oversized": "puts `size` bytes of white space before the answer's JSON",
    "truncated": "promises more bytes than it sends",
    "garbage": "answers a page in HTML with status 200",
    "primary": "answers that the hour's requests are used up, until `seconds` from now",
    "secondary": "answers that requests come too fast, with `retry-after: seconds`",
    "stale": "leaves the `size` newest entries out of a list, as a replica that lags behind",
    "hook": "only calls `call`",
}
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
DOCS = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"


@dataclass
class Fault:
    """One ordered fault.

    Args:
        method: `GET`, `POST` …, or `*`.
        path: The end of the path, with `*` for anything, e.g. `/issues/*/comments`.
        kind: One of `KINDS`.
        when: `before` the request has its effect, so that it has none; or `after`, so that only the answer is lost.
        nth: The first matching request that it meets, counted from 1 since the fault was ordered.
        times: How many matching requests in a row it meets; 0 for all from there on.
        call: Called in the fake's process when the fault is met, whatever its kind.
    """

    method: str = "*"
    path: str = "*"
    kind: str = "status"
    when: str = "before"
    nth: int = 1
    times: int = 1
    status: int = 500
    seconds: float = 0.0
    size: int = 0
    call: Callable[[], None] | None = field(default=None, repr=False)
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.when not in {"before", "after"}:
            raise ValueError(f"no fault of kind {self.kind!r}, {self.when!r}; kinds are {', '.join(KINDS)}")

    def meets(self, method: str, path: str) -> bool:
        """Count the request; return true if the fault applies to it."""
        if self.method not in {"*", method} or not fnmatchcase(path, "*" + self.path):
            return False
        self.seen += 1
        met = self.seen >= self.nth and (self.times == 0 or self.seen < self.nth + self.times)
        self.hits += met
        return met


class Faults:
    """The faults that were ordered, and the pace of every answer."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ordered: list[Fault] = []
        self.delay, self.jitter, self.random = 0.0, 0.0, random.Random(0)
        self.stopping = threading.Event()

    def order(self, **facts: Any) -> Fault:
        with self.lock:
            self.ordered.append(Fault(**facts))
            return self.ordered[-1]

    def clear(self) -> None:
        with self.lock:
            self.ordered.clear()

    def pace(self, *, delay: float = 0.0, jitter: float = 0.0, seed: int = 0) -> None:
        """Delay every answer by ``delay`` and up to ``jitter`` seconds more, drawn with a seed."""
        with self.lock:
            self.delay, self.jitter, self.random = delay, jitter, random.Random(seed)

    def met_by(self, method: str, path: str) -> Fault | None:
        """The first fault that this request meets; each one that could counts it."""
        with self.lock:
            met = [fault for fault in self.ordered if fault.meets(method, path)]
        return met[0] if met else None

    def wait(self) -> None:
        with self.lock:
            seconds = self.delay + self.jitter * self.random.random()
        self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than the fake lives."""
        if seconds > 0:
            self.stopping.wait(seconds)


def stale(reply: Reply, size: int) -> Reply:
    """A list without its newest entries."""
    whole = reply.body if isinstance(reply.body, dict) else {"": reply.body}
    name, rows = next(((key, value) for key, value in whole.items() if isinstance(value, list)), ("", []))
    newest = sorted(row["id"] for row in rows)[-size:] if size else []
    kept = [row for row in rows if row["id"] not in newest]
    if isinstance(reply.body, dict):
        return Reply(reply.status, reply.body | {name: kept, "total_count": len(kept)}, reply.headers)
    return Reply(reply.status, kept, reply.headers)


def instead(fault: Fault) -> Reply | None:
    """The answer that a fault puts in the place of the real one, if it is of that sort."""
    match fault.kind:
        case "status":
            body = {"message": "Server Error" if fault.status >= 500 else "Injected", "documentation_url": DOCS}
            return Reply(fault.status, body)
        case "garbage":
            return Reply(200, headers={"Content-Type": "text/html"}, raw=b"<!DOCTYPE html><p>Unicorn!</p>")
        case "primary":
            # "the x-ratelimit-remaining header will be 0": docs.github.com, rate limits for the REST API
            left = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(round(time.time() + fault.seconds))}
            return Reply(
                403, {"message": "API rate limit exceeded for installation ID 1.", "documentation_url": DOCS}, left
            )
        case "secondary":
            body = {"message": SECONDARY, "documentation_url": DOCS + "#about-secondary-rate-limits"}
            status = fault.status if fault.status in {403, 429} else 403
            return Reply(status, body, {"Retry-After": str(round(fault.seconds))})
    return None
