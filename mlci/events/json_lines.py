"""JSON lines: one object for each event, and for each line that something else writes to the same stream."""

import io
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TextIO

from mlci.events.events import Emit, NoteShown, RunEvent, RunStarted, StepProgress
from mlci.execution.sanitize import sanitize_lines


class JsonLines:
    """Sink that writes each event as one line of JSON."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self._stream = stream
        self._run = ""

    def __call__(self, event: RunEvent, at: float) -> None:
        """Write an event; progress is for people and is left out."""
        if isinstance(event, StepProgress):
            return
        if isinstance(event, RunStarted):
            self._run = event.run.id
        self._stream.write(json.dumps(event_object(event, at, run=self._run)) + "\n")
        self._stream.flush()


def event_object(event: RunEvent, at: float, *, run: str) -> dict[str, Any]:
    """Return an event as an object of JSON: its time, run and kind first, without what is not known."""
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    parts = {name: part for name, part in asdict(event).items() if part is not None}
    if isinstance(event, RunStarted):
        parts = {**parts.pop("run"), **parts}
        parts = {name: part for name, part in parts.items() if part is not None and name != "id"}
    return {
        "time": time,
        "run": run,
        "event": event_name(event),
        **{name: _shown(part) for name, part in parts.items()},
    }


def _shown(part: Any) -> Any:  # noqa: ANN401 (a value of JSON)
    if isinstance(part, float):
        return round(part, 3)
    return sanitize_lines(part) if isinstance(part, str) else part


def event_name(event: RunEvent) -> str:
    """Return the name of a kind of event: ``step_started``."""
    name = type(event).__name__
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")


class LinesAsNotes(io.TextIOBase):
    """Text stream that turns each line written to it into an event, so that a log holds nothing but JSON."""

    def __init__(self, emit: Emit) -> None:
        """Emit the lines."""
        super().__init__()
        self._emit, self._begun = emit, ""

    def writable(self) -> bool:
        """Return ``True``: text can be written."""
        return True

    def write(self, text: str) -> int:
        """Emit every line that the text ends."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(None, lines):
            self._emit(NoteShown(text=line))
        return len(text)

    def finish(self) -> None:
        """Emit a line without an end."""
        self.write("\n")
