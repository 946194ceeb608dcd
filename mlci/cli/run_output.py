"""Output of a run: the report first, the exit code last."""

from pathlib import Path

import click

from mlci.cli.output_files import clear_output, write_files
from mlci.cli.standard_output import terminal_style
from mlci.report.document import Report
from mlci.report.render import render_all
from mlci.report.serialization import dump_report
from mlci.report.terminal import render_terminal

REPORT_FILES = ("report.json", "report.html", "comment.md", "summary.md", "junit.xml")
BLOCKED = 1


def check_output(out: Path) -> None:
    """Check before a training that the folder can be written to.

    Raises:
        InputError: if it can't be written to.
    """
    write_files(out, {".mlci-writable": ""})
    clear_output(out, (".mlci-writable",))


def write_report(report: Report, out: Path, *, as_json: bool, more: dict[str, str] | None = None) -> int:
    """Write all files that are rendered from the report, print it, and return the exit code."""
    text = save_files(report, out, more=more)
    if as_json:
        click.echo(text, nl=False)
    else:
        print_report(report, as_json=False)
        page, document = out / "report.html", out / "report.json"
        click.echo(f"\nReport: {page}   (all metrics and groups as text: mlci report {document} --all)", err=True)
    return BLOCKED if report.verdict == "block" else 0


def save_files(report: Report, out: Path, *, more: dict[str, str] | None = None) -> str:
    """Write all files that are rendered from the report; return the text of report.json."""
    text = dump_report(report)
    write_files(out, {"report.json": text, **render_all(report), **(more or {})})
    return text


def print_report(report: Report, *, as_json: bool, details: bool = False) -> None:
    """Print the report as text, with all numbers if ``details`` is set, or report.json itself."""
    colour, width = terminal_style()
    if as_json:
        click.echo(dump_report(report), nl=False)
    else:
        click.echo(render_terminal(report, colour=colour, width=width, details=details), color=colour, nl=False)
