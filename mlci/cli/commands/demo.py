"""``mlci demo``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.run_output import prepare_output, write_report
from mlci.cli.wiring import load_configuration, report_context, run_context
from mlci.demo.project import write
from mlci.errors import InputError
from mlci.operations.run import run_and_judge
from mlci.report.document import Candidate


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the demo's project and report; by default .mlci/demo, or .mlci/lifecycle.",
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
        from mlci.cli.commands.demo_lifecycle import play_lifecycle  # noqa: PLC0415 (only for this story)

        return play_lifecycle(out or Path(".mlci/lifecycle"), as_json=as_json)
    out = out or Path(".mlci/demo")
    prepare_output(out)
    try:
        path = write(out, regress=regress)
    except ImportError as error:
        raise InputError("the demo trains with scikit-learn: pip install 'mlci[metrics]'") from error
    loaded = load_configuration(path)
    with run_context(out) as context:
        report = run_and_judge(loaded, context, folder=out, facts=report_context(loaded)).report
    report = report.model_copy(update={"candidate": Candidate()})  # the repository around it has nothing to do with it
    return write_report(report, out, as_json=as_json)
