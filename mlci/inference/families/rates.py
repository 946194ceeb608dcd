"""Evidence for rates of one scope: Wilson for each model, Tango for a shared base, otherwise Tango by label."""

from dataclasses import dataclass

from mlci.inference.evidence import Evidence, Tie, Undefined
from mlci.inference.families import decision_metrics_by_label
from mlci.inference.families.ratios import Cells
from mlci.inference.intervals.proportions import Proportion, Tango
from mlci.metrics.rates import Rate
from mlci.metrics.statistics import Counts, Decisions


@dataclass(frozen=True)
class Share:
    """A numerator and a denominator, in rows."""

    part: int
    base: int


def share_of_rows(decisions: Decisions, rate: Rate, decided: Counts) -> Share:
    """Count the rows of one model's rate."""
    label, count = decisions.label, decisions.count
    return Share(int(count[rate.part[label, decided]].sum()), int(count[rate.base[label, decided]].sum()))


def proportion(counted: Share) -> Evidence:
    """Return the rate with Wilson's interval; undefined if its base is empty."""
    if counted.base == 0:
        return Undefined("0/0: no row here is in the denominator")
    return Proportion(counted.part, counted.base)


def rate_change(cells: Cells, rate: Rate) -> Evidence | None:
    """Return candidate minus baseline over the same rows; ``None`` without a baseline."""
    base = cells.decisions.baseline
    if base is None:
        return None
    if not rate.shared and rate.function is not None:
        return decision_metrics_by_label.change_by_label(cells, rate.function)
    return _tango(cells.decisions, rate, base)


def _tango(decisions: Decisions, rate: Rate, baseline: Counts) -> Evidence:
    label, candidate, count = decisions.label, decisions.candidate, decisions.count
    inside = rate.base[label, candidate]
    rows = int(count[inside].sum())
    if rows == 0:
        return Undefined("0/0: no row here is in the denominator")
    now, before = rate.part[label, candidate], rate.part[label, baseline]
    if bool((now == before).all()) and rate.part.sum(axis=1).max() == rate.part.shape[1]:
        return Tie(reason="it depends on the labels alone")
    return Tango(int(count[inside & now & ~before].sum()), int(count[inside & before & ~now].sum()), rows)
