"""What an unquoted scalar means: the core schema of YAML 1.2.2 (chapter 10.3).

``yes`` and ``2024-01-01`` are text, ``0o14`` is 12.
"""

import math
import re

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}|0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))|[-+]?(nan|inf|infinity)", re.IGNORECASE)


def plain(text: str) -> str | float | bool | None:
    """Return what an unquoted scalar means under the core schema; text that means ``nan`` or ``inf`` is a float too."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _NOT_FINITE.fullmatch(text):
        return math.nan
    return float(text) if _FLOAT.fullmatch(text) else text
