"""Outages graded as answers: only a provider's error message, empty without output tokens, or a copy from a cache.

A single empty answer of a log that counts no tokens is an answer: models do stop at once. A run of which half the
answers are empty is not: see :func:`mark_empty_answers`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlci.scores.score_log import ScoredItem, State

_LONGEST = 1_000
_SHOWN = 80
_STATUS = r"(?:408|429|500|502|503|504|522|524|529)"
_SIGNS = re.compile(
    r"too many requests|rate[ _-]?limit(?:ed|[ _]error)?(?: (?:exceeded|reached))?|quota exceeded|resource[ _]exhausted"
    r"|(?:(?:request|gateway|read|connection|connect) )?timed? ?-?out(?:[ _]?error)?|bad gateway|internal server error"
    r"|service (?:temporarily )?unavailable|overloaded(?:[ _]error)?"
    r"|connection (?:error|refused|aborted|reset(?: by peer)?)"
    rf"|error code:? {_STATUS}|status(?: code)?:? {_STATUS}"
)
_AROUND = re.compile(
    rf"\b(?:[a-z_.]*(?:error|exception)|http(?:/[\d.]+)?|status|code|api|client|server|provider|request|failed"
    rf"|please|(?:try|retry)(?: again)?(?: later)?|(?:in|after) [\d.]+ ?m?s(?:ec(?:onds?)?)?|the|is|was|with|currently"
    rf"|{_STATUS})\b"
)
_BEGINNINGS = re.compile(
    r"(?:[a-z_.]*error: )?(?:rate limit (?:reached|exceeded) for \S+ (?:in|on) "
    rf"|you exceeded your current quota, please check|error code: {_STATUS} - [{{\[])"
)


_EMPTY_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class ItemAnswer:
    """What the log has of one answer.

    Attributes:
        text: The answer; ``None`` if the log does not have it.
        target: The expected answer.
        output_tokens: Tokens of the answer; ``None`` if the log does not have them.
    """

    text: str | None
    target: str | None = None
    output_tokens: float | None = None

    @property
    def outage(self) -> str | None:
        """Why it is not the system's answer; ``None`` if it is one."""
        return outage_reason(self.text, target=self.target, output_tokens=self.output_tokens)

    @property
    def is_empty(self) -> bool:
        """Whether it is empty, the expected one is not, and no count of tokens shows if the system answered."""
        if self.text is None or self.text.strip() or self.output_tokens is not None:
            return False
        return self.target is None or bool(self.target.strip())


def mark_empty_answers(items: Sequence[ScoredItem]) -> tuple[ScoredItem, ...]:
    """Return the items; if half of a run's answers are empty, these are errored."""
    empty = sum(item.empty for item in items)
    if empty < _EMPTY_SHARE * len(items) or not empty:
        return tuple(items)
    reason = f"empty answer, as {empty:,} of {len(items):,} in this run: the system did not answer"
    return tuple(replace(item, state=State.ERRORED, reason=reason, scores={}) if item.empty else item for item in items)


def cached_copies(answers: Sequence[tuple[str, str | None, bool]]) -> list[str | None]:
    """Return for each answer why it is not one of its own: a cache gave that of an earlier repeat again.

    Args:
        answers: Of each answer in the order of the repeats its item, its text, and whether it is from a cache.
    """
    seen: set[tuple[str, str | None]] = set()
    reasons: list[str | None] = []
    for key, text, cached in answers:
        copied = cached and (key, text) in seen
        reasons.append("a copy from the cache of an earlier repeat, not an answer of its own" if copied else None)
        seen.add((key, text))
    return reasons


def outage_reason(answer: str | None, *, target: str | None = None, output_tokens: float | None = None) -> str | None:
    """Return why an answer is not the system's, if it is only a sign of an outage; ``None`` if it is an answer.

    Args:
        answer: The answer; ``None`` if the log does not have it.
        target: The expected answer. A target that is such a message itself shows that the item asks for one.
        output_tokens: Tokens of the answer; ``None`` if the log does not have them.
    """
    words = _normalized(answer or "")
    if not words:
        return "empty answer with zero output tokens" if output_tokens == 0 else None
    if not _is_message(words) or (target and _is_message(_normalized(target))):
        return None
    return f"the answer is only an error message: {words if len(words) <= _SHOWN else words[: _SHOWN - 1] + '…'}"


def _normalized(text: str) -> str:
    return " ".join(text[:_LONGEST].lower().split())


def _is_message(words: str) -> bool:
    """Return whether a text is an error message and has no word beside it."""
    if words.startswith("{"):
        return _is_error_document(words)
    if _BEGINNINGS.match(words):
        return True
    rest, signs = _SIGNS.subn(" ", words)
    return bool(signs) and not any(character.isalnum() for character in _AROUND.sub(" ", rest))


def _is_error_document(words: str) -> bool:
    """Return whether a text is a JSON object about an error that is a sign of an outage."""
    try:
        document = json.loads(words)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "error" in document and bool(_SIGNS.search(words))
