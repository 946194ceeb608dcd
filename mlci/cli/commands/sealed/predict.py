"""``mlci sealed predict``."""

import os
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import read_workflow, write_step_result
from mlci.cli.output_files import OURS, keep_out_of_git, refuse_link
from mlci.cli.wiring import load_configuration, run_context
from mlci.operations.sealed.predict import FILES, predict_sealed
from mlci.util.json_text import pretty_json

DEFAULT_SEALED_OUT = Path(".mlci/sealed")


@click.command()
@options.config
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_SEALED_OUT,
    show_default=True,
    help="Folder for predictions.csv and manifest.json; it holds nothing else.",
)
@options.as_json
def command(config_path: Path, out: Path, *, as_json: bool) -> int:
    """Train and predict in the pull request's checkout; writes the two files for the gate.

    It needs no token, no registry and no labels. `mlci sealed gate` reads the files, and believes only predictions.

    \b
    Example:
      mlci sealed predict --config mlci.yml --out .mlci/sealed
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)
    refuse_link(out)
    if out.parent.name == OURS:
        keep_out_of_git(out.parent)
    run = read_workflow(os.environ).run
    with run_context(loaded, cached=False) as context:
        made = predict_sealed(context, out, run_id=str(run.id) if run else None)
    text = f"{made.rows:,} predictions of {loaded.config.model}: {made.folder}"
    if as_json:
        click.echo(pretty_json({"folder": str(out), "artifact": made.artifact, "rows": made.rows, "files": FILES}))
    else:
        click.echo(text)
    write_step_result({"artifact": made.artifact, "rows": made.rows, "folder": made.folder}, text)
    return 0
