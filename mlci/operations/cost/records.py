"""Costs in the registry: record a run once, and list the months of a model."""

from itertools import islice
from pathlib import Path

from mlci.cost.budget import MICRO
from mlci.cost.energy import MILLIWATT_HOURS
from mlci.errors import InputError, OutsideError
from mlci.operations.context import RunContext, registry_of
from mlci.registry import ledger
from mlci.registry.entries import Entry
from mlci.registry.entry_kinds import CostRecord
from mlci.registry.registry import Registry, RegistryView
from mlci.report.document import Report, RunCost

SEARCHED = 500
"""Newest entries that are searched for the same report; one that is recorded later than that counts twice."""


def record_asked_cost(context: RunContext, report: Report, *, digest: str, path: Path) -> None:
    """Record the cost of a run beside its verdict, if its configuration asks for costs; a failure is only a warning.

    Args:
        context: Run context with registry and author.
        report: The report of the run.
        digest: SHA-256 of ``report.json``.
        path: ``report.json``, for the command that records the cost later.
    """
    if report.cost is None or not report.cost.asked:
        return
    try:
        record_cost(registry_of(context), report.cost, digest=digest, month=context.today[:7])
    except (InputError, OutsideError) as error:
        later = f"`mlci costs --record {path}` records it later"
        context.say(f"warning: the cost of this run was not recorded: {error}; {later}")


def record_cost(registry: Registry, cost: RunCost, *, digest: str, month: str) -> Entry | None:
    """Append the cost of a run to the ledger; ``None`` if the ledger has that report already.

    Args:
        registry: The registry, with an author.
        cost: Cost of the run, by its report.
        digest: SHA-256 of ``report.json``.
        month: ``YYYY-MM`` in UTC.

    Raises:
        InputError: if the cost of the report can't be that of a run, such as one below 0.
        OutsideError: if the registry can't be written to.
    """
    if _is_recorded(registry.view(), digest):
        return None
    body = _record_of(cost, digest=digest, month=month)
    return registry.append(lambda _: body)


def _record_of(cost: RunCost, *, digest: str, month: str) -> CostRecord:
    kwh = None if cost.energy is None else cost.energy.kwh
    try:
        return CostRecord(
            month=month,
            minutes=cost.minutes,
            micro_usd=None if cost.usd is None else round(cost.usd * MICRO),
            runner=cost.runner,
            report=digest,
            milliwatt_hours=None if kwh is None else round(kwh * MILLIWATT_HOURS),
        )
    except (ValueError, OverflowError) as error:  # a report is the claim of the job that wrote it
        found = f"{cost.minutes:,} minutes, {cost.usd} USD, {kwh} kWh"
        raise InputError(
            f"the report's cost can't be that of a run: {found}. None may be below 0, and the minutes are at most "
            "those of 35 days; run `mlci run` again, and record its report"
        ) from error


def _is_recorded(view: RegistryView, digest: str) -> bool:
    newest = islice(ledger.iter_newest_first(view.store, view.head), SEARCHED)
    return any(isinstance(entry.body, CostRecord) and entry.body.report == digest for entry in newest)
