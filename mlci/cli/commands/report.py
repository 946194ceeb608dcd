"""``mlci report``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.earlier_output import read_report_file
from mlci.cli.output_files import write_files
from mlci.cli.run_output import print_report
from mlci.report.render import render_all


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Output folder; by default the report's.")
@click.option("--all", "details", is_flag=True, help="Print all metrics, groups and changes, too.")
@options.as_json
def command(path: Path, out: Path | None, *, details: bool, as_json: bool) -> int:
    """Render a report.json again: page, comment, job summary, JUnit and terminal output, from this file alone.

    \b
    Examples:
      mlci report .mlci/out/report.json
      mlci report .mlci/out/report.json --all
    """  # noqa: D301 (click's mark against rewrapping)
    report = read_report_file(path)
    write_files(out or path.parent, render_all(report))
    print_report(report, as_json=as_json, details=details)
    return 0
