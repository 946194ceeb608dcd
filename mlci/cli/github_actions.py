"""Step outputs and job summary for GitHub's runner.

Source: GitHub's documentation, "Workflow commands for GitHub Actions", *Setting an output parameter* and *Adding a job
summary*. Nothing is ever written to ``GITHUB_ENV`` or ``GITHUB_PATH``.

Outside of a workflow the runner's variables are not set, and nothing is written.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from mlci.cli.github_env import read_workflow
from mlci.report.comment import SUMMARY_BUDGET, render_summary
from mlci.report.document import Report
from mlci.report.text.markup import Markdown
from mlci.util.safe_files import append_bounded

NO_ROOM = "The report does not fit into the rest of this step's summary; the artifact contains all of it.\n"


def write_outputs(path: Path | None, values: Mapping[str, str]) -> str | None:
    """Append outputs, each between random delimiters; return the problem, if there was one."""
    if path is None:
        return None
    return _append(path, "".join(_output(name, value) for name, value in values.items()))


def write_summary(path: Path | None, render: Callable[[int], str]) -> str | None:
    """Append ``render(bytes)`` to the job summary, given the bytes that are left; return the problem, if any."""
    if path is None:
        return None
    try:
        room = SUMMARY_BUDGET - (path.stat().st_size if path.exists() else 0)
        text = render(room)
    except OSError as error:
        return f"can't write to {path}: {error.strerror}"
    except ValueError:  # not even the verdict fits
        text = NO_ROOM
    if len(text.encode()) > room:
        text = NO_ROOM
    return _append(path, f"{text.rstrip()}\n\n") if len(text.encode()) + 2 <= room else None


def _output(name: str, value: str) -> str:
    delimiter = f"mlci-{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _append(path: Path, text: str) -> str | None:
    try:
        append_bounded(path, text.encode("utf-8", "replace"))
    except OSError as error:
        return f"can't write to {path}: {error.strerror}"
    return None


_LONGEST = 2_500  # of a line; the longest is a note or a reason from the ledger


def write_step_result(outputs: Mapping[str, object], text: str, *, report: Report | None = None) -> None:
    """Write outputs, the decision, and the report if it is a new one.

    Args:
        outputs: By name; ``None`` is written as an empty text, a boolean as `true` or `false`.
        text: Lines as on the terminal.
        report: A report that no earlier step has shown.
    """
    workflow = read_workflow(os.environ)
    problems = [write_outputs(workflow.output, {name: _said(value) for name, value in outputs.items()})]
    written = Markdown()
    lines = [f"- {written.text(line, longest=_LONGEST)}" for line in text.splitlines()]
    problems.append(write_summary(workflow.summary, lambda _: "\n".join(lines)))
    if report is not None:
        links = workflow.links(report.candidate.commit)
        problems.append(write_summary(workflow.summary, lambda room: render_summary(report, links=links, budget=room)))
    for problem in filter(None, problems):
        click.echo(problem, err=True)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
