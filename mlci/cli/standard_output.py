"""Standard output and error: colour and width of the terminal, and in a workflow no old command for the runner.

The runner obeys ``##[name]data`` anywhere in a line. mlci writes none of these, so every one in its output came from
data, such as a path of the configuration or the name of a group. What is printed is sanitized where it is made; this is
the last place to look.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from mlci.execution.sanitize import disarm_old_commands


class RunnerGuard:
    """A text stream without old commands of the runner."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, and return its length."""
        self._stream.write(disarm_old_commands(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - an attribute of the stream
        """Return what the stream has."""
        return getattr(self._stream, name)


@contextlib.contextmanager
def guarded_output() -> Iterator[None]:
    """Guard standard output and error inside of a workflow; change nothing elsewhere."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    out, err = cast("TextIO", RunnerGuard(sys.stdout)), cast("TextIO", RunnerGuard(sys.stderr))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield


def terminal_style() -> tuple[bool, int]:
    """Return whether standard output takes colour, and its width."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return colour, shutil.get_terminal_size((100, 24)).columns
