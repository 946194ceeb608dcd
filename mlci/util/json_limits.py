"""Limits on untrusted JSON, checked in one pass before parsing.

A parser takes up to a hundred bytes of memory for each byte of text: sixty million bytes of ``[],`` are twenty million
lists. So it is not the size alone that is bounded.
"""

import re
from dataclasses import dataclass

_STRING = re.compile(r'"[^"]*"?')
_BRACKET = re.compile(r"[\[\]{}]")


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The most that a kind of document may have.

    Attributes:
        depth: Brackets in brackets.
        parts: Lists and objects.
        values: Values in them.
    """

    depth: int
    parts: int
    values: int


def excess(text: str, most: Bounds) -> str | None:
    """Say what a text has more of than it may, to follow "it is"; ``None`` where that is nothing.

    Escapes are taken away first, so that a string is whatever lies between two quotes, ended or not: one pass, no
    backtracking, and no memory beyond copies of the text.
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
