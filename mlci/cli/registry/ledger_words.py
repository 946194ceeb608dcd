"""Texts for the ledger and from it."""

import click

MOST_WORDS = 2_000
"""Characters of a text in an entry of the ledger."""


def sanitize_text(text: str | None) -> str:
    """Sanitize a text from a ledger for the terminal."""
    from mlci.execution.sanitize import sanitize  # noqa: PLC0415 (only for tables)

    return sanitize(text or "")


def ledger_text(text: str | None, option: str, *, most: int = MOST_WORDS) -> str | None:
    """Return a text for the ledger, stripped; ``None`` for an empty one.

    Raises:
        click.UsageError: if the text is longer than an entry allows.
    """
    if text is not None and len(text.strip()) > most:
        raise click.UsageError(f"{option} has {len(text):,} characters; the ledger takes {most:,}")
    return (text or "").strip() or None
