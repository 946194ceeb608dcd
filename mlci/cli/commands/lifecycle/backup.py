"""``mlci backup``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.registry.anchor_option import anchor_option, check_given_anchor, keep_given_anchor
from mlci.cli.registry.copies import run_copy, show_copy
from mlci.cli.registry.copy_stores import open_copy
from mlci.cli.registry_factory import load_with_registry
from mlci.operations.recovery.copy_registry import CopyResult
from mlci.recovery.anchor import Anchor


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


def _older_registry(result: CopyResult, url: str) -> str:
    """Return the fault that the registry ends before its backup."""
    first, last = result.number + 1, result.number + result.ahead
    lost = f"entry {last}" if first == last else f"entries {first} to {last}"
    return (
        f"{result.source} ends at entry {result.number}, and its backup at entry {last}: the registry was cut back or "
        f"replaced by an older copy. `mlci restore {url}` brings {lost} back"
    )
