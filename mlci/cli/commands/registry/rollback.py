"""``mlci rollback``."""

import os
from dataclasses import asdict
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry.ledger_words import ledger_text
from mlci.cli.registry.outcomes import rollback_text
from mlci.cli.registry_factory import open_registry, update_mlflow_aliases, with_intent
from mlci.cli.wiring import load_configuration
from mlci.operations.registry.rollback import roll_back
from mlci.util.json_text import pretty_json


@click.command()
@options.config
@options.as_json
@click.option("--to", type=click.IntRange(min=1), help="Version to roll back to; by default the previous one.")
@click.option("--take-alias", is_flag=True, help="Move MLflow's `champion` alias although mlci did not set it.")
@click.option("--reason", required=True, help="Reason, recorded in the ledger with the author.")
def command(config_path: Path, *, as_json: bool, to: int | None, reason: str, take_alias: bool) -> int:
    """Roll production back to an earlier version, in one step.

    First, the digest of every file of that version is verified. If the command is repeated after an unknown outcome, it
    finds its own entry and does not roll back a second time.

    \b
    Examples:
      mlci rollback --reason "scores drift since Monday"
      mlci rollback --to 3 --reason "version 4 and 5 share the bug"
    """  # noqa: D301 (click's mark against rewrapping)
    why = ledger_text(reason, "--reason")
    if why is None:
        raise click.UsageError("--reason must not be empty: it is recorded in the ledger for other readers")
    loaded, folder = load_configuration(config_path), config_path.parent
    registry = open_registry(loaded, folder, writes=True)
    with with_intent(registry, folder, os.environ, "rollback", {"to": to}) as intended:
        done = roll_back(intended, to=to, reason=why)
    text = rollback_text(done)
    document = {name: value for name, value in asdict(done).items() if name != "earlier" or value is not None}
    click.echo(pretty_json(document) if as_json else text)
    outputs = {"rolled-back": done.entry is not None, "version": done.version, "replaced": done.replaced}
    write_step_result(outputs, f"{text}: {why}")
    if words := update_mlflow_aliases(registry, take_alias=take_alias):
        click.echo(words, err=True)
    return 0
