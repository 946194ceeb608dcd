"""``mlci fetch``."""

import os
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.build import configuration, tools
from mlci.cli.output import OURS, keep_out_of_git
from mlci.cli.outputs import write_outputs
from mlci.cli.registry import remote, store
from mlci.cli.workflow import workflow
from mlci.registry.copying import Copying
from mlci.usecases.fetch import fetch

PLACE = "fetched"


@click.command()
@options.config
def command(config_path: Path) -> int:
    """Copy what `mlci run` will read from the registry, so that the run itself needs neither network nor token.

    The copy lies in `.mlci/fetched` beside the configuration. Its digest is printed, and written to the step's outputs
    as `fetched`, beside the name of the `model`: `mlci run --fetched DIGEST` reads that copy and no other. Where no
    registry is asked over the network, there is nothing to copy and the digest is empty.

    \b
    Example:
      mlci fetch                   # with a token that may read the registry
      mlci run --fetched DIGEST    # without
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = configuration(config_path)
    folder = config_path.parent
    digest, outputs = "", workflow(os.environ).output
    problem = write_outputs(outputs, {"model": loaded.config.model})  # names artifacts, also of a run that fails here
    if loaded.config.baseline == "production" and remote(loaded):
        keep_out_of_git(folder / OURS)
        copying = Copying(store(loaded, folder, dict(os.environ)), folder / OURS / PLACE)
        with tools(folder, registry=copying, place=loaded.config.registry) as effects:
            number = fetch(loaded, effects, folder=folder)
        digest = copying.seal()
        what = "no version yet" if number is None else f"version {number}"
        click.echo(f"fetched {what} from {copying.shown}: {digest}")
    else:
        click.echo("nothing to fetch: no registry is asked over the network")
    problem = write_outputs(outputs, {"fetched": digest}) or problem
    if problem is not None:
        click.echo(problem, err=True)
    return 0
