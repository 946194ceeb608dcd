"""A step's output on its way from the pipe to the log, in bounded memory."""

from collections import deque

from mlci.steps.clean import Raw, Splitter
from mlci.steps.log import Log

KEPT_LINES = 50


class Output:
    """Turns bytes into shown lines, remembers the last ones, and lets the rest go."""

    def __init__(self, log: Log, shown_bytes: int) -> None:
        """Show at most ``shown_bytes`` of output in ``log``."""
        self._log = log
        self._left = shown_bytes
        self._splitter = Splitter()
        self._kept: deque[Raw] = deque(maxlen=KEPT_LINES)
        self._skipped = 0
        self._ticked = 0.0
        self.lines = 0

    def take(self, chunk: bytes) -> None:
        """Show the lines that the chunk completes."""
        for line in self._splitter.feed(chunk):
            self._line(line)

    def _line(self, line: Raw) -> None:
        self.lines += 1
        self._kept.append(line)
        self._left -= len(line.data) + 1
        if self._left >= 0:
            self._log.line(line.text())
        else:
            self._skipped += 1

    def tick(self, seconds: float) -> None:
        """Pass a sign of life on, at most once a second."""
        if seconds - self._ticked >= 1:
            self._ticked = seconds
            newest = self._splitter.peek() if self._splitter.pending or not self._kept else self._kept[-1]
            self._log.tick(seconds=seconds, last=newest.text())

    def finish(self) -> None:
        """Show what stands without a line's end, and the last lines if output was too long to be shown whole."""
        if self._splitter.pending:
            self._line(self._splitter.take())
        if self._skipped:
            hidden = max(0, self._skipped - KEPT_LINES)
            self._log.line(
                f"… {hidden:,} lines are not shown; the last {min(self._skipped, KEPT_LINES)} of {self.lines:,}:"
            )
            for line in list(self._kept)[-self._skipped :]:
                self._log.line(line.text())

    def tail(self) -> tuple[str, ...]:
        """Return the last lines, cleaned."""
        return tuple(line.text() for line in self._kept)
