"""Text of a plan for terminals, and the tables that page and text share."""

from mlci.planning.plan import Design, GatePlan
from mlci.planning.result import EvaluationPlan
from mlci.report.text.escape import without_commands
from mlci.report.text.markup import Markup, Plain
from mlci.report.text.number_format import format_percent, number_style, pluralize
from mlci.report.text.tables import ReportColumn, ReportTable, build_table
from mlci.report.text.terminal_layout import lay_out, wrap_text

_BASES = {
    "exact": "Powers of rates are exact: every possible number of differing rows is judged as `mlci run` does.",
    "simulated": "Powers are simulated: 400 pull requests each, judged as `mlci run` does; they are good to 2 or 3 %.",
    "normal": "Powers of other metrics, such as ROC AUC and mean errors, are those of a normal estimate.",
}
_MEANING = (
    "A gate decides if it passes 80 % of the models that are as good as the baseline, and blocks 80 % of those that "
    "are worse by the drop that it has to find."
)


def render_plan_text(plan: EvaluationPlan, *, width: int) -> str:
    """Render the tables, what each gate needs, and the assumptions."""
    d = Plain()
    parts = [
        d.text(plan.title),
        lay_out(power_table(d, plan), width=width),
        *([lay_out(needs_table(d, plan), width=width)] if _undecided(plan) else []),
        "\n".join(part for line in remarks(d, plan) for part in wrap_text(line, width)),
    ]
    return without_commands("\n\n".join(parts) + "\n")


def power_table(d: Markup, plan: EvaluationPlan) -> ReportTable:
    """Return the powers of now and the smallest drop that each gate finds."""
    plans = plan.plans
    return build_table(
        d,
        [
            ReportColumn(d.number("Gate"), [gate_name(d, one) for one in plans], name=True),
            ReportColumn(d.number("Now"), [d.number(_size(one)) for one in plans], right=True),
            ReportColumn(d.number("Margin"), [d.number(amount(one.gate.margin)) for one in plans], right=True),
            ReportColumn(d.number("Equal passes"), [d.number(share(one.passes)) for one in plans], right=True),
            ReportColumn(d.number("Drop to find"), [d.number(amount(one.wanted)) for one in plans], right=True),
            ReportColumn(d.number("Is blocked"), [d.number(share(one.finds)) for one in plans], right=True),
            ReportColumn(
                d.number("Finds at 80 %"),
                [d.number("none" if one.detectable is None else amount(one.detectable)) for one in plans],
                right=True,
            ),
            ReportColumn(d.number("Decides"), [d.number("yes" if one.decides else "no") for one in plans]),
        ],
    )


def needs_table(d: Markup, plan: EvaluationPlan) -> ReportTable:
    """Return what the gates need that do not decide yet."""
    plans = _undecided(plan)
    return build_table(
        d,
        [
            ReportColumn(d.number("To decide"), [gate_name(d, one) for one in plans], name=True),
            ReportColumn(d.number("More rows"), [d.number(_more_rows(one)) for one in plans], right=True),
            ReportColumn(
                d.number("Or more repeats"),
                [None if one.basis != "simulated" else d.number(_design(one.more_repeats)) for one in plans],
                right=True,
            ),
            ReportColumn(
                d.number("Cheapest"),
                [None if one.cheapest is None else d.number(_design(one.cheapest)) for one in plans],
                right=True,
            ),
        ],
    )


def _undecided(plan: EvaluationPlan) -> list[GatePlan]:
    return [one for one in plan.plans if not one.decides]


def gate_name(d: Markup, plan: GatePlan) -> str:
    """Return a gate's name."""
    return d.text(plan.gate.name)


def amount(value: float) -> str:
    """Print a margin or a drop with three digits."""
    return f"{value:.3g}"


def share(value: float) -> str:
    """Print a share of pull requests."""
    return format_percent(round(value, 2))


def _size(plan: GatePlan) -> str:
    rows = f"{plan.gate.rows:,} {plan.gate.unit}"
    return rows if plan.repeats == 1 else f"{rows} × {plan.repeats}"


def _more_rows(plan: GatePlan) -> str:
    return "no number" if plan.more_rows is None else _design(plan.more_rows)


def _design(design: Design | None) -> str:
    if design is None:
        return "no number"
    size = f"{design.rows:,}" if design.repeats == 1 else f"{design.rows:,} × {design.repeats}"
    if design.cost is None:
        return size
    return f"{size}, {number_style([design.cost], unit='usd').value(design.cost)}"


def remarks(d: Markup, plan: EvaluationPlan) -> list[str]:
    """Return sentences on the meaning of the table, on assumptions, and on gates that are left out."""
    bases = dict.fromkeys(one.basis for one in plan.plans)
    lines = [d.number(_MEANING), *(d.number(_BASES[basis]) for basis in bases)]
    if any(one.repeats > 1 or (one.cheapest and one.cheapest.repeats > 1) for one in plan.plans):
        lines.append(d.number("Sizes are items × repeats."))
    if any(one.gate.margin == 0 for one in plan.plans):
        lines.append(d.number("No number of rows passes an equal model at a margin of 0: allow a drop, however small."))
    if any(one.cheapest for one in plan.plans):
        lines.append(d.number("Costs are those of one evaluation of one model, with the price of new items."))
    notes = dict.fromkeys([*plan.notes, *(note for one in plan.plans for note in one.notes)])
    lines += [d.words("Assumed: {}.", d.text(note)) for note in notes]
    if plan.left_out:
        first = plan.left_out[:5]
        words = d.join("; ", [d.words("{}: {}", d.text(one.gate), d.text(one.reason)) for one in first])
        lines.append(d.words("Without a plan: {} {}.", d.number(pluralize(len(plan.left_out), "gate")), words))
    return lines
