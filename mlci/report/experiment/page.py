"""Page of an experiment: the verdict, its table, and the primary metric's interval over time, as one HTML file."""

from dataclasses import dataclass

from mlci.experiment.result import ExperimentResult, ExperimentVerdict, Look
from mlci.report.experiment.text import (
    NEXT,
    experiment_table,
    facts,
    group_table,
    limit_words,
    metric_style,
    waiting_time,
)
from mlci.report.page.scales import Scale, fit_scale
from mlci.report.templating import html_template
from mlci.report.text.markup import Html
from mlci.report.text.number_format import NumberStyle

_ICONS = {
    ExperimentVerdict.PROMOTE: "passed",
    ExperimentVerdict.ROLL_BACK: "failed",
    ExperimentVerdict.KEEP_GOING: "inconclusive",
    ExperimentVerdict.COULD_NOT_TELL: "inconclusive",
}
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 704.0, 12.0, 228.0
_SETTLED = 3
"""Intervals of the first third of the looks are cut at the edge of the drawing."""
Point = tuple[float, float]


@dataclass(frozen=True)
class SequencePlot:
    """Drawing of the change and its interval after each period.

    Attributes:
        title: What it shows.
        described: The same in words, for readers who do not see it.
        band: Points of the interval's outline.
        line: Points of the change.
        dots: The same points, for a drawing of few looks.
        bound: Height of the limit, and its words.
        bad: Top and height of the area beyond the limit.
        zero: Height of no change; ``None`` outside of the drawing.
        ticks: Height and label of round changes.
        ends: Position and label of the first and the last period.
    """

    title: str
    described: str
    band: str
    line: str
    dots: tuple[Point, ...]
    bound: tuple[float, str]
    bad: Point
    zero: float | None
    ticks: tuple[tuple[float, str], ...]
    ends: tuple[tuple[float, str], ...]


def render_experiment_page(model: str, result: ExperimentResult, *, footer: str, done: str | None = None) -> str:
    """Render the page; ``done`` is what was carried out, in place of the next step."""
    d = Html()
    return html_template("report/experiment.html.j2").render(
        model=d.text(model),
        verdict=str(result.verdict),
        icon=_ICONS[result.verdict],
        reason=d.text(result.reason, longest=600),
        waiting=waiting_time(result),
        done=None if done is None else d.text(done, longest=2_500),
        step=_with_code(d, NEXT[result.verdict]),
        facts=facts(d, result),
        metrics=experiment_table(d, result.metrics),
        groups=group_table(d, result) if result.groups else None,
        plot=sequence_plot(result),
        footer=footer,
    )


def _with_code(d: Html, text: str) -> str:
    """Write a constant with its parts between backticks as code."""
    return d.join("", [d.code(part) if index % 2 else d.number(part) for index, part in enumerate(text.split("`"))])


def sequence_plot(result: ExperimentResult) -> SequencePlot | None:
    """Lay the drawing out; ``None`` if there are fewer than two looks with an interval."""
    primary, looks = result.metrics[0], [look for look in result.looks if look.interval is not None]
    if len(looks) < 2:
        return None
    scale = _scale(looks, primary.bound)
    if scale is None:
        return None
    style = metric_style(primary.change, kind=primary.kind, bound=primary.bound)
    across = [round(_LEFT + (_RIGHT - _LEFT) * index / (len(looks) - 1), 1) for index in range(len(looks))]
    ends = [look.interval or (0.0, 0.0) for look in looks]
    upper = [(x, _y(scale, high)) for x, (_, high) in zip(across, ends, strict=True)]
    lower = [(x, _y(scale, low)) for x, (low, _) in zip(across, ends, strict=True)]
    middle = [(x, _y(scale, look.change)) for x, look in zip(across, looks, strict=True)]
    bound = _y(scale, primary.bound)
    is_floor = "max_drop" in primary.limit
    return SequencePlot(
        title=f"Change of {primary.metric} after each period",
        described=_description(looks, style),
        band=_points([*upper, *reversed(lower)]),
        line=_points(middle),
        dots=tuple(middle) if len(middle) <= 40 else (),
        bound=(bound, limit_words(style, primary)),
        bad=(bound, round(_BOTTOM - bound, 1)) if is_floor else (_TOP, round(bound - _TOP, 1)),
        zero=None if scale.is_cut(0.0) or primary.bound == 0 else _y(scale, 0.0),
        ticks=tuple((_height(tick.x), tick.label) for tick in scale.ticks(_unit(primary.kind), change=True)),
        ends=((across[0], looks[0].period), (across[-1], looks[-1].period)),
    )


def _unit(kind: str) -> str:
    return "fraction" if kind == "rate" else "number"


def _scale(looks: list[Look], bound: float) -> Scale | None:
    settled = looks[len(looks) // _SETTLED :]
    return fit_scale([end for look in settled for end in look.interval or ()], include=(bound, 0.0))


def _height(share: float) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * share / 100, 1)


def _y(scale: Scale, value: float) -> float:
    return _height(scale.x(value))


def _points(points: list[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _description(looks: list[Look], style: NumberStyle) -> str:
    first, last = looks[0], looks[-1]
    words = [
        f"{look.period}: {style.change(look.change)} ({style.interval(look.interval or (0.0, 0.0), plus=True)})"
        for look in (first, last)
    ]
    return "; ".join(words)
