"""``mlci sealed gate``."""

import os
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import read_workflow
from mlci.cli.sealed.steps import gate_now
from mlci.sealed.identity import TRAIN_WORKFLOW


@click.command()
@options.config
@options.out
@click.option("--run", "number", type=click.IntRange(min=1), help="Training run to judge; by default the event's.")
@click.option(
    "--train-workflow",
    metavar="PATH",
    default=TRAIN_WORKFLOW,
    show_default=True,
    help="Workflow file that trains; a run of any other file is not judged.",
)
@click.option("--dry-run", is_flag=True, help="Judge and print, and write nothing to GitHub.")
@options.as_json
def command(
    config_path: Path, out: Path, *, number: int | None, train_workflow: str, dry_run: bool, as_json: bool
) -> int:
    """Judge the predictions of a finished training run, and publish the verdict on the pull request that it was for.

    Runs on `workflow_run: completed` in a checkout of the default branch, with the token in MLCI_TOKEN. It asks GitHub
    which commit and pull request the run was for, reads its predictions as data, and recomputes every number by the
    default branch's configuration, labels and registry.

    \b
    Examples:
      mlci sealed gate --config mlci.yml --out .mlci/out
      mlci sealed gate --run 1842 --dry-run
    """  # noqa: D301 (click's mark against rewrapping)
    workflow = read_workflow(os.environ)
    return gate_now(
        workflow, config_path, out, number=number, train_workflow=train_workflow, dry_run=dry_run, as_json=as_json
    )
