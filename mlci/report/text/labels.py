"""Labels of metrics, scopes, gates and outcomes."""

from collections.abc import Iterable
from dataclasses import dataclass

from mlci.metrics import catalogue
from mlci.report.document import GateRow, Outcome, Report, ScopeRef, Why
from mlci.report.text.markup import Markup

TOO_FEW = "too few rows"
"""State of an inconclusive gate that rests on too few rows, whatever its interval."""
_SHORTAGES: frozenset[Why | None] = frozenset({"group_too_small", "too_few_carriers", "too_few"})

_SELF_EVIDENT = {"disparity", "shift", "operation"}  # smaller gaps and smaller costs need no remark


@dataclass(frozen=True)
class OutcomeStyle:
    """How an outcome is shown: a glyph, never without its word; ``mark`` is the glyph where emoji don't belong."""

    glyph: str
    mark: str
    word: str
    colour: int


STATES: dict[Outcome, OutcomeStyle] = {
    "failed": OutcomeStyle("❌", "✗", "failed", 31),
    "error": OutcomeStyle("⛔", "!", "error", 31),
    "inconclusive": OutcomeStyle("🟡", "?", "inconclusive", 33),
    "no_baseline": OutcomeStyle("🆕", "○", "no baseline", 36),
    "waived": OutcomeStyle("🔓", "~", "waived", 33),
    "passed": OutcomeStyle("✅", "✓", "passed", 32),
}
_ORDER = list(STATES)
VERDICTS = {
    "block": OutcomeStyle("❌", "✗", "blocked", 31),
    "warn": OutcomeStyle("⚠️", "!", "may merge", 33),
    "pass": OutcomeStyle("✅", "✓", "passed", 32),
}


_FROM_LEDGER = {
    "cost_usd_per_month": ("Cost of the month", "usd"),
    "holdout_looks": ("Looks at the evaluation set", "count"),
}
"""Titles and units of gates on sums that no run measures, so that the catalogue of metrics does not have them."""


def metric_title(metric: str) -> str:
    """Return the metric's name as people write it; the raw name where the catalogue has none.

    A required test stands in a metric's place: it is recognized by pytest's ``::``.
    """
    if metric in _FROM_LEDGER:
        return _FROM_LEDGER[metric][0]
    info = catalogue.find(metric)
    return info.title if info else title_of_test(metric)


def title_of_test(name: str) -> str:
    """Write a test's name without pytest's ``::``, which a log would show with a blank: ``test_age (tests/t.py)``."""
    path, _, inner = name.partition("::")
    return f"{inner.replace('::', '.')} ({path})" if path.endswith(".py") else name


def metric_unit(metric: str) -> str:
    """Return the unit that a metric's values are printed in; ``number`` for an unknown metric."""
    info = catalogue.find(metric)
    return _FROM_LEDGER[metric][1] if metric in _FROM_LEDGER else info.unit if info else "number"


def disparity_bases(disparity: str) -> tuple[str, ...]:
    """Return the metrics whose values a disparity compares, by the catalogue's own names."""
    info = catalogue.find_disparity(disparity)
    return tuple(catalogue.canonical(base) for base in info.bases) if info else ()


def is_shift_row(metric: str) -> bool:
    """Whether a metric compares both models by itself: it is printed without a sign, and neither model has a value."""
    return catalogue.is_shift_metric(metric)


def lower_is_better(metric: str) -> bool:
    """Whether a name needs the remark that smaller values of this metric are better."""
    info = catalogue.find(metric)
    return info is not None and info.direction == "lower" and info.kind not in _SELF_EVIDENT


def scoped_title(d: Markup, metric: str, scope: ScopeRef) -> str:
    """Name a metric and its scope in a table: ``Recall, region north``; ``Recall difference across sex``."""
    return _scoped(d, metric, scope, "{}, {} {}")


def scoped_phrase(d: Markup, metric: str, scope: ScopeRef) -> str:
    """Name a metric and its scope in a sentence: ``Recall for region north``."""
    return _scoped(d, metric, scope, "{} for {} {}")


def _scoped(d: Markup, metric: str, scope: ScopeRef, grouped: str) -> str:
    name = d.text(metric_title(metric))
    if scope.across is not None:
        return d.words("{} across {}", name, d.text(scope.across))
    if scope.slice is not None:
        return d.words(grouped, name, d.text(scope.slice), d.text(scope.group or ""))
    return name


def in_order(rows: Iterable[GateRow]) -> list[GateRow]:
    """Sort gates: what blocks first, then by state, those without enough rows after real doubts, else as configured."""
    return sorted(rows, key=lambda row: (not row.blocks, _ORDER.index(row.outcome), lacks_rows(row)))


def outcome_word(row: GateRow) -> str:
    """Return the state's word, and whether doubt alone blocks."""
    doubtful = row.outcome in {"inconclusive", "no_baseline"}
    return (TOO_FEW if has_too_few(row) else STATES[row.outcome].word) + (", blocks" if row.blocks and doubtful else "")


def has_too_few(row: GateRow) -> bool:
    """Whether a gate is inconclusive because it rests on too few rows."""
    return row.outcome == "inconclusive" and row.why in _SHORTAGES


def lacks_labels(row: GateRow) -> bool:
    """Whether a gate is inconclusive because of labels on which no model has a value, such as those of one class."""
    return row.outcome == "inconclusive" and row.why == "labels"


def lacks_rows(row: GateRow) -> bool:
    """Whether a gate is inconclusive for lack of rows, or of labels: no model could decide it."""
    return has_too_few(row) or lacks_labels(row)


def reason_text(row: GateRow) -> str:
    """Return a gate's reason without the state that it begins with."""
    return (row.reason or "").removeprefix(f"{TOO_FEW}: ")


def outcome_counts(report: Report) -> dict[Outcome, int]:
    """Count the outcomes, most severe first, without those that did not occur."""
    counts = {outcome: sum(row.outcome == outcome for row in report.gates) for outcome in STATES}
    return {outcome: number for outcome, number in counts.items() if number}


def has_baseline(report: Report) -> bool:
    """Whether there was a model to compare with."""
    match report.baseline.source:
        case "production":
            return report.baseline.version is not None
        case "ref":
            return report.baseline.commit is not None
        case source:
            return source != "none"


def is_first(report: Report) -> bool:
    """Whether later candidates will be compared with this one, as no baseline exists yet."""
    return report.baseline.source in {"production", "ref"} and not has_baseline(report)


def estimates_only(report: Report) -> bool:
    """Whether only metrics files were compared: no rows, hence no intervals."""
    return report.evaluation.rows is None and not report.measured_nothing and report.training_label is None


def counted_unit(report: Report) -> str:
    """Return what both models are compared on: ``row``, or ``item`` of an evaluation log."""
    return "item" if report.task == "scores" else "row"


def short_title(commit: str) -> str:
    """Shorten a commit as git does; anything else stays as it is."""
    return commit[:7] if len(commit) >= 7 and all(char in "0123456789abcdef" for char in commit) else commit
