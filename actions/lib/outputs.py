"""Write the outputs of a step from report.json, and the job summary if asked; nothing is published.

A report that is missing, can't be read or contradicts the run's exit code gives the verdict `error`, so that
`== 'pass'` is false, and no summary. The project's own code may have written both files, so reading neither blocks nor
exceeds a limit.
"""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # isolated mode leaves it out

from command import FailedError, append, complaint, variable, write_outputs

VERDICTS = {"0": ("pass", "warn"), "1": ("block",), "-": ("pass", "warn", "block")}
"""Verdicts that are possible with an exit code; `-` stands for an unknown one."""

MOST_BYTES = 64 * 1024 * 1024
MOST_SUMMARY = 1_000_000
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def main(arguments: list[str]) -> int:
    """Write the report's verdict; the exit code does not depend on the verdict."""
    report, code = Path(arguments[0]), arguments[1]
    found = _read(report, code)
    try:
        write_outputs({"verdict": "error", "report": report.as_posix(), "baseline-version": ""} | found)
        if arguments[2:] == ["summary"] and found:
            summary = _bytes(report.with_name("summary.md"), MOST_SUMMARY) or b""
            append(Path(variable("GITHUB_STEP_SUMMARY")), summary)
    except FailedError as error:
        print(complaint("mlci: a file of the runner was replaced", error))
        return 1
    return 0


def _read(path: Path, code: str) -> dict[str, str]:
    try:
        document: Any = json.loads(_bytes(path, MOST_BYTES) or b"")
        if document["schema"] != "mlci/report/1" or document["verdict"] not in VERDICTS.get(code, ()):
            return {}
        version = document["baseline"]["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return {"verdict": document["verdict"], "baseline-version": version if isinstance(version, str) else ""}


def _bytes(path: Path, most: int) -> bytes | None:
    """Return a regular file's bytes; ``None`` if it is something else, missing or too large."""
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb") as stream:
            found = stream.read(most + 1) if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else b""
    except OSError:
        return None
    return found if 0 < len(found) <= most else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
