"""JSON as text: limits on untrusted documents, and the form that people read.

A parser takes up to a hundred bytes of memory for each byte of text: sixty million bytes of ``[],`` are twenty million
lists. A limit on the size alone is therefore not sufficient.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

_STRING = re.compile(r'"[^"]*"?')
_BRACKET = re.compile(r"[\[\]{}]")


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Limits of a kind of document.

    Attributes:
        depth: Nested brackets.
        parts: Number of lists and objects.
        values: Number of values in them.
    """

    depth: int
    parts: int
    values: int


def excess(text: str, most: Bounds) -> str | None:
    """Describe the limit that a text exceeds, to follow "it is"; ``None`` if it exceeds none.

    Escapes are removed first, so that a string is the text between two quotes, ended or not: one pass, no backtracking,
    and no memory beyond copies of the text.
    """
    bare = _STRING.sub("", text.replace("\\\\", "").replace('\\"', ""))
    parts, values = bare.count("[") + bare.count("{"), bare.count(",") + 1
    if parts > most.parts:
        return f"made of {parts:,} lists and objects where {most.parts:,} are the most"
    if values > most.values:
        return f"made of {values:,} values where {most.values:,} are the most"
    depth = 0
    for match in _BRACKET.finditer(bare):
        depth += 1 if match[0] in "[{" else -1
        if depth > most.depth:
            return f"nested more than {most.depth} deep"
    return None


def pretty_json(document: object, *, default: Callable[[object], object] | None = None) -> str:
    """Return a document as people read it, without a line end; ``default`` converts values that JSON does not have."""
    return without_old_commands(json.dumps(document, indent=1, ensure_ascii=False, default=default))


def without_old_commands(text: str) -> str:
    """Escape ``##[`` in the strings of a JSON text, which GitHub's runner obeys anywhere in a line of its log."""
    return text.replace("##[", "#\\u0023[")
