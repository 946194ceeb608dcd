"""``mlci run``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.build import configuration, facts, tools
from mlci.cli.finish import begin, finish, ready
from mlci.usecases.run import run


@click.command()
@options.config
@options.out
@options.as_json
@click.option("--no-cache", is_flag=True, help="Make a baseline from a reference anew, even if it was made before.")
def command(config_path: Path, out: Path, *, as_json: bool, no_cache: bool) -> int:
    """Train, predict, compare with the baseline, judge, and report.

    \b
    Examples:
      mlci run
      mlci run --config models/churn/mlci.yml --out reports
    """  # noqa: D301 (click's mark against rewrapping)
    begin(out)
    loaded = configuration(config_path)
    ready(out)
    folder = config_path.parent
    with tools(folder, cached=not no_cache) as effects:
        report = run(loaded, effects, folder=folder, facts=facts(loaded))
    return finish(report, out, as_json=as_json)
