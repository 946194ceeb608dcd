"""Events as lines of text: for a workflow's log, a file, or a terminal.

A log is passed in by the caller. It gets sanitized lines (:mod:`mlci.execution.sanitize`) and the seconds since
the step began; it reads no clock. ``::stop-commands::`` is not used: it would disable mlci's own groups as well,
and sanitized lines contain no commands.
"""

from collections.abc import Callable
from typing import Protocol, TextIO

from mlci.events.events import NoteShown, RowsRead, RunEvent, StepFinished, StepLine, StepProgress, StepStarted
from mlci.events.stream import Sink
from mlci.execution.sanitize import sanitize, sanitize_lines

QUIET = 60.0  # seconds of silence after which a log reports that the step is still running


class StepLog(Protocol):
    """Log that shows one step after the other."""

    def start(self, *, name: str, command: str) -> None:
        """Begin a step."""
        ...

    def line(self, text: str) -> None:
        """Show one sanitized line of its output."""
        ...

    def tick(self, *, seconds: float, last: str) -> None:
        """Show, about once a second, that the step runs; ``last`` is the newest output, finished line or not."""
        ...

    def end(self, *, seconds: float, outcome: str) -> None:
        """End the step; ``outcome`` is ``ended well``, ``exit status 1``, ``timed out`` and the like."""
        ...


def text_sink(log: StepLog, show: Callable[[str], None]) -> Sink:
    """Return the sink that shows steps in ``log`` and passes sanitized lines of progress to ``show``."""

    def sink(event: RunEvent, _at: float) -> None:
        match event:
            case StepStarted():
                log.start(name=event.name, command=event.command)
            case StepLine():
                log.line(event.text)
            case StepProgress():
                log.tick(seconds=event.seconds, last=event.last)
            case StepFinished():
                log.end(seconds=event.seconds, outcome=event.outcome)
            case NoteShown():
                show(sanitize_lines(event.text))
            case RowsRead():
                show(_rows_read(event))
            case _:
                pass

    return sink


def _rows_read(event: RowsRead) -> str:
    """Return the progress through a table, with rows per second."""
    rate = event.done / event.seconds if event.seconds > 0 else 0.0
    share = f"{event.done:,} of {event.rows:,} rows"
    return f"evaluate: {event.stage}, {share}, {rate:,.0f} a second"


class PlainLog:
    """Headings and lines for files and pipes, with a progress line after every minute of silence."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self._stream = stream
        self._name = ""
        self._heard = 0.0
        self._spoke = False

    def start(self, *, name: str, command: str) -> None:
        """Print a heading."""
        self._begin(name)
        self._print(f"── {sanitize(name)}: {one_line(command)}")

    def line(self, text: str) -> None:
        """Print the line."""
        self._spoke = True
        self._print(text)

    def tick(self, *, seconds: float, last: str) -> None:
        """Print a progress line after ``QUIET`` seconds without output."""
        if self._spoke:
            self._spoke, self._heard = False, seconds
        elif seconds - self._heard >= QUIET:
            self._heard = seconds
            self._print(f"… {self._name} is still running after {step_duration(seconds)}{f': {last}' if last else ''}")

    def end(self, *, seconds: float, outcome: str) -> None:
        """Print how it ended and how long it took."""
        self._print(f"── {self._name}: {outcome} after {step_duration(seconds)}")

    def _begin(self, name: str) -> None:
        self._name, self._heard, self._spoke = sanitize(name), 0.0, False

    def _print(self, text: str) -> None:
        emit_line(self._stream, text + "\n")


class ActionsLog(PlainLog):
    """A folded group per step in GitHub's log; the line with outcome and time is outside of it, always visible.

    Source: docs.github.com, "Workflow commands for GitHub Actions", *Grouping log lines*.
    """

    def start(self, *, name: str, command: str) -> None:
        """Open a group."""
        self._begin(name)
        self._print(f"::group::{_escape(f'{sanitize(name)}: {one_line(command)}')}")

    def end(self, *, seconds: float, outcome: str) -> None:
        """Close the group and print how it ended."""
        self._print("::endgroup::")
        super().end(seconds=seconds, outcome=outcome)


class TerminalLog:
    """One live line with the time and the newest output; with ``verbose``, the step's output is printed above it."""

    def __init__(self, stream: TextIO, *, width: int = 80, verbose: bool = False) -> None:
        """Write to ``stream``, a terminal that is ``width`` columns wide."""
        self._stream = stream
        self._width = width
        self._verbose = verbose
        self._name = ""

    def start(self, *, name: str, command: str) -> None:
        """Show the live line."""
        self._name = sanitize(name)
        self._draw(f"{self._name}: {one_line(command)}")

    def line(self, text: str) -> None:
        """Print the line above the live one, if asked to."""
        if self._verbose:
            emit_line(self._stream, f"\r\x1b[K{text}\n")

    def tick(self, *, seconds: float, last: str) -> None:
        """Draw the live line again."""
        self._draw(f"{self._name} · {step_duration(seconds)}{f' · {last}' if last else ''}")

    def end(self, *, seconds: float, outcome: str) -> None:
        """Replace the live line by one with the outcome."""
        emit_line(self._stream, f"\r\x1b[K{self._name}: {outcome} after {step_duration(seconds)}\n")

    def _draw(self, text: str) -> None:
        text = text.expandtabs(1)
        room = self._width - 1
        emit_line(self._stream, "\r\x1b[K" + (text if len(text) <= room else text[: room - 1] + "…"))


def one_line(command: str) -> str:
    """Return a command of several lines as one sanitized line."""
    return sanitize(" ⏎ ".join(line.strip() for line in command.splitlines() if line.strip()))


def step_duration(seconds: float) -> str:
    """Return ``3.2 s``, ``61 s`` or ``12 min 5 s``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def emit_line(stream: TextIO, text: str) -> None:
    """Write and flush; characters that the stream's encoding lacks are written as escapes instead of an error."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _escape(text: str) -> str:
    """Escape a workflow command's message as the runner's own toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
