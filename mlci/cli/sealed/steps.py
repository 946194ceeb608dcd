"""Steps of `mlci sealed gate` and `mlci sealed open`: gate, files, job summary, outputs, messages, exit code."""

import os
from pathlib import Path

import click

from mlci.cli.github_actions import Workflow, write_outputs, write_summary
from mlci.cli.output_files import clear_output, write_files
from mlci.cli.publishing.console import PublishConsole
from mlci.cli.publishing.steps import raise_failures
from mlci.cli.run_output import REPORT_FILES, save_files
from mlci.cli.sealed.wiring import sealed_gate, training_run
from mlci.execution.sanitize import sanitize
from mlci.operations.sealed.gate import SealedGate, SealedOutcome, conclude_training
from mlci.operations.sealed.open import open_training
from mlci.publish import result
from mlci.publish.plan import NothingToPublish
from mlci.publish.result import Finished, Unfinished
from mlci.report.comment import render_summary
from mlci.report.document import Report


def gate_now(
    workflow: Workflow,
    config: Path,
    out: Path,
    *,
    number: int | None,
    train_workflow: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Judge a training run; return the exit code of the verdict.

    Raises:
        InputError: if the event names no run, or repository, token or model are unknown.
        OutsideError: if GitHub failed; everything else was written.
    """
    clear_output(out, (*REPORT_FILES, "unfinished.md"))
    run = number or training_run(workflow)
    console = _console(as_json=as_json)
    with sealed_gate(workflow, config, train_workflow=train_workflow, publishes=not dry_run) as gate:
        outcome = conclude_training(gate, run)
        files = _write(gate, outcome, out)
        _runner_files(workflow, gate, outcome, console, files)
        _report(console, outcome, gate.model)
        if dry_run and files and not as_json:
            click.echo("\n".join(sanitize(line) for line in files[0].read_text(encoding="utf-8").splitlines()))
    raise_failures(outcome.done)
    return outcome.code


def open_gate(workflow: Workflow, config: Path, *, number: int | None, train_workflow: str, as_json: bool) -> int:
    """Open check and status of a training run's head.

    Raises:
        InputError: if the event names no run, or repository, token or model are unknown.
        OutsideError: if GitHub failed.
    """
    run, console = number or training_run(workflow), _console(as_json=as_json)
    with sealed_gate(workflow, config, train_workflow=train_workflow) as gate:
        outcome = open_training(gate, run)
        _report(console, outcome, gate.model)
    raise_failures(outcome.done)
    return outcome.code


def _console(*, as_json: bool) -> PublishConsole:
    return PublishConsole(as_json=as_json, in_actions=os.environ.get("GITHUB_ACTIONS") == "true")


def _write(gate: SealedGate, outcome: SealedOutcome, out: Path) -> list[Path]:
    """Write the report's files, or why there is none; return the one to print first."""
    if outcome.report is not None:
        save_files(outcome.report, out)
        return [out / "comment.md"]
    if isinstance(outcome.result, Unfinished):
        write_files(out, {"unfinished.md": _unfinished(gate, outcome.result, outcome)})
        return [out / "unfinished.md"]
    return []


def _unfinished(gate: SealedGate, found: Unfinished, outcome: SealedOutcome) -> str:
    head = outcome.target.head if outcome.target else None
    return result.unfinished_text(found, model=gate.model, head=head, links=gate.links(head or ""))


def _runner_files(
    workflow: Workflow, gate: SealedGate, outcome: SealedOutcome, console: PublishConsole, files: list[Path]
) -> None:
    """Write the job summary and the outputs."""
    found, done = outcome.report, outcome.done
    if found is not None:
        report: Report = found
        links = gate.links(report.candidate.commit or "")
        console.trouble(write_summary(workflow.summary, lambda room: render_summary(report, links=links, budget=room)))
    elif files:
        console.trouble(write_summary(workflow.summary, lambda _: files[0].read_text(encoding="utf-8")))
    verdict = found.verdict if found is not None else "error" if outcome.result is not None else ""
    verdict = "error" if done.foreign else verdict
    outputs = {
        "verdict": verdict,
        "model": gate.model if files else "",
        "report": str(files[0].parent / "report.json") if found is not None else "",
        "baseline-version": (found.baseline.version if found is not None else None) or "",
        "comment-url": done.comment.url if done.comment else "",
        "check-url": done.check.url if done.check else "",
    }
    console.trouble(write_outputs(workflow.output, outputs))


def _report(console: PublishConsole, outcome: SealedOutcome, model: str) -> None:
    """Print what was done, and end the JSON document."""
    if outcome.result is not None:
        console.verdict(outcome.result, model)
    elif outcome.why is not None:
        console.line(f"{model}: {outcome.why}")
    if outcome.target is None:
        console.quiet(NothingToPublish(why=outcome.why or "nothing is known about the run"))
    else:
        console.done(outcome.done, outcome.target)
    for line in outcome.result.details if isinstance(outcome.result, Unfinished) else ():
        console.remark("error", line)
    verdict = outcome.result.report.verdict if isinstance(outcome.result, Finished) else None
    console.end(verdict=verdict, code=outcome.code)
