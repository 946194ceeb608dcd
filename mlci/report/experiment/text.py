"""Text of an experiment for terminals and job summaries, and the table that page and text share."""

from collections.abc import Sequence

from mlci.experiment.result import ArmChange, ExperimentResult, ExperimentVerdict, GroupResult, MetricResult
from mlci.gates.limits import Kind, Limit
from mlci.report.text.escape import without_commands
from mlci.report.text.markup import Markup, Plain
from mlci.report.text.number_format import (
    NONE,
    NumberStyle,
    format_count,
    format_percent,
    number_style,
    pluralize,
)
from mlci.report.text.tables import ReportColumn, ReportTable, build_table
from mlci.report.text.terminal_layout import lay_out, wrap_text

MARKS = {
    ExperimentVerdict.PROMOTE: ("✓", 32),
    ExperimentVerdict.ROLL_BACK: ("✗", 31),
    ExperimentVerdict.KEEP_GOING: ("…", 33),
    ExperimentVerdict.COULD_NOT_TELL: ("?", 33),
}
NEXT = {
    ExperimentVerdict.PROMOTE: "promote the treatment's model, or run `mlci experiment --apply`",
    ExperimentVerdict.ROLL_BACK: "give all traffic to the control; `mlci experiment --apply` rolls the registry back",
    ExperimentVerdict.KEEP_GOING: "leave the split as it is, and look again whenever you like",
    ExperimentVerdict.COULD_NOT_TELL: "repair what the reason names before you read any change",
}
_OUTCOMES = {"passed": "passed", "failed": "failed", "open": "undecided"}
_MOST_DAYS = 3_650


def render_experiment_text(
    model: str, result: ExperimentResult, *, colour: bool, width: int, done: str | None = None
) -> str:
    """Render the verdict, the table of metrics, groups, and the check of the split.

    Args:
        model: Name of the model.
        result: The experiment.
        colour: Whether the verdict is coloured.
        width: Columns of the terminal.
        done: What was carried out, in place of the next step; ``None`` if nothing was asked for.
    """
    d, (mark, code) = Plain(), MARKS[result.verdict]
    title = f"{mark} {d.text(model)}: {result.verdict}"
    heading = f"\033[{code}m{title}\033[0m" if colour else title
    sentences = [sentence for sentence in (result.reason, waiting_time(result)) if sentence]
    parts = [
        "\n".join([heading, *(line for text in sentences for line in wrap_text(d.text(text, longest=600), width))]),
        lay_out(experiment_table(d, result.metrics), width=width),
        *([lay_out(group_table(d, result), width=width)] if result.groups else []),
        "\n".join(line for text in facts(d, result) for line in wrap_text(text, width)),
        "\n".join(wrap_text(verdict_step(result) if done is None else d.text(done, longest=2_500), width)),
    ]
    return without_commands("\n\n".join(parts) + "\n")


def verdict_step(result: ExperimentResult) -> str:
    """Return what to do about the verdict."""
    return f"Next: {NEXT[result.verdict]}."


def waiting_time(result: ExperimentResult) -> str | None:
    """Return how long the experiment will still take; ``None`` once there is a verdict."""
    if result.verdict is not ExperimentVerdict.KEEP_GOING:
        return None
    if result.units_needed is None:
        return "no estimate yet of how long it will take"
    words = f"about {pluralize(_two_digits(result.units_needed), 'more unit')} if values stay as they are"
    if result.days_needed is None:
        return words
    if result.days_needed > _MOST_DAYS:
        return f"{words}: more than ten years at the rate so far"
    days = max(1, round(result.days_needed))
    return f"{words}: {pluralize(days, 'day')} at the rate so far"


def _two_digits(number: int) -> int:
    return int(float(f"{number:.1e}"))


