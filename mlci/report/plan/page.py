"""Page of a plan: its tables, and for each gate the power curves as one drawing, as one HTML file."""

from dataclasses import dataclass

from mlci.planning.gate import POWER
from mlci.planning.plan import GatePlan
from mlci.planning.result import EvaluationPlan
from mlci.report.page.scales import Scale
from mlci.report.plan.text import amount, needs_table, power_table, remarks, share
from mlci.report.templating import html_template
from mlci.report.text.markup import Html

MOST_PICTURES = 24
_TOP, _BOTTOM = 12.0, 228.0
_WIDTH = 640
_LINES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class PowerCurves:
    """Drawing of the shares of pull requests that pass and that are blocked, by the true drop.

    Attributes:
        title: The gate.
        described: The same in words, for readers who do not see it.
        passed, failed: Points of the two lines.
        margin: Position of the margin in per cent of the width, and its words.
        detectable: Position and words of the smallest drop that is found; ``None`` if none is.
        goal: Height of 80 %.
        levels: Height and label of the shares.
        ticks: Position and label of the drops.
    """

    title: str
    described: str
    passed: str
    failed: str
    margin: tuple[float, str]
    detectable: tuple[float, str] | None
    goal: float
    levels: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str], ...]


def render_plan_page(plan: EvaluationPlan, *, footer: str) -> str:
    """Render the page."""
    d = Html()
    return html_template("report/plan.html.j2").render(
        title=d.text(plan.title),
        decided=sum(one.decides for one in plan.plans),
        gates=len(plan.plans),
        powers=power_table(d, plan),
        needs=None if all(one.decides for one in plan.plans) else needs_table(d, plan),
        remarks=remarks(d, plan),
        curves=[power_curves(one) for one in plan.plans[:MOST_PICTURES]],
        hidden=max(0, len(plan.plans) - MOST_PICTURES),
        footer=footer,
    )


def power_curves(plan: GatePlan) -> PowerCurves:
    """Lay the drawing of one gate out."""
    scale = Scale(0.0, max(plan.curve[-1].drop, plan.gate.margin, 1e-9))
    points = [(_across(scale.x(one.drop)), one) for one in plan.curve]
    found = plan.detectable
    words = "no drop is found in 80 % of the pull requests" if found is None else f"finds {amount(found)} at 80 %"
    return PowerCurves(
        title=plan.gate.name,
        described=(
            f"{share(plan.passes)} of equal models pass; {share(plan.finds)} of those worse by {amount(plan.wanted)} "
            f"are blocked; {words}"
        ),
        passed=" ".join(f"{x},{_height(one.passed)}" for x, one in points),
        failed=" ".join(f"{x},{_height(one.failed)}" for x, one in points),
        margin=(scale.x(plan.gate.margin), f"margin {amount(plan.gate.margin)}"),
        detectable=None if found is None else (scale.x(found), words),
        goal=_height(POWER),
        levels=tuple((_height(level), share(level)) for level in _LINES),
        ticks=tuple((tick.x, tick.label) for tick in scale.ticks("number")),
    )


def _across(x: float) -> float:
    return round(x * _WIDTH / 100, 1)


def _height(level: float) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * level, 1)
