"""Outages graded as answers: an answer that is only a provider's error message, or empty without output tokens."""

import json
import re

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
