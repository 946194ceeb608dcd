"""Event stream: hands each event, with its time and without secrets, to every sink."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from mlci.events.events import NoteShown, RunEvent

Sink = Callable[[RunEvent, float], None]
"""``sink(event, at)``, with the time in seconds since 1970."""


class EventStream:
    """Stream of one command.

    Attributes:
        sinks: Receivers, in the order in which they get an event; more may be added.
    """

    def __init__(self, *sinks: Sink, now: Callable[[], float], mask: Callable[[str], str] = lambda text: text) -> None:
        """Take sinks, the clock, and the function that masks secrets in a text."""
        self.sinks = list(sinks)
        self._now, self._mask = now, mask

    def emit(self, event: RunEvent) -> None:
        """Hand an event to every sink."""
        at, masked = self._now(), self._masked(event)
        for sink in self.sinks:
            sink(masked, at)

    def note(self, text: str) -> None:
        """Show a line of progress."""
        self.emit(NoteShown(text=text))

    def _masked(self, event: RunEvent) -> RunEvent:
        texts = {item.name: getattr(event, item.name) for item in fields(event)}
        changed: dict[str, Any] = {
            name: masked
            for name, text in texts.items()
            if isinstance(text, str) and (masked := self._mask(text)) != text
        }
        return replace(event, **changed) if changed else event
