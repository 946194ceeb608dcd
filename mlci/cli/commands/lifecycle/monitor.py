"""``mlci monitor``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.output_files import write_files
from mlci.cli.registry_factory import clock, open_registry
from mlci.cli.standard_output import terminal_style
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import CheckedConfig
from mlci.config.models import MetricsConfig
from mlci.errors import InputError, ProductionCode
from mlci.monitor.document import MonitorDocument
from mlci.operations.monitor.monitor import MonitorResult, monitor_production
from mlci.report.monitor.terminal import render_monitor
from mlci.util.json_text import pretty_json

CODES = {
    "ok": ProductionCode.FINE,
    "warn": ProductionCode.FINE,
    "alarm": ProductionCode.ACT,
    "unknown": ProductionCode.COULD_NOT_TELL,
}


@click.command()
@options.config
@options.out
@options.as_json
@click.option("--now", help="Judge the windows that were complete at this time in UTC, such as 2026-11-30T12:00.")
def command(config_path: Path, out: Path, *, as_json: bool, now: str | None) -> int:
    """Compare production with the evaluation set of the version in production, window by window.

    Reads the log of `monitor:` in mlci.yml. Drift informs or warns; a fall of quality beyond a gate, by the labels that
    arrived, alarms. The history is in the registry; a window that is judged twice is one record. Exit code 1 is an
    alarm, 6 means that the rows or labels could not tell.

    \b
    Example:
      mlci monitor --config mlci.yml
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)
    config = loaded.config
    if isinstance(config, MetricsConfig) or config.monitor is None:
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
    write_files(out, {"monitor.json": text})
    colour, width = terminal_style()
    shown = render_monitor(document, colour=colour and not as_json, width=width)
    click.echo(text if as_json else shown, nl=False)
    write_step_result({"state": document.state, "version": document.version}, f"monitor: {document.state}")
    return CODES[document.state]


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
