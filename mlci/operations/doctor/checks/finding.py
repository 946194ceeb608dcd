"""Findings of a check: severity, cause, consequence, the lines to add, and a fix where one is safe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlci.config.types import Path

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, kw_only=True)
class LineInsertion:
    """Lines to insert into a file; every other byte stays as it is.

    Attributes:
        path: The file, from the top of the repository.
        after: Number of lines that stay above; ``None`` appends, and creates a missing file.
        lines: The new lines.
        place: Path of the key in a YAML file that the lines add; empty for other files.
        value: The key's value, which the file has to have after the insertion and nothing else.
    """

    path: str
    after: int | None
    lines: tuple[str, ...]
    place: Path = ()
    value: Any = field(default=None, hash=False)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something in the setup to correct.

    Attributes:
        name: Name of the finding, which stays the same across versions.
        severity: ``error`` if the gate does not work or is not safe, ``warning`` if it works in part, ``note`` if a
            part could not be checked or the effect is small.
        what: The cause, in one sentence.
        why: The consequence.
        lines: The exact lines to add or the commands to run.
        path: The file, from the top of the repository; ``None`` if it is not about a file.
        line: Line in the file, counted from 1.
        fix: Insertion that `--fix` makes; ``None`` if a user has to decide.
    """

    name: str
    severity: Severity
    what: str
    why: str
    lines: str
    path: str | None = None
    line: int | None = None
    fix: LineInsertion | None = None

    def as_document(self) -> Mapping[str, object]:
        """Return the finding for JSON."""
        facts = {key: getattr(self, key) for key in ("name", "severity", "what", "why", "lines", "path", "line")}
        return {**facts, "fixable": self.fix is not None}


def order_findings(findings: list[Finding]) -> list[Finding]:
    """Return the findings without duplicates, errors first, then by file and line."""
    unique = list(dict.fromkeys(findings))
    return sorted(unique, key=lambda one: (SEVERITIES.index(one.severity), one.path or "", one.line or 0, one.name))
