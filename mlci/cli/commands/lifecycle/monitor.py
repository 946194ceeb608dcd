"""``mlci monitor``."""

import os
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.events.current import github_access, github_patience
from mlci.cli.github_actions import write_step_result
from mlci.cli.output_files import write_files
from mlci.cli.registry_factory import clock, open_registry
from mlci.cli.repository_access import find_repository_access
from mlci.cli.standard_output import terminal_style
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.lifecycle.monitor import Monitor
from mlci.config.loader import CheckedConfig
from mlci.config.models import WithoutRows
from mlci.errors import InputError, ProductionCode
from mlci.github.issues import IssueClient
from mlci.github.transport import transport
from mlci.monitor.document import MonitorDocument
from mlci.operations.monitor.monitor import MonitorResult, monitor_production
from mlci.operations.monitor.publish_issue import IssuePublished, publish_issue, request_retraining
from mlci.registry.registry import Registry
from mlci.report.monitor.page import render_monitor_page
from mlci.report.monitor.terminal import render_monitor
from mlci.report.monitor.words import summary_lines
from mlci.util.json_text import pretty_json

CODES = {
    "ok": ProductionCode.FINE,
    "warn": ProductionCode.FINE,
    "alarm": ProductionCode.ACT,
    "unknown": ProductionCode.COULD_NOT_TELL,
}


@click.command()
@options.config
@options.output_folder("Folder for monitor.json and monitor.html.")
@options.as_json
@click.option(
    "--publish",
    is_flag=True,
    help="Open, update or close the model's issue on GitHub, and send the event of `retrain`.",
)
@click.option("--now", help="Judge the windows that were complete at this time in UTC, such as 2026-11-30T12:00.")
def command(config_path: Path, out: Path, *, as_json: bool, publish: bool, now: str | None) -> int:
    """Compare production with the evaluation set of the version in production, window by window.

    Reads the log of `monitor:` in mlci.yml. Drift informs or warns; a fall of quality beyond a gate, by the labels that
    arrived, alarms. The history is in the registry; a window that is judged twice is one record. Exit code 1 is an
    alarm, 6 means that the rows or labels could not tell.

    \b
    Examples:
      mlci monitor --config mlci.yml
      mlci monitor --now 2026-11-30T12:00 --publish
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)
    config = loaded.config
    if isinstance(config, WithoutRows) or config.monitor is None:
        raise InputError(
            loaded.problem(
                "has no `monitor`; name the log and its time column:\n    monitor: {data: logs.csv, time: at}"
            )
        )
    registry = open_registry(loaded, config_path.parent, writes=True)
    with run_context(loaded, registry=registry, user_code=False, cached=False) as context:
        result = monitor_production(context.with_config(config), config.monitor, now=now or clock())
    document = build_document(loaded, result)
    text = pretty_json(document.model_dump(mode="json", by_alias=True)) + "\n"
    write_files(out, {"monitor.json": text, "monitor.html": render_monitor_page(document)})
    colour, width = terminal_style()
    shown = render_monitor(document, colour=colour and not as_json, width=width)
    click.echo(text if as_json else shown, nl=False)
    outputs = {"state": document.state, "version": document.version}
    done = IssuePublished()
    try:
        if publish:
            done = _publish(document, config.monitor, result, registry, config_path.parent)
    finally:
        write_step_result({**outputs, "issue-url": done.url}, "\n".join(summary_lines(document)))
    return CODES[document.state]


def _publish(
    document: MonitorDocument, settings: Monitor, result: MonitorResult, registry: Registry, folder: Path
) -> IssuePublished:
    """Show the state on GitHub; the registry has it already, so that a failure here loses nothing.

    Raises:
        InputError: if the token or the repository's name is missing.
        OutsideError: if GitHub failed.
    """
    access = find_repository_access(folder, os.environ)
    if access is None:
        raise InputError(
            "`--publish` needs a token and the repository's name:\n"
            "    export GITHUB_TOKEN=$(gh auth token) GITHUB_REPOSITORY=owner/name"
        )
    send = transport(github_access(access.api, access.token))
    github = IssueClient(send, repository=access.repository, patience=github_patience())
    done = publish_issue(document, settings, github)
    sent = request_retraining(document, settings, github, registry, history=result.history)
    words = [f"issue {done.did}: {done.url}"] if done.url else []
    words += [f"sent the event {settings.retrain}"] if sent else []
    for line in words:
        click.echo(f"mlci: {line}", err=True)
    return done


def build_document(loaded: CheckedConfig, result: MonitorResult) -> MonitorDocument:
    """Return the document of one run."""
    monitor, standing = loaded.config.monitor, result.standing
    return MonitorDocument(
        model=loaded.config.model,
        version=result.version,
        unit=monitor.window if monitor else "window",
        state=standing.state,
        since=standing.since,
        reason=standing.reason,
        entry=result.entry,
        series=standing.series,
        windows=result.findings,
        timeline=result.history.windows,
        notes=result.notes,
    )
