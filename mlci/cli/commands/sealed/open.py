"""``mlci sealed open``."""

import os
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import read_workflow
from mlci.cli.sealed.steps import open_gate
from mlci.sealed.identity import TRAIN_WORKFLOW


@click.command()
@options.config
@click.option("--run", "number", type=click.IntRange(min=1), help="Training run; by default the event's.")
@click.option(
    "--train-workflow",
    metavar="PATH",
    default=TRAIN_WORKFLOW,
    show_default=True,
    help="Workflow file that trains; a run of any other file is ignored.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(config_path: Path, *, number: int | None, train_workflow: str, as_json: bool) -> int:
    """Open check and status on the head of a training run, when the run is requested; `mlci sealed gate` ends them.

    Runs on `workflow_run: requested`. If GitHub waits for a maintainer's approval, the check explains it.

    \b
    Example:
      mlci sealed open --config mlci.yml
    """  # noqa: D301 (click's mark against rewrapping)
    return open_gate(
        read_workflow(os.environ), config_path, number=number, train_workflow=train_workflow, as_json=as_json
    )
