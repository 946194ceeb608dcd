"""Event session of one command: text or JSON lines on standard error, and OpenTelemetry if the environment asks for it.

The session travels as click's object.
"""

import contextlib
import sys
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from mlci import __version__
from mlci.cli.events.current import command_lines, masked_stream
from mlci.errors import Problem
from mlci.events.events import ProblemFound, RunFinished, RunStarted
from mlci.events.json_lines import JsonLines, LinesAsNotes
from mlci.events.run_identity import read_identity

if TYPE_CHECKING:  # it imports OpenTelemetry, which most commands do not need
    from mlci.telemetry.telemetry import Telemetry


class EventSession:
    """Stream of one command, from its start to its exit code.

    Attributes:
        events: The stream.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the environment; nothing is shown before :meth:`start`."""
        self._environment = environment
        self._begun = time.monotonic()
        self._errors: TextIO | None = None
        self._lines: LinesAsNotes | None = None
        self._telemetry: Telemetry | None = None
        self.events = masked_stream(environment)

    def start(self, command: str, *, style: str) -> None:
        """Choose the sinks and emit the start of a command; ``style`` is ``text`` or ``json``."""
        if style == "json":
            self._errors, self._lines = sys.stderr, LinesAsNotes(self.events.emit)
            self.events.sinks.append(JsonLines(self._errors))
            sys.stderr = self._lines
        else:
            self.events.sinks.append(command_lines(self._environment))
        run = read_identity(self._environment, lambda: uuid.uuid4().hex)
        self._export()
        self.events.emit(RunStarted(command=command, run=run, version=__version__))

    def show_problem(self, problem: Problem) -> None:
        """Show an error that ends the command."""
        if self._lines is not None:
            self.events.emit(ProblemFound(message=problem.message, path=problem.path, line=problem.line))
        else:
            from mlci.cli.error_handler import print_error  # noqa: PLC0415 - kept off the path of --help

            print_error(problem)

    def finish(self, code: int) -> None:
        """Emit the exit code, and deliver what is left within a few seconds; nothing here changes the code."""
        with contextlib.suppress(KeyboardInterrupt, OSError, ValueError):
            if self._lines is not None:
                self._lines.finish()
            self.events.emit(RunFinished(code=code, seconds=time.monotonic() - self._begun))
            if self._telemetry is not None and (problem := self._telemetry.close()) is not None:
                self.events.note(problem)
        if self._lines is not None and sys.stderr is self._lines and self._errors is not None:
            sys.stderr = self._errors

    def _export(self) -> None:
        """Add OpenTelemetry if the environment names a collector; without the extra, a note names it."""
        from mlci.telemetry.settings import read_settings  # noqa: PLC0415 - kept off the path of --help

        settings = read_settings(self._environment)
        if settings.problem is not None:
            self.events.note(settings.problem)
        if not settings.signals:
            return
        try:
            from mlci.telemetry.telemetry import Telemetry  # noqa: PLC0415 - only for users of a collector
        except ImportError:
            self.events.note(
                "OTEL_* variables name a collector, but the extra is missing: pip install 'mlci[telemetry]'"
            )
            return
        self._telemetry = Telemetry(settings)
        self.events.sinks.append(self._telemetry)
