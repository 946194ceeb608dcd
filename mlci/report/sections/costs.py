"""Section on costs: both models' steps, this run, and the price that they are computed with."""

from mlci.report.document import MetricRow, MonthCost, Report, RunCost, RunEnergy
from mlci.report.text import number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import Section

_OF_MODEL = {
    "cost_usd": "training and prediction",
    "predict_cost_usd_per_1k_rows": "a thousand predictions",
    "energy_kwh": "energy",
}


def cost_section(d: Markup, report: Report) -> list[Section]:
    """Show what was paid; an unknown price, or free minutes, only if the configuration or a budget asks for it."""
    lines = cost_lines(d, report)
    return [Section("cost", d.number("Cost"), lines=tuple(lines), folded=False)] if lines else []


def cost_lines(d: Markup, report: Report) -> list[str]:
    """Write a line for the models, and one for the run."""
    cost = report.cost
    if cost is None or (not cost.usd and not cost.asked and cost.month is None and cost.energy is None):
        return []
    lines = [*_models(d, report), _run(d, cost)]
    lines += [_energy(d, cost.energy)] if cost.energy is not None else []
    return [*lines, _month(d, cost.month)] if cost.month is not None else lines


def _energy(d: Markup, energy: RunEnergy) -> str:
    """Write the energy of the run's steps, with emissions if they are known."""
    if energy.kwh is None:
        reason = d.text(energy.reason or "no reason was given", longest=500)
        return d.words("Energy of this run's steps: unknown. Reason: {}.", reason)
    shown = number_format.number_style((energy.kwh,), unit="kwh").value(energy.kwh)
    emitted = "" if energy.grams_co2 is None else f", {_grams(energy.grams_co2)} of CO₂ equivalents"
    method = d.text(energy.method or "by CodeCarbon", longest=100)
    return d.words("Energy of this run's steps: {}{}, {} by CodeCarbon.", d.number(shown), d.number(emitted), method)


def _grams(value: float) -> str:
    return f"{number_format.number_style((value,), unit='number').value(value)} g"


def _models(d: Markup, report: Report) -> list[str]:
    rows = {row.metric: row for row in report.metrics if row.slice is None and row.candidate is not None}
    parts = [
        f"{words} {_values(rows[name], 'kwh' if name == 'energy_kwh' else 'usd')}"
        for name, words in _OF_MODEL.items()
        if name in rows
    ]
    if not parts:
        return []
    ends = "baseline → candidate" if any(row.baseline is not None for row in rows.values()) else "candidate"
    return [d.number(f"Of the model ({ends}): {'; '.join(parts)}.")]


def _values(row: MetricRow, unit: str) -> str:
    style = number_format.number_style((row.baseline, row.candidate), unit=unit)
    now = style.value(row.candidate)
    return now if row.baseline is None else f"{style.value(row.baseline)} → {now}"


def _month(d: Markup, month: MonthCost) -> str:
    """Write the sum of the month, its share of the budget, and what is not in it."""
    recorded = number_format.pluralize(month.runs, "recorded run")
    left_out = f"; {month.unpriced} of them without a known price are not in the sum" if month.unpriced else ""
    known, with_it = (month.recorded_usd, "without") if month.usd is None else (month.usd, "with")
    least = "at least " if month.unpriced else ""
    sums = f"{least}{_usd(known)} {with_it} this run"
    if month.budget_usd is None:
        return d.number(f"In {month.month}: {sums} ({recorded}{left_out}).")
    share = known / month.budget_usd
    of = f"{least}{share * 100:.0f} % of the budget of {_usd(month.budget_usd)}"
    warning = "Warning: " if month.near else ""
    return d.number(f"{warning}In {month.month}: {sums}, {of} ({recorded}{left_out}).")


def _usd(value: float) -> str:
    return number_format.number_style((value,), unit="usd").value(value)


def _run(d: Markup, cost: RunCost) -> str:
    minutes = number_format.pluralize(cost.minutes, "minute")
    if cost.usd is None:
        words = "Of this run until the report: {}, price unknown. Reason: {}."
        return d.words(words, d.number(minutes), d.text(cost.reason or "no reason was given", longest=500))
    price, paid = _usd(cost.usd_per_minute or 0.0), _usd(cost.usd)
    words = "Of this run until the report: {} for {} on {} at {} a minute ({})."
    return d.words(
        words,
        d.number(paid),
        d.number(minutes),
        d.text(cost.runner),
        d.number(price),
        d.text(cost.source or "", longest=200),
    )
