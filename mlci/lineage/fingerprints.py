"""Fingerprints of evaluation sets, comparable with recorded ones of older schemes.

A scheme defines how cells are read. Scheme 1 widened float32 columns of few values, rounded decimals of many digits and
took durations without their unit; scheme 2 reads every cell exactly. Most tables have the same fingerprint in both.
"""

from typing import Self

SCHEME = 2
"""Number of the scheme of new fingerprints."""


class Fingerprint(str):
    """``sha256:…`` of a table's content, with the fingerprint of scheme 1 if it differs."""

    __slots__ = ("former",)
    former: str | None

    def __new__(cls, value: str, former: str | None = None) -> Self:
        """Create a fingerprint; ``former`` is that of scheme 1, and ``None`` if they are the same."""
        instance = super().__new__(cls, value)
        instance.former = None if former == value else former
        return instance

    def with_suffix(self, suffix: str) -> "Fingerprint":
        """Return the fingerprint of rows that are identified by more than their content."""
        return Fingerprint(f"{self}{suffix}", None if self.former is None else f"{self.former}{suffix}")


def former(fingerprint: str | None) -> str | None:
    """Return the fingerprint of scheme 1 of the same file; ``None`` if it is the same or not known."""
    return fingerprint.former if isinstance(fingerprint, Fingerprint) else None


def spellings(fingerprint: str) -> tuple[str, ...]:
    """Return every fingerprint under which the same file may be recorded, the current scheme's first."""
    before = former(fingerprint)
    return (fingerprint,) if before is None else (fingerprint, before)


def is_recorded(recorded: str | None, current: str | None) -> bool:
    """Return whether a recorded fingerprint of any scheme is that of the current evaluation set."""
    return recorded == current or (recorded is not None and recorded == former(current))
