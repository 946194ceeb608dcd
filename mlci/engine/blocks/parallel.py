"""A running query's batches on several threads, each with sums of its own."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

from mlci.engine.blocks.arrow_stream import ArrowStream
from mlci.engine.interface import Progress
from mlci.engine.sql import Array

_EVERY = 10.0
"""Seconds between two reports of progress."""


class Mergeable(Protocol):
    """Sums that take batches, and add up."""

    def add_batch(self, arrays: list[Array]) -> None:
        """Add the rows of a batch."""

    def merge(self, other: Self) -> None:
        """Add the rows of other sums."""


M = TypeVar("M", bound=Mergeable)


@dataclass(frozen=True)
class Pool:
    """Threads, and who is informed of progress.

    Attributes:
        threads: Number of threads; ``None`` uses all of the machine.
        progress: Receives stages with their rows about every ten seconds.
    """

    threads: int | None
    progress: Progress

    def add_up(self, stream: ArrowStream, create: Callable[[], M], *, stage: str, rows: int) -> M:
        """Return the sums of all batches of a stream.

        Args:
            stream: The running query.
            create: Makes empty sums.
            stage: What is done, for reports of progress.
            rows: Rows that are expected, for reports of progress.
        """
        reader = _SharedReader(stream, lambda done, seconds: self.progress(stage, done, rows, seconds))

        def work(_number: int) -> M:
            sums = create()
            try:
                while (batch := reader.next()) is not None:
                    sums.add_batch(batch)
            except BaseException:
                reader.stop()
                raise
            return sums

        threads = self.threads or os.cpu_count() or 1
        if threads == 1:
            return work(0)
        with ThreadPoolExecutor(threads) as pool:
            total, *others = pool.map(work, range(threads))
        for other in others:
            total.merge(other)
        return total


class _SharedReader:
    """Reader of a stream for several threads."""

    def __init__(self, stream: ArrowStream, report: Callable[[int, float], None]) -> None:
        self._stream, self._report = stream, report
        self._lock, self._done, self._begun = threading.Lock(), 0, time.monotonic()
        self._reported, self._stopped = self._begun, False

    def next(self) -> list[Array] | None:
        """Return the next batch; ``None`` at the end, or after an error in another thread."""
        with self._lock:
            batch = None if self._stopped else self._stream.next()
            if batch is None:
                self._stopped = True
                return None
            self._done += len(batch[0])
            now = time.monotonic()
            if now - self._reported >= _EVERY:
                self._reported = now
                self._report(self._done, now - self._begun)
            return batch

    def stop(self) -> None:
        """End all threads' work."""
        self._stopped = True
