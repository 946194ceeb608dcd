"""What commands on the registry leave for GitHub's runner: outputs of the step, lines in the job's summary.

Elsewhere the runner's variables are not set, and nothing is written.
"""

import os
from collections.abc import Mapping

import click

from mlci.cli.outputs import write_outputs, write_summary
from mlci.cli.workflow import workflow
from mlci.report.dialect import Markdown
from mlci.report.document import Report
from mlci.report.summary import summary

_LONGEST = 2_500  # of a line; the longest is a note or a reason from the ledger


def leave(outputs: Mapping[str, object], text: str, *, report: Report | None = None) -> None:
    """Write outputs, what was decided, and the report that it rests on where that is a new one.

    Args:
        outputs: By name; ``None`` is written as nothing, a truth value as `true` or `false`.
        text: Lines as on the terminal.
        report: A report that no step before has shown.
    """
    here = workflow(os.environ)
    told = [write_outputs(here.output, {name: _said(value) for name, value in outputs.items()})]
    written = Markdown()
    lines = [f"- {written.text(line, longest=_LONGEST)}" for line in text.splitlines()]
    told.append(write_summary(here.summary, lambda _: "\n".join(lines)))
    if report is not None:
        links = here.links(report.candidate.commit)
        told.append(write_summary(here.summary, lambda room: summary(report, links=links, budget=room)))
    for problem in filter(None, told):
        click.echo(problem, err=True)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
