"""Counts, names and cells in error messages."""

from collections.abc import Sequence


def count_noun(number: int, noun: str) -> str:
    """Return ``1 row``, ``2 rows``, ``1,234 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def name_first(number: int, noun: str, shown: list[str]) -> str:
    """Name the shown ones of ``number`` things: ``key 'a'``, ``keys 'a', 'b'``, ``first keys 'a', 'b', 'c'``."""
    named = f"{noun}{'' if len(shown) == 1 else 's'} {', '.join(shown)}"
    return f"first {named}" if number > len(shown) else named


def list_names(names: Sequence[str], most: int = 8) -> str:
    """Return the first of some names in quotes, and the number of further ones."""
    shown = ", ".join(repr(shorten_cell(name)) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def shorten_cell(text: str, longest: int = 80) -> str:
    """Return a text that fits a line: a longer one ends in an ellipsis."""
    return text if len(text) <= longest else f"{text[:longest]}…"
