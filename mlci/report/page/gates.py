"""Gates of the page: a plot of each interval against its limit, what did not pass first, the rest in folds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from mlci.report.document import GateRow, Report
from mlci.report.gate_numbers import (
    GateNumbers,
    Stock,
    bound_of,
    gate_numbers,
    gate_remarks,
    limit_distances,
    pair_text,
    rows_available,
)
from mlci.report.headline import line_link
from mlci.report.sections.gates import rule_key
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Links, Markup

LIMIT_AT = 42.0
"""Position of every gate's limit; worse is left of it."""
_WORSE = 34.0
_BETTER = 50.0
_LEAST = 0.8  # per cent; what is not on the limit is never drawn on it
OPEN = 12
"""Gates of one rule, and groups of one slice, that are shown without unfolding."""
FOLDED = 20
"""Gates in one fold; a slice's own section has all groups."""
_SHAPES = {"failed": "failed", "error": "failed", "inconclusive": "inconclusive", "passed": "passed"}


@dataclass(frozen=True)
class GatePlot:
    """A gate's interval on its own scale: the limit at :data:`LIMIT_AT`, worse on the left.

    Attributes:
        low, high: Ends of the interval.
        value: The value that was compared with the limit.
        no_change: Position of "no change", if it is inside the drawing.
    """

    low: float
    high: float
    value: float
    no_change: float | None


def gate_plot(gate: GateRow) -> GatePlot | None:
    """Place a gate's value and interval; ``None`` where there is nothing to draw.

    Whatever is not on the limit is drawn at a distance from it, so that the drawing never contradicts the outcome.
    """
    distances = limit_distances(gate)
    if distances is None:
        return None
    low, high, value = distances
    worst, best = -min(low, value, 0.0), max(high, value, 0.0)
    reach = max(worst / _WORSE, best / _BETTER)
    if not isfinite(reach):
        return None

    def x(distance: float) -> float:
        moved = distance / reach if reach else 0.0
        if distance:
            moved = min(moved, -_LEAST) if distance < 0 else max(moved, _LEAST)
        return round(LIMIT_AT + moved, 1)

    zero = x(abs(bound_of(gate))) if gate.on == "change" and reach else None
    return GatePlot(x(low), x(high), x(value), zero if zero is not None and zero <= 98 and zero != LIMIT_AT else None)


@dataclass(frozen=True, kw_only=True)
class GateView:
    """A gate as the page shows it.

    Attributes:
        anchor: Its id on the page.
        outcome: Its outcome: class and icon.
        word: The outcome in words.
        title: Metric and scope.
        remark: What its numbers do not show.
        plot: Its interval against the limit; ``None`` where there is nothing to draw.
        hollow: Whether its mark is hollow, for too few rows.
        marker: Shape of the mark.
        pair, value, interval, limit: Its numbers as text.
        on_change: Whether the limit is on a change.
    """

    anchor: str
    outcome: str
    word: str
    title: str
    remark: str | None
    plot: GatePlot | None
    hollow: bool
    marker: str
    pair: str | None
    value: str
    interval: str | None
    limit: str
    on_change: bool


@dataclass(frozen=True, kw_only=True)
class GateFold:
    """Gates of one outcome under a line that says what is inside; ``left`` counts those that are not listed."""

    outcome: str
    title: str
    gates: tuple[GateView, ...]
    left: str | None


@dataclass(frozen=True, kw_only=True)
class GateSection:
    """The gates of a page: rows that are open, how many more there are, then folds."""

    open: tuple[GateView, ...]
    left: str | None
    folds: tuple[GateFold, ...]