def facts(d: Markup, result: ExperimentResult) -> list[str]:
    """Return sentences on the arms, the split and the intervals."""
    ratio, units = result.sample_ratio, result.metrics[0].change.units
    style = number_style((ratio.observed, ratio.expected, *ratio.interval), unit="percent")
    split = (
        f"{style.value(ratio.observed)} of the units are in the treatment ({style.interval(ratio.interval)}), "
        f"{style.value(ratio.expected)} were planned"
    )
    arms = d.words(
        "{}: {}; {}: {}.",
        d.text(result.control),
        d.number(pluralize(units[0], "unit")),
        d.text(result.treatment),
        d.number(pluralize(units[1], "unit")),
    )
    lines = [
        arms,
        d.words(
            "{}: {}.", d.number("Sample-ratio mismatch" if ratio.mismatch else "Split as planned"), d.number(split)
        ),
    ]
    lines += [
        d.words("The covariate of {} removes {} of its variance.", d.text(one.metric), d.number(_share(reduction)))
        for one in result.metrics
        if (reduction := one.change.variance_reduction) is not None
    ]
    return [*lines, d.number("Intervals hold at every look.")]


def _share(reduction: float) -> str:
    return number_style((reduction,), unit="percent").value(reduction)


def metric_style(change: ArmChange, *, kind: str, bound: float | None = None) -> NumberStyle:
    """Return the number style of a metric's row: a rate is a fraction; interval and bound stay on their sides."""
    unit = "fraction" if kind == "rate" else "number"
    judged = change.interval or ()
    numbers = (change.control, change.treatment)
    return number_style(numbers, unit=unit, interval=change.interval, bound=bound, judged=judged)


def experiment_table(d: Markup, metrics: Sequence[MetricResult]) -> ReportTable:
    """Return the table of the primary metric and the guardrails."""
    styles = [metric_style(one.change, kind=one.kind, bound=one.bound) for one in metrics]
    pairs = list(zip(styles, metrics, strict=True))
    return build_table(
        d,
        [
            ReportColumn(d.number("Metric"), [_name(d, one) for one in metrics], name=True),
            *_change_columns(d, [(style, one.change) for style, one in pairs], _level(metrics)),
            ReportColumn(d.number("Limit"), [d.number(limit_words(style, one)) for style, one in pairs]),
            ReportColumn(d.number("Outcome"), [d.number(_OUTCOMES[one.outcome]) for one in metrics]),
        ],
    )


def _name(d: Markup, one: MetricResult) -> str:
    return d.text(one.metric) if one.role == "primary" else d.words("{} (guardrail)", d.text(one.metric))


def _level(metrics: Sequence[MetricResult]) -> str:
    levels = {one.confidence for one in metrics}
    return f"{format_percent(levels.pop())} interval" if len(levels) == 1 else "Interval"


def _change_columns(d: Markup, rows: Sequence[tuple[NumberStyle, ArmChange]], level: str) -> list[ReportColumn]:
    def cells(texts: list[str]) -> list[str]:
        return [d.number(text) for text in texts]

    return [
        ReportColumn(d.number("Control"), cells([style.value(one.control) for style, one in rows]), right=True),
        ReportColumn(d.number("Treatment"), cells([style.value(one.treatment) for style, one in rows]), right=True),
        ReportColumn(d.number("Change"), cells([style.change(one.change) for style, one in rows]), right=True),
        ReportColumn(d.number(level), cells([interval_words(style, one) for style, one in rows]), right=True),
    ]


def interval_words(style: NumberStyle, change: ArmChange) -> str:
    """Print the interval of a change; a dash if there are too few units."""
    return NONE if change.interval is None else style.interval(change.interval, plus=True)


def limit_words(style: NumberStyle, one: MetricResult) -> str:
    """Print a limit on a change in words: ``may fall by 0.010``."""
    kind: Kind = "max_drop" if "max_drop" in one.limit else "max_rise"
    return Limit(kind, abs(one.bound)).words(one.bound, style.amount(one.bound))


def group_table(d: Markup, result: ExperimentResult) -> ReportTable:
    """Return the primary metric's change in every group."""
    primary = result.metrics[0]
    rows = [(metric_style(one.change, kind=primary.kind), one.change) for one in result.groups]
    columns = [
        ReportColumn(
            d.words("{} by group", d.text(primary.metric)), [_group(d, one) for one in result.groups], name=True
        ),
        ReportColumn(
            d.number("Units"), [d.number(format_count(sum(one.change.units))) for one in result.groups], right=True
        ),
        *_change_columns(d, rows, _level(result.metrics[:1])),
    ]
    return build_table(d, columns)


def _group(d: Markup, one: GroupResult) -> str:
    return d.words("{} = {}", d.text(one.slice), d.text(one.group))
