"""``mlci backup``."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.commands.lifecycle.anchor_option import anchor_option, check_given_anchor, keep_given_anchor
from mlci.cli.commands.registry.versions import sanitize_text
from mlci.cli.copy_stores import open_copy
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry_factory import load_with_registry
from mlci.operations.recovery.copy_registry import CopyOptions, CopyResult, copy_registry
from mlci.recovery.anchor import Anchor
from mlci.registry.errors import CorruptError
from mlci.registry.stores.interface import Store
from mlci.report.text.number_format import pluralize
from mlci.util.json_text import pretty_json

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@click.command()
@click.argument("url")
@options.config
@options.as_json
@click.option("--files", is_flag=True, help="Read and verify every file of the backup, and replace damaged ones.")
@anchor_option
def command(url: str, config_path: Path, *, as_json: bool, files: bool, anchor: str) -> int:
    """Copy what a backup of the registry lacks, and verify all of it by digest.

    URL is a folder, `s3://…`, `gs://…`, `az://…`, `github` or `mlflow:…`, as in `registry:`. Variables with
    `MLCI_BACKUP_` before their name, such as `MLCI_BACKUP_AWS_ACCESS_KEY_ID`, are the backup's own credentials.

    A backup that was interrupted goes on where it stopped. A place that holds another history is refused.

    \b
    Exit codes: 0 the backup is complete · 2 configuration or URL
                4 a registry failed, is damaged, or has fewer entries than its backup

    \b
    Examples:
      mlci backup s3://backups/models
      mlci backup /mnt/backup --files --json
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, registry = load_with_registry(config_path)
    target = open_copy(loaded, url, registry.store)
    check_given_anchor(registry.store, anchor)
    result = run_copy(registry.store, target, contents=files)
    if result.ahead:
        result.faults.insert(0, _older_registry(result, url))
    else:
        keep_given_anchor(Anchor(number=result.number, digest=result.digest), anchor)
    show_copy(result, "backed up", as_json=as_json)
    return 0


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


def _older_registry(result: CopyResult, url: str) -> str:
    """Return the fault that the registry ends before its backup."""
    first, last = result.number + 1, result.number + result.ahead
    lost = f"entry {last}" if first == last else f"entries {first} to {last}"
    return (
        f"{result.source} ends at entry {result.number}, and its backup at entry {last}: the registry was cut back or "
        f"replaced by an older copy. `mlci restore {url}` brings {lost} back"
    )


def _progress_line(line: str) -> None:
    click.echo(f"mlci: {line}", err=True)
