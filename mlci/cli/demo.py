"""``mlci demo``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.build import configuration, facts, tools
from mlci.cli.finish import begin, finish
from mlci.demo.project import write
from mlci.errors import InputError
from mlci.report.document import Candidate
from mlci.usecases.run import run


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the demo's project and its report; .mlci/demo, or .mlci/lifecycle.",
)
@options.as_json
@click.option("--regress", is_flag=True, help="Plant a regression in the candidate and see it blocked (exit code 1).")
@click.option("--lifecycle", is_flag=True, help="See models promoted, blocked and rolled back, step by step.")
def command(out: Path | None, *, as_json: bool, regress: bool, lifecycle: bool) -> int:
    """See all of it on real data: 442 patients, two models, five gates; no network, no configuration.

    \b
    Examples:
      mlci demo
      mlci demo --regress
      mlci demo --lifecycle
    """  # noqa: D301 (click's mark against rewrapping)
    if lifecycle:
        from mlci.cli.lifecycle import tell  # noqa: PLC0415 (only for this story)

        return tell(out or Path(".mlci/lifecycle"), as_json=as_json)
    out = out or Path(".mlci/demo")
    begin(out)
    try:
        path = write(out, regress=regress)
    except ImportError as error:
        raise InputError("the demo trains with scikit-learn: pip install 'mlci[metrics]'") from error
    loaded = configuration(path)
    with tools(out) as effects:
        report = run(loaded, effects, folder=out, facts=facts(loaded)).report
    report = report.model_copy(update={"candidate": Candidate()})  # the repository around it has nothing to do with it
    return finish(report, out, as_json=as_json)
