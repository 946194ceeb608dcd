"""Recorded costs of a model by month, in the state of the ledger. Pure."""

from collections.abc import Mapping

from pydantic import SerializerFunctionWrapHandler, model_serializer

from mlci.registry.entry_kinds import CostRecord, Count, LedgerPart

KEPT_MONTHS = 13
"""Newest months with costs in a state, so that a month can be compared with the one a year before; each takes some 70
bytes in every entry. Records of older months stay in the ledger."""


class MonthOfCosts(LedgerPart):
    """The recorded runs of one month.

    Attributes:
        runs: Number of runs.
        minutes: Their billed minutes.
        micro_usd: Their price in millionths of a dollar, without the runs of an unknown price.
        unpriced: Number of runs of an unknown price.
        metered: Number of runs of a known energy.
        milliwatt_hours: Their energy.
    """

    runs: Count = 0
    minutes: Count = 0
    micro_usd: Count = 0
    unpriced: Count = 0
    metered: Count = 0
    milliwatt_hours: Count = 0

    @model_serializer(mode="wrap")
    def _without_energy(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Leave energy out of the bytes if none is known, so that older entries keep theirs."""
        dumped: dict[str, object] = handler(self)
        if not self.metered:
            dumped.pop("metered", None)
            dumped.pop("milliwatt_hours", None)
        return dumped

    def with_run(self, cost: CostRecord) -> "MonthOfCosts":
        """Return the month with one more run."""
        return MonthOfCosts(
            runs=self.runs + 1,
            minutes=self.minutes + cost.minutes,
            micro_usd=self.micro_usd + (cost.micro_usd or 0),
            unpriced=self.unpriced + (cost.micro_usd is None),
            metered=self.metered + (cost.milliwatt_hours is not None),
            milliwatt_hours=self.milliwatt_hours + (cost.milliwatt_hours or 0),
        )


def months_after(before: Mapping[str, MonthOfCosts], cost: CostRecord) -> dict[str, MonthOfCosts]:
    """Return the newest months after one more run, in their order."""
    months = {**before, cost.month: before.get(cost.month, MonthOfCosts()).with_run(cost)}
    return dict(sorted(months.items())[-KEPT_MONTHS:])
