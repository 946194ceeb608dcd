"""``mlci costs``."""

import re
import shutil
from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.earlier_output import read_report_file
from mlci.cli.registry_factory import load_with_registry, open_registry
from mlci.cli.wiring import load_configuration, today
from mlci.config.loader import LoadedConfig
from mlci.cost.budget import MICRO
from mlci.cost.energy import MILLIWATT_HOURS
from mlci.errors import InputError
from mlci.operations.cost.records import record_cost
from mlci.registry.spending import KEPT_MONTHS, MonthOfCosts
from mlci.report.text.markup import Plain
from mlci.report.text.number_format import number_style, pluralize
from mlci.report.text.tables import ReportColumn, build_table
from mlci.report.text.terminal_layout import lay_out
from mlci.util.digests import sha256_of
from mlci.util.json_text import pretty_json

Months = dict[str, MonthOfCosts]
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def _month(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _MONTH.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not a month; write it as 2026-11")
    return value


@click.command()
@click.argument("configs", metavar="[CONFIG]...", nargs=-1, type=click.Path(path_type=Path))
@options.config
@options.as_json
@click.option("--month", callback=_month, help="Only this month, such as 2026-11.")
@click.option(
    "--record",
    "report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Record the cost of this report.json in the registry first, once.",
)
def command(
    configs: tuple[Path, ...], config_path: Path, *, as_json: bool, month: str | None, report: Path | None
) -> int:
    """List what recorded runs cost, by model and month, newest first, and the share of each budget.

    Runs are recorded by `mlci run --record` if mlci.yml has `cost:` or a gate on a cost, and by this command with
    `--record` in a job that may write to the registry. The newest 13 months are listed. A run whose price is unknown is
    counted, and is not in the sum.

    \b
    Examples:
      mlci costs
      mlci costs --month 2026-11 --json
      mlci costs models/churn/mlci.yml models/risk/mlci.yml
      mlci costs --record .mlci/out/report.json
    """  # noqa: D301 (click's mark against rewrapping)
    if report is not None:
        _record(configs[0] if configs else config_path, report)
    models = [_load(path, month) for path in configs or (config_path,)]
    click.echo(pretty_json({"models": models}) if as_json else _text(models))
    return 0


def _record(config_path: Path, path: Path) -> None:
    """Record the cost of a report."""
    loaded, document = load_configuration(config_path), read_report_file(path)
    if document.model != loaded.config.model:
        raise InputError(f"{path} is about the model {document.model}, and {config_path} about {loaded.config.model}")
    if document.cost is None:
        raise InputError(f"{path} has no cost; an older mlci, or a job that ran no step, wrote it")
    registry = open_registry(loaded, config_path.parent, writes=True)
    digest = sha256_of(path.read_bytes())
    entry = record_cost(registry, document.cost, digest=digest, month=today()[:7])
    click.echo("recorded before" if entry is None else f"recorded as entry {entry.number}", err=True)


def _load(config_path: Path, month: str | None) -> dict[str, Any]:
    """Return the months of one model, newest first."""
    loaded, registry = load_with_registry(config_path)
    spent: Months = registry.view().state.spent or {}
    months = {name: found for name, found in spent.items() if month in {None, name}}
    rows = [_row(loaded, name, months[name]) for name in sorted(months, reverse=True)]
    return {"model": loaded.config.model, "budget_usd_per_month": _budget(loaded), "months": rows}


def _budget(loaded: LoadedConfig) -> float | None:
    return loaded.config.cost.budget_usd_per_month if loaded.config.cost is not None else None


def _row(loaded: LoadedConfig, name: str, month: MonthOfCosts) -> dict[str, Any]:
    usd, budget = month.micro_usd / MICRO, _budget(loaded)
    share = None if budget is None else round(usd / budget, 6)
    facts = {"runs": month.runs, "minutes": month.minutes, "usd": usd, "unpriced": month.unpriced}
    kwh = month.milliwatt_hours / MILLIWATT_HOURS if month.metered else None
    return {"month": name, **facts, "share_of_budget": share, "kwh": kwh, "metered": month.metered}


def _text(models: list[dict[str, Any]]) -> str:
    rows = [(one["model"], row) for one in models for row in one["months"]]
    if not rows:
        return (
            "no costs are recorded; `mlci run --record` records them if mlci.yml has `cost:` or a gate on a cost, and "
            "`mlci costs --record REPORT` those of a report"
        )
    width = shutil.get_terminal_size((100, 24)).columns
    unpriced = sum(row["unpriced"] for _, row in rows)
    note = f"\n{pluralize(unpriced, 'run')} without a known price: not in the sums" if unpriced else ""
    unmetered = sum(row["runs"] - row["metered"] for _, row in rows)
    if unmetered and any(row["metered"] for _, row in rows):
        note += f"\n{pluralize(unmetered, 'run')} without a known energy: not in the sums"
    return f"{lay_out(_table(rows), width=width)}{note}\nat most {KEPT_MONTHS} months a model"


def _table(rows: list[tuple[str, dict[str, Any]]]) -> Any:  # noqa: ANN401
    d, style = Plain(), number_style([row["usd"] for _, row in rows], unit="usd")
    shares = [row["share_of_budget"] for _, row in rows]
    columns = [
        ReportColumn(d.number("Model"), [d.text(model) for model, _ in rows], name=True),
        ReportColumn(d.number("Month"), [d.text(row["month"]) for _, row in rows], name=True),
        ReportColumn(d.number("Runs"), [d.number(str(row["runs"])) for _, row in rows], right=True),
        ReportColumn(d.number("Minutes"), [d.number(f"{row['minutes']:,}") for _, row in rows], right=True),
        ReportColumn(d.number("Cost"), [d.number(style.value(row["usd"])) for _, row in rows], right=True),
        ReportColumn(
            d.number("Of budget"),
            [None if share is None else d.number(f"{share * 100:.0f} %") for share in shares],
            right=True,
        ),
    ]
    if any(row["kwh"] is not None for _, row in rows):
        energy = number_style([row["kwh"] for _, row in rows], unit="kwh")
        cells = [energy.value(row["kwh"], missing="unknown") for _, row in rows]
        columns.append(ReportColumn(d.number("Energy"), [d.number(cell) for cell in cells], right=True))
    return build_table(d, columns)
