"""``mlci fetch``."""

import os
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import read_workflow, write_outputs
from mlci.cli.output_files import OURS, keep_out_of_git
from mlci.cli.registry_factory import build_store, is_remote, reads_registry
from mlci.cli.wiring import load_configuration, run_context
from mlci.execution.sanitize import sanitize
from mlci.operations.registry.fetch import fetch_for_run
from mlci.registry.registry import Registry
from mlci.registry.stores.snapshot import SnapshotWriter

PLACE = "fetched"


@click.command()
@options.config
def command(config_path: Path) -> int:
    """Copy what `mlci run` will read from the registry, so that the run itself needs neither network nor token.

    The copy is written to `.mlci/fetched` beside the configuration. Its digest is printed, and written to the step's
    outputs as `fetched`, beside the name of the `model`: `mlci run --fetched DIGEST` reads only the copy with that
    digest. If the registry is not read over the network, there is nothing to copy and the digest is empty.

    \b
    Example:
      mlci fetch                   # with a token that may read the registry
      mlci run --fetched DIGEST    # without a token
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)
    folder = config_path.parent
    digest, outputs = "", read_workflow(os.environ).output
    problem = write_outputs(outputs, {"model": loaded.config.model})  # names artifacts, also of a run that fails here
    if reads_registry(loaded) and is_remote(loaded):
        keep_out_of_git(folder / OURS)
        copying = SnapshotWriter(build_store(loaded, folder, dict(os.environ)), folder / OURS / PLACE)
        with run_context(loaded, registry=Registry(copying)) as context:
            number = fetch_for_run(context)
        digest = copying.seal()
        what = "no version yet" if number is None else f"version {number}"
        click.echo(f"fetched {what} from {sanitize(copying.shown)}: {digest}")
    else:
        click.echo("nothing to fetch: the registry is not read over the network")
    problem = write_outputs(outputs, {"fetched": digest}) or problem
    if problem is not None:
        click.echo(problem, err=True)
    return 0
