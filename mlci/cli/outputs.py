"""Files that GitHub's runner reads after a step: outputs and the job summary.

Source: GitHub's documentation, "Workflow commands for GitHub Actions", *Setting an output parameter* and *Adding a job
summary*. Nothing is ever written to ``GITHUB_ENV`` or ``GITHUB_PATH``.
"""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from mlci.cli.files import append
from mlci.report.summary import BUDGET

NO_ROOM = "The report does not fit into what is left of this step's summary; it is whole in the artifact.\n"


def write_outputs(path: Path | None, values: Mapping[str, str]) -> str | None:
    """Append outputs, each between delimiters that nobody can guess; return what went wrong."""
    if path is None:
        return None
    return _append(path, "".join(_output(name, value) for name, value in values.items()))


def write_summary(path: Path | None, render: Callable[[int], str]) -> str | None:
    """Append to the job summary what ``render(bytes)`` makes of the room that is left; return what went wrong."""
    if path is None:
        return None
    try:
        room = BUDGET - (path.stat().st_size if path.exists() else 0)
        text = render(room)
    except OSError as error:
        return f"can't write to {path}: {error.strerror}"
    except ValueError:  # not even the verdict fits
        text = NO_ROOM
    if len(text.encode()) > room:
        text = NO_ROOM
    return _append(path, f"{text.rstrip()}\n\n") if len(text.encode()) + 2 <= room else None


def _output(name: str, value: str) -> str:
    delimiter = f"mlci-{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _append(path: Path, text: str) -> str | None:
    try:
        append(path, text.encode("utf-8", "replace"))
    except OSError as error:
        return f"can't write to {path}: {error.strerror}"
    return None
