"""Fingerprints of evaluation sets, comparable with those that older schemes recorded.

A scheme is how cells are read. Scheme 1 widened float32 columns of few values, rounded decimals of many digits and took
durations without their unit; scheme 2 reads every cell exactly. Most tables have the same fingerprint in both.
"""

from typing import Self

SCHEME = 2
"""Number of the scheme that fingerprints are made by."""


class Fingerprint(str):
    """``sha256:…`` of a table's content, with the fingerprint that scheme 1 gave the same file where it is another."""

    __slots__ = ("former",)
    former: str | None

    def __new__(cls, value: str, former: str | None = None) -> Self:
        """Make a fingerprint; ``former`` is that of scheme 1, and left out if they are the same."""
        made = super().__new__(cls, value)
        made.former = None if former == value else former
        return made

    def with_suffix(self, suffix: str) -> "Fingerprint":
        """Return the fingerprint of rows that are identified by more than their content."""
        return Fingerprint(f"{self}{suffix}", None if self.former is None else f"{self.former}{suffix}")


def former(fingerprint: str | None) -> str | None:
    """Return the fingerprint that scheme 1 gave the same file; ``None`` if it is the same or not known."""
    return fingerprint.former if isinstance(fingerprint, Fingerprint) else None


def spellings(fingerprint: str) -> tuple[str, ...]:
    """Return every fingerprint that the same file may be recorded by, the current scheme's first."""
    before = former(fingerprint)
    return (fingerprint,) if before is None else (fingerprint, before)


def is_recorded(recorded: str | None, current: str | None) -> bool:
    """Return whether a recorded fingerprint, of whatever scheme, is that of the current evaluation set."""
    return recorded == current or (recorded is not None and recorded == former(current))
