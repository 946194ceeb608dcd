"""Writes the outputs of a step from report.json, and the job's summary if asked; nothing is published.

A report that is missing or can't be understood gives the verdict `error`, so that `== 'pass'` is false.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # isolated mode leaves it out

from command import variable, write_outputs

VERDICTS = ("pass", "warn", "block")


def main(arguments: list[str]) -> int:
    """Write what the report says; the exit code tells nothing about the verdict."""
    report = Path(arguments[0])
    write_outputs({"verdict": "error", "report": report.as_posix(), "baseline-version": ""} | _read(report))
    summary = report.with_name("summary.md")
    if arguments[1:] == ["summary"] and summary.exists():
        with Path(variable("GITHUB_STEP_SUMMARY")).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(summary.read_text(encoding="utf-8"))
    return 0


def _read(path: Path) -> dict[str, str]:
    try:
        document: Any = json.loads(path.read_bytes())
        if document["schema"] != "mlci/report/1" or document["verdict"] not in VERDICTS:
            return {}
        version = document["baseline"]["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {"verdict": document["verdict"], "baseline-version": version if isinstance(version, str) else ""}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