def gate_section(d: Markup, report: Report, split: "SplitGates", *, most: int, open_most: int) -> GateSection:
    """Show each gate that needs attention, at most :data:`OPEN` of a rule; fold the others rule by rule.

    Undecided groups of a rule with more gates than that are folded, too: the section of their slice has them.

    Args:
        d: Dialect.
        report: The document.
        split: Its gates by :func:`split_gates`.
        most: Most gates in a fold.
        open_most: Most gates that are open.
    """
    has = rows_available(report)
    shown, folded = split
    left = len(shown) - open_most
    return GateSection(
        open=tuple(_view(d, has, index, gate) for index, gate in shown[:open_most]),
        left=d.number(f"And {number_format.format_count(left)} more that did not pass.") if left > 0 else None,
        folds=tuple(_fold(d, has, gates, most) for gates in folded),
    )


def outcome_tally(d: Markup, report: Report) -> list[tuple[str, str]]:
    """Count the gates of each outcome, most severe first: ``("failed", "1 failed")``."""
    counts: dict[str, tuple[str, int]] = {}
    for gate in labels.in_order(report.gates):
        word = labels.TOO_FEW if labels.has_too_few(gate) else labels.STATES[gate.outcome].word
        outcome, number = counts.get(word, (str(gate.outcome), 0))
        counts[word] = (outcome, number + 1)
    return [
        (outcome, d.number(f"{number_format.format_count(number)} {word}"))
        for word, (outcome, number) in counts.items()
    ]


Numbered = tuple[int, GateRow]
SplitGates = tuple[list[Numbered], list[list[Numbered]]]


def split_gates(report: Report) -> SplitGates:
    """Return the gates that are open, and those in folds by rule and state."""
    places = {id(gate): index for index, gate in enumerate(report.gates)}
    sizes = Counter(rule_key(gate) for gate in report.gates)
    numbered = [(places[id(gate)], gate) for gate in labels.in_order(report.gates)]
    seen: dict[object, int] = {}
    shown: list[Numbered] = []
    folds: dict[object, list[Numbered]] = {}
    for index, gate in numbered:
        key = (rule_key(gate), gate.blocks)
        seen[key] = seen.get(key, 0) + 1
        doubt = not gate.blocks and gate.scope.group is not None
        quiet = gate.outcome == "passed" or (doubt and (labels.lacks_rows(gate) or sizes[rule_key(gate)] > OPEN))
        if quiet or seen[key] > OPEN:
            state = labels.outcome_word(gate)
            folds.setdefault(state if gate.outcome == "passed" else (state, rule_key(gate)), []).append((index, gate))
        else:
            shown.append((index, gate))
    return shown, list(folds.values())


def _fold(d: Markup, has: Stock, numbered: Sequence[Numbered], most: int) -> GateFold:
    gates = [gate for _, gate in numbered]
    count = number_format.format_count(len(gates))
    title = d.words("{} {}: {}", count, labels.outcome_word(gates[0]), d.join(", ", _names(d, gates)))
    left = len(gates) - most
    more = d.number(f"And {number_format.format_count(left)} more.")
    return GateFold(
        outcome=gates[0].outcome,
        title=title,
        gates=tuple(_view(d, has, index, gate) for index, gate in numbered[:most]),
        left=more if left > 0 else None,
    )


def _names(d: Markup, gates: Iterable[GateRow], *, most: int = 8) -> list[str]:
    counts: dict[tuple[str, str | None, str | None], int] = {}
    for gate in gates:
        key = (gate.metric, gate.scope.slice, gate.scope.across)
        counts[key] = counts.get(key, 0) + 1
    named = [_named(d, key, number) for key, number in list(counts.items())[:most]]
    left = len(counts) - len(named)
    return [*named, d.number(f"{number_format.format_count(left)} more")] if left else named


def _named(d: Markup, key: tuple[str, str | None, str | None], number: int) -> str:
    metric, name, across = key
    title = d.text(labels.metric_title(metric))
    if across is not None:
        return d.words("{} across {}", title, d.text(across))
    if name is None:
        return title
    return d.words("{} in {} of {}", title, d.number(number_format.pluralize(number, "group")), d.text(name))


