"""Workflow commands of GitHub's runner (docs.github.com: ``Workflow commands``)."""

from typing import Literal

Level = Literal["error", "warning", "notice"]


def annotation(level: Level, message: str, *, path: str | None = None, line: int | None = None) -> str:
    """Return a workflow command that shows ``message`` at a line of a file, with everything escaped."""
    places = [("file", path), ("line", line)]
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in places if value is not None)
    return f"::{level} {properties}::{_data(message)}" if properties else f"::{level}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
