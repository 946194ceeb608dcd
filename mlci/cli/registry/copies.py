"""Copies of a registry: run with progress, and shown."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from mlci.cli.github_actions import write_step_result
from mlci.cli.registry.ledger_words import sanitize_text
from mlci.operations.recovery.copy_registry import CopyOptions, CopyResult, copy_registry
from mlci.registry.errors import CorruptError
from mlci.registry.stores.interface import Store
from mlci.report.text.number_format import pluralize
from mlci.util.json_text import pretty_json

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def run_copy(source: Store, target: Store, *, contents: bool) -> CopyResult:
    """Copy a registry, with progress on standard error."""
    with tempfile.TemporaryDirectory(prefix="mlci-copy-", ignore_cleanup_errors=True) as scratch:
        options_of_copy = CopyOptions(scratch=Path(scratch), contents=contents, say=_progress_line)
        return copy_registry(source, target, options_of_copy)


def show_copy(result: CopyResult, verb: str, *, as_json: bool) -> None:
    """Print the result of a copy.

    Raises:
        CorruptError: if something could not be copied; the message names it.
    """
    text = copy_text(result, verb)
    click.echo(pretty_json(asdict(result)) if as_json else text)
    write_step_result({"entry": result.number, "digest": result.digest}, text)
    if result.faults:
        raise CorruptError("; ".join(result.faults), remedy="Everything else was copied")


def copy_text(result: CopyResult, verb: str) -> str:
    """Return the result of a copy in two lines."""
    copied = f"{pluralize(result.entries, 'entry', 'entries')} and {pluralize(result.files, 'file')}"
    mended = f", {result.replaced} of them in place of damaged ones" if result.replaced else ""
    left = f"; {pluralize(result.erased, 'file')} erased on purpose" if result.erased else ""
    there = f"{pluralize(result.entries_there, 'entry', 'entries')} and {pluralize(result.files_there, 'file')}"
    newest = f"entry {result.number} of {sanitize_text(result.newest_at)} (SHA-256 {result.digest})"
    return (
        f"{verb} {copied} ({format_bytes(result.bytes)}){mended}, from {sanitize_text(result.source)} to "
        f"{sanitize_text(result.target)}\n"
        f"skipped {there} ({format_bytes(result.bytes_there)}) that were there{left}; the newest is {newest}"
    )


def format_bytes(number: int) -> str:
    """Print a number of bytes in the largest unit that keeps a digit before the point."""
    size, unit = float(number), 0
    while size >= 1000 and unit + 1 < len(_UNITS):
        size, unit = size / 1000, unit + 1
    return f"{number:,} {_UNITS[0]}" if not unit else f"{size:.1f} {_UNITS[unit]}"


def _progress_line(line: str) -> None:
    click.echo(f"mlci: {line}", err=True)
