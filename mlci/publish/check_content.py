"""Content of the check run: title, conclusion, and annotations on lines of the configuration.

Facts of the platform: a title of more than 255 characters, and annotations with code points above U+FFFF, are refused
or garbled (EnricoMi/publish-unit-test-result-action); at most 50 annotations a request, 64 KB a message (GitHub's
documentation, "Update a check run"); a status description of at most 140 characters ("Create a commit status").
``neutral`` and ``skipped`` satisfy a required check, so they are never used.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, assert_never

from mlci.report.document import GateRow, Outcome, Report, Verdict
from mlci.report.gate_numbers import gate_numbers
from mlci.report.headline import gate_sentence, verdict_headline
from mlci.report.text import labels
from mlci.report.text.markup import Plain

Conclusion = Literal["success", "failure", "cancelled"]
State = Literal["success", "failure", "error", "pending"]
Level = Literal["failure", "warning", "notice"]

BATCH = 50
"""Annotations a request."""

MOST = 500
"""Annotations of one check; more gates than that are counted in the last one."""

_ABOVE_BASIC = re.compile("[\U00010000-\U0010ffff]")
_TITLE = 255
_DESCRIPTION = 140
_MESSAGE = 2_000


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Annotation at a line of a file."""

    path: str
    line: int
    level: Level
    title: str
    message: str


def check_name(model: str) -> str:
    """Return the name of the check run and the context of the commit status."""
    return f"mlci / {model}"


def check_conclusion(verdict: Verdict) -> Conclusion:
    """Return the conclusion of a check for a verdict."""
    match verdict:
        case "pass" | "warn":
            return "success"
        case "block":
            return "failure"
        case _:
            assert_never(verdict)


def check_title(report: Report) -> str:
    """Return the check's title: the counts."""
    return shorten_text(verdict_headline(report), _TITLE)


def check_summary(body: str, anchor: str | None) -> str:
    """Return the summary of the check: the report, and the anchor of the registry, which is kept by GitHub here."""
    if anchor is None:
        return body
    return f"{body}\n\nThe registry as it was read: `mlci ledger verify --anchor {anchor}`"


def status_description(text: str) -> str:
    """Return the commit status's description."""
    return shorten_text(text, _DESCRIPTION)


def check_annotations(report: Report) -> tuple[Annotation, ...]:
    """Return an annotation for each gate that did not pass, blocking ones first; none for a file outside."""
    path = _path(report.provenance.config_path)
    rows = [row for row in labels.in_order(report.gates) if annotation_level(row.outcome) is not None]
    if path is None or not rows:
        return ()
    shown = tuple(_annotation(report, row, path) for row in rows[:MOST])
    unlisted = len(rows) - len(shown)
    if not unlisted:
        return shown
    more = Annotation(
        path=path, line=1, level="notice", title="More gates", message=f"{unlisted:,} more gates did not pass."
    )
    return (*shown[:-1], more)


def annotation_level(outcome: Outcome) -> Level | None:
    """Return the annotation level of an outcome; ``None`` for one without an annotation."""
    match outcome:
        case "failed" | "error":
            return "failure"
        case "inconclusive" | "no_baseline":
            return "warning"
        case "waived":
            return "notice"
        case "passed":
            return None
        case _:
            assert_never(outcome)


def basic(text: str) -> str:
    """Write code points above U+FFFF as their number."""
    return _ABOVE_BASIC.sub(lambda found: f"⟨U+{ord(found[0]):X}⟩", text)


def shorten_text(text: str, most: int) -> str:
    """Shorten to ``most`` characters; the summary has the rest."""
    plain = basic(text)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _annotation(report: Report, row: GateRow, path: str) -> Annotation:
    d = Plain()
    line = gate_numbers(row)
    numbers = f"{line.pair}; {line.evidence}; {line.limit}"
    sentence = gate_sentence(d, report, row)
    return Annotation(
        path=path,
        line=max(row.line or 1, 1),
        level=annotation_level(row.outcome) or "notice",
        title=shorten_text(f"{labels.outcome_word(row)}: {labels.scoped_title(d, row.metric, row.scope)}", _TITLE),
        message=shorten_text(f"{sentence}\n{numbers}" if row.candidate is not None else sentence, _MESSAGE),
    )


def _path(path: str | None) -> str | None:
    """Return a path inside the repository, for annotations."""
    if path is None or basic(path) != path or not path.strip() or path != path.strip():
        return None
    pure = PurePosixPath(path)
    outside = pure.is_absolute() or ".." in pure.parts or "\\" in path or any(ord(char) < 32 for char in path)
    return None if outside or not pure.parts else str(pure)
