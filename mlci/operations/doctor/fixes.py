"""Apply the insertions of findings: a file keeps every other byte, and YAML gains the one key and nothing else."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlci.operations.doctor.findings import Finding, LineInsertion
from mlci.operations.doctor.yaml_nodes import read_nodes
from mlci.util.atomic_files import replace_file
from mlci.util.safe_files import read_bounded

_MOST_BYTES = 1 << 20


def apply_fixes(top: Path, findings: Iterable[Finding]) -> list[Finding]:
    """Write the insertions below the top of the repository; return the findings that were fixed."""
    fixed = []
    for path in dict.fromkeys(one.fix.path for one in findings if one.fix):
        wanted = [one for one in findings if one.fix and one.fix.path == path]
        wanted.sort(
            key=lambda one: _after(one.fix), reverse=True
        )  # from the end, so that earlier lines keep their numbers
        fixed += _write(top / path, wanted)
    return fixed


def _after(insertion: LineInsertion | None) -> float:
    return float("inf") if insertion is None or insertion.after is None else insertion.after


def _write(path: Path, findings: list[Finding]) -> list[Finding]:
    """Write the insertions into one file; a link, a large file and one that is not UTF-8 are left as they are."""
    try:
        data = read_bounded(path, _MOST_BYTES, links=False)
        before = data.decode()
    except FileNotFoundError:
        data, before = b"", ""
    except (OSError, UnicodeDecodeError):
        return []
    if len(data) > _MOST_BYTES:
        return []
    text, fixed = before, []
    for finding in findings:
        if finding.fix is not None and (new := insert_lines(text, finding.fix)) is not None:
            text = new
            fixed.append(finding)
    if text != before:
        replace_file(path, text.encode())
    return fixed


def insert_lines(text: str, insertion: LineInsertion) -> str | None:
    """Return the text with the lines inserted; ``None`` if YAML would not gain exactly the wanted key."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    after = len(lines) if insertion.after is None else insertion.after
    above, below = "".join(lines[:after]), "".join(lines[after:])
    gap = end if above and not above.endswith("\n") else ""
    new = "".join((above, gap, *(f"{line}{end}" for line in insertion.lines), below))
    return new if not insertion.place or _gains_key(text, new, insertion) else None


def _gains_key(before: str, after: str, insertion: LineInsertion) -> bool:
    """Whether the new content is the old one with the key, and nothing else."""
    old, new = read_nodes(before), read_nodes(after)
    if old.error is not None or new.error is not None:
        return False
    expected = copy.deepcopy(old.data)
    found: Any = expected
    for part in insertion.place[:-1]:
        found = found[part]
    key = insertion.place[-1]
    if not isinstance(found, dict) or key in found:
        return False
    found[key] = insertion.value
    return bool(new.data == expected)