def _view(d: Markup, has: Stock, index: int, gate: GateRow) -> GateView:
    line = gate_numbers(gate)
    return GateView(
        anchor=f"gate-{index + 1}",
        outcome=gate.outcome,
        word=d.number(labels.outcome_word(gate)),
        title=labels.scoped_title(d, gate.metric, gate.scope),
        remark=_remark(d, has, gate),
        plot=gate_plot(gate),
        hollow=labels.lacks_rows(gate),
        marker=_SHAPES.get(gate.outcome, "none"),
        pair=_pair(d, gate, line),
        value=d.number(line.value),
        interval=None if line.interval is None else d.number(line.interval),
        limit=d.number(line.limit),
        on_change=gate.on == "change",
    )


def _pair(d: Markup, gate: GateRow, line: GateNumbers) -> str | None:
    if gate.on == "value" and gate.baseline is None:
        return None
    return pair_text(d, gate, line, both=gate.baseline is not None)


def _remark(d: Markup, has: Stock, gate: GateRow) -> str | None:
    found = gate_remarks(d, has, gate)
    return None if found is None else d.words("{}.", d.capital(found))


@dataclass(frozen=True, kw_only=True)
class RuleView:
    """One rule of the configuration, and what became of its gates, as sentences."""

    title: str
    line: str
    method: str
    results: tuple[tuple[str, str], ...]


def rule_views(d: Markup, report: Report, links: Links) -> list[RuleView]:
    """Explain how each rule decided, in words and numbers, in the order of the configuration."""
    rules: dict[object, list[GateRow]] = {}
    for gate in report.gates:
        rules.setdefault(rule_key(gate), []).append(gate)
    return [_rule(d, report, links, gates) for gates in rules.values()]


_LISTED = 12
_DECIDES = {
    ("interval", "change"): "by the interval of the change",
    ("interval", "value"): "by the candidate's interval",
    ("estimate", "change"): "by the change itself",
    ("estimate", "value"): "by the candidate's value itself",
}


def _rule(d: Markup, report: Report, links: Links, gates: Sequence[GateRow]) -> RuleView:
    first = gates[0]
    by = "A behavioural test" if first.test else f"Judged {_DECIDES[first.judge, first.on]}"
    by += ", all of which has to show the gain" if first.limit.proves_gain else ""
    method = next((gate.method for gate in gates if gate.method is not None and gate.interval is not None), None)
    limit = next((gate_numbers(gate).condition for gate in gates), "")
    name = d.text(labels.metric_title(first.metric))
    if first.scope.across is not None:
        name = d.words("{} across {}", name, d.text(first.scope.across))
    elif first.scope.slice is not None:
        each = "each group of" if len(gates) > 1 else "one group of"
        name = d.words("{} in {} {}", name, d.number(each), d.text(first.scope.slice))
    states: dict[str, list[GateRow]] = {}
    for gate in labels.in_order(gates):
        states.setdefault(labels.outcome_word(gate), []).append(gate)
    return RuleView(
        title=d.words("{}: {}.", name, d.number(limit)),
        line=line_link(d, report, links, first.line),
        method=d.words("{} ({}).", d.number(by), d.text(method)) if method else d.number(f"{by}."),
        results=tuple((found[0].outcome, _result(d, word, found)) for word, found in states.items()),
    )


def _result(d: Markup, word: str, gates: Sequence[GateRow]) -> str:
    named = [_evidence(d, gate) for gate in gates[:_LISTED]]
    left = len(gates) - len(named)
    if left:
        named.append(d.number(f"{number_format.format_count(left)} more"))
    return d.words("{} {}: {}", d.number(number_format.format_count(len(gates))), d.number(word), d.join("; ", named))


def _evidence(d: Markup, gate: GateRow) -> str:
    shown = (
        d.number(gate_numbers(gate).evidence)
        if gate.value is not None
        else d.text(labels.reason_text(gate) or ("it passed" if gate.test else "no value"))
    )
    return shown if gate.scope.group is None else d.words("{} {}", d.text(gate.scope.group), shown)
