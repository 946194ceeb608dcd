"""``mlci restore``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.registry.copies import run_copy, show_copy
from mlci.cli.registry.copy_stores import open_copy
from mlci.cli.registry_factory import load_with_registry, update_mlflow_aliases


@click.command()
@click.argument("url")
@options.config
@options.as_json
def command(url: str, config_path: Path, *, as_json: bool) -> int:
    """Bring the registry back from its backup: an empty one, one that is older, or one with missing or damaged files.

    Every file that the registry has is verified by its digest and replaced if it is damaged. Nothing of the ledger is
    overwritten: a registry that holds another history than the backup is refused, and one that is newer keeps its
    entries.

    \b
    Exit codes: 0 the registry has everything of the backup · 2 configuration or URL
                4 a registry failed, or the backup is damaged or incomplete

    \b
    Examples:
      mlci restore s3://backups/models
      mlci restore /mnt/backup --json
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, registry = load_with_registry(config_path)
    source = open_copy(loaded, url, registry.store)
    result = run_copy(source, registry.store, contents=True)
    if words := update_mlflow_aliases(registry):
        click.echo(words, err=True)
    show_copy(result, "restored", as_json=as_json)
    return 0
