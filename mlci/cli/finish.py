"""The end of a run: report first, exit code last."""

from pathlib import Path

import click

from mlci.cli.build import terminal_style
from mlci.cli.output import clear, write_all
from mlci.report.document import Report
from mlci.report.read import dump
from mlci.report.render import render_all
from mlci.report.terminal import terminal

FILES = ("report.json", "comment.md", "summary.md", "junit.xml", "evaluation.json", "origins.json")
BLOCKED = 1


def begin(out: Path) -> None:
    """Remove an earlier run's files: should this one fail, nothing stale stands in for it."""
    from mlci.usecases import bundle  # noqa: PLC0415 (only for commands that run)

    clear(out, FILES)
    bundle.clear(out)


def ready(out: Path) -> None:
    """Make sure that the folder can be written to, before hours of training and not after.

    Raises:
        InputError: It can't.
    """
    write_all(out, {".mlci-writable": ""})
    clear(out, (".mlci-writable",))


def finish(report: Report, out: Path, *, as_json: bool, more: dict[str, str] | None = None) -> int:
    """Write everything that is rendered from the report, show it, and return the exit code."""
    save(report, out, more=more)
    show(report, as_json=as_json)
    if not as_json:
        click.echo(f"\nreport: {out / 'report.json'}", err=True)
    return BLOCKED if report.verdict == "block" else 0


def save(report: Report, out: Path, *, more: dict[str, str] | None = None) -> str:
    """Write everything that is rendered from the report; return the text of report.json."""
    text = dump(report)
    write_all(out, {"report.json": text, **render_all(report), **(more or {})})
    return text


def show(report: Report, *, as_json: bool) -> None:
    """Print the report: for people, or the document itself."""
    colour, width = terminal_style()
    if as_json:
        click.echo(dump(report), nl=False)
    else:
        click.echo(terminal(report, colour=colour, width=width), color=colour, nl=False)
