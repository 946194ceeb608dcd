"""``mlci rollback``."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.decided import leave
from mlci.cli.promote import noted
from mlci.cli.registry import opened, shown_to_users, writer
from mlci.usecases.rollback import RolledBack, rollback


@click.command()
@options.config
@options.as_json
@click.option("--to", type=click.IntRange(min=1), help="The version; left out, the one before the current one.")
@click.option("--reason", required=True, help="Why; kept in the ledger with who did it.")
def command(config_path: Path, *, as_json: bool, to: int | None, reason: str) -> int:
    """Make an earlier version the production version again, in one step.

    Every byte of that version is read and held against its digest first.

    \b
    Examples:
      mlci rollback --reason "scores drift since Monday"
      mlci rollback --to 3 --reason "version 4 and 5 share the bug"
    """  # noqa: D301 (click's mark against rewrapping)
    why = noted(reason, "--reason")
    if why is None:
        raise click.UsageError("--reason must say something: it is what others will find in the ledger")
    _, store = opened(config_path)
    done = rollback(store, writer(config_path.parent), to=to, reason=why)
    text = text_of(done)
    click.echo(json.dumps(asdict(done), indent=1) if as_json else text)
    outputs = {"rolled-back": done.entry is not None, "version": done.version, "replaced": done.replaced}
    leave(outputs, f"{text}: {why}")
    if words := shown_to_users(store):
        click.echo(words, err=True)
    return 0


def text_of(done: RolledBack) -> str:
    """Say what a roll-back came to."""
    if done.entry is None:
        return f"version {done.version} is in production already; nothing was written"
    return f"version {done.version} is in production again; version {done.replaced} is not (entry {done.entry})"
