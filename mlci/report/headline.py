"""Headline of a report: verdict, counts, cause, and the next step."""

from collections.abc import Callable, Mapping

from mlci.report.document import GateRow, Outcome, Report
from mlci.report.gate_table import LONG, bound_of, gate_numbers, is_floor, rows_available, rows_needed_text
from mlci.report.links import Links
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup

_COUNTED: dict[Outcome, str] = {
    "failed": "failed",
    "error": "in error",
    "inconclusive": "inconclusive",
    "no_baseline": "without baseline",
    "waived": "waived",
    "passed": "passed",
}
_PROMOTE = "merge, then run `mlci promote` to make this model the production baseline"


def verdict_heading(d: Markup, report: Report) -> str:
    """Write verdict, model and counts: ``❌ credit-risk: 1 gate failed, 1 inconclusive, 5 passed``."""
    state = labels.VERDICTS[report.verdict]
    glyph = d.number(state.glyph if d.emphasis else state.mark)
    return d.words("{} {}: {}", glyph, d.text(report.model), d.number(verdict_headline(report)))


def verdict_headline(report: Report) -> str:
    """Say the verdict by its counts, and in a word where the counts alone would not tell."""
    counts = labels.outcome_counts(report)
    if _is_unchanged(report):
        return "nothing relevant changed"
    if report.unchanged_since is not None and counts:
        return f"nothing relevant changed; {_counted(report, counts)}"
    if not counts:
        return "no gate was judged"
    if set(counts) == {"passed"} and report.verdict == "pass":
        few = {1: "the gate passed", 2: "both gates passed"}
        return few.get(counts["passed"], f"all {number_format.format_count(counts['passed'])} gates passed")
    return _counted(report, counts)


def _counted(report: Report, counts: Mapping[Outcome, int]) -> str:
    said = [f"{number_format.format_count(number)} {_COUNTED[outcome]}" for outcome, number in counts.items()]
    first, number = next(iter(counts.items()))
    said[0] = f"{number_format.pluralize(number, 'gate')} {_COUNTED[first]}"
    verdict = [] if "failed" in counts else [labels.VERDICTS[report.verdict].word]
    return ", ".join([*verdict, *said])


def verdict_cause(d: Markup, report: Report) -> str:
    """Say in one sentence what the verdict comes from."""
    rows = labels.in_order(report.gates)
    if _is_unchanged(report):
        return _unchanged(d, report)
    if not rows:
        return d.number("The configuration has no gates, so nothing was decided.")
    first = rows[0]
    same = sum(row.outcome == first.outcome for row in rows) - 1
    said = gate_sentence(d, report, first)
    if report.unchanged_since is not None:
        said = d.words("{} {}", _unchanged(d, report), said)
    if same == 0 or first.outcome in {"passed", "no_baseline"}:
        return said
    more = f"{number_format.format_count(same)} more {'is' if same == 1 else 'are'} {_COUNTED[first.outcome]}."
    if first.outcome == "failed":
        more = f"{number_format.pluralize(same, 'more gate', 'more gates')} failed."
    return d.words("{} {}", said, d.number(more))


def next_step(d: Markup, report: Report, links: Links) -> str:
    """Say what the author can do, with the line of the configuration that it is about."""
    if _is_unchanged(report):
        return d.number("merge; or add the files to `paths:` if this change should have been evaluated.")
    steps = [step for outcome in _STEPS if (step := _step(d, report, links, outcome)) is not None]
    if not steps:
        return _merge(d, report) if report.gates else d.number("add a gate to the configuration.")
    first, *rest = steps
    return d.join(" ", [first, *(d.capital(step) for step in rest)])


def _is_unchanged(report: Report) -> bool:
    return report.unchanged_since is not None and report.verdict == "pass"


def _unchanged(d: Markup, report: Report) -> str:
    numbers_of = "the numbers are the baseline's" if report.metrics else "nothing was evaluated"
    commit = d.code(labels.short_title(str(report.unchanged_since)))
    said = "No file that the model is made from differs from {}: nothing was trained, {}."
    return d.words(said, commit, d.number(numbers_of))


def _merge(d: Markup, report: Report) -> str:
    return d.number(f"{_PROMOTE}." if report.baseline.source == "production" else "merge.")


def about_gate(d: Markup, row: GateRow) -> str:
    """Say in one sentence what became of a gate that has nothing else to say."""
    name = labels.scoped_title(d, row.metric, row.scope)
    if row.outcome == "failed":
        return _failed(d, row, name)
    return d.words("{} is {}.", name, d.number(_COUNTED[row.outcome]))


def line_link(d: Markup, report: Report, links: Links, line: int | None) -> str:
    """Name a line of the configuration: linked where the repository is known."""
    path = report.provenance.config_path or "mlci.yml"
    name = d.code(path) if line is None else d.words("{} line {}", d.code(path), d.number(str(line)))
    return d.link(name, links.line(path, line))


def gate_sentence(d: Markup, report: Report, row: GateRow) -> str:
    """Say in one sentence what became of a gate, with its reason."""
    name = labels.scoped_title(d, row.metric, row.scope)
    match row.outcome:
        case "failed":
            return _failed(d, row, name)
        case "error":
            reason = d.text((row.reason or "no reason was given").rstrip("."), longest=LONG)
            return d.words("{} could not be judged: {}.", name, reason)
        case "inconclusive":
            return _inconclusive(d, row, name)
        case "no_baseline":
            number = number_format.pluralize(labels.outcome_counts(report)["no_baseline"], "gate")
            return d.number(f"There is nothing to compare with, so {number} could not be judged.")
        case "waived":
            return d.words("{} did not keep its limit and is waived.", name)
        case "passed":
            return _passed(d, report)


def _failed(d: Markup, row: GateRow, name: str) -> str:
    line = gate_numbers(row)
    allowed = d.number(line.allowed)
    if row.on == "value":
        words = "{} is {}; at least {} is required." if is_floor(row) else "{} is {}; at most {} is allowed."
        return d.words(words, name, d.number(line.value), allowed)
    verb, largest = ("fell", "drop") if is_floor(row) else ("rose", "rise")
    if row.value is None or (row.value < 0) != is_floor(row):
        return d.words("{} did not keep its limit {}.", name, d.number(line.limit))
    return d.words(f"{{}} {verb} by {{}}; the largest {largest} allowed is {{}}.", name, d.number(line.size), allowed)


def _inconclusive(d: Markup, row: GateRow, name: str) -> str:
    bound = bound_of(row)
    across = row.interval is not None and row.interval[0] <= bound <= row.interval[1]
    if across and row.why in {None, "across_limit"}:
        line = gate_numbers(row)
        interval = d.number(line.interval or number_format.UNDEFINED)
        return d.words("{} is undecided: its interval {} reaches across {}.", name, interval, d.number(line.limit))
    reason = d.text((row.reason or "no reason was given").rstrip("."), longest=LONG)
    return d.words("{} is undecided: {}.", name, reason)


def _passed(d: Markup, report: Report) -> str:
    rows = report.evaluation.rows
    where = "" if rows is None else f" on {number_format.pluralize(rows, 'row')}"
    against = ", compared with the baseline on the same rows" if labels.has_baseline(report) and rows else ""
    return d.number(f"Every gate kept its limit{where}{against}.")


def _step(d: Markup, report: Report, links: Links, outcome: Outcome) -> str | None:
    rows = [row for row in labels.in_order(report.gates) if row.outcome == outcome]
    return _STEPS[outcome](d, report, links, rows) if rows else None


def _recover(d: Markup, report: Report, links: Links, rows: list[GateRow]) -> str:
    where = line_link(d, report, links, rows[0].line)
    if len(rows) > 1:
        number = d.number(number_format.format_count(len(rows)))
        words = "recover the {} failed gates, or change their limits (the first is in {}) with an owner's approval."
        return d.words(words, number, where)
    name = labels.scoped_title(d, rows[0].metric, rows[0].scope)
    return d.words("recover {}, or change its limit in {} with an owner's approval.", name, where)


def _repair(d: Markup, report: Report, links: Links, rows: list[GateRow]) -> str:
    where = line_link(d, report, links, rows[0].line)
    what = "the gate in error" if len(rows) == 1 else "the first gate in error"
    words = _REPAIRS.get(rows[0].why or "", "make {} computable; it is in {}.")
    return d.words(words, d.number(what), where)


_REPAIRS: dict[str, str] = {
    "unknown_name": "correct the name in {}; it is in {}.",
    "undefined_for_candidate": "look at the candidate's predictions, which leave {} without a value; it is in {}.",
}


def _collect(d: Markup, report: Report, links: Links, rows: list[GateRow]) -> str | None:  # noqa: ARG001 (see _STEPS)
    known = [row for row in rows if row.rows_needed is not None]
    missing = [row for row in rows if row.why == "labels"]
    if missing:
        return d.number(_UNDECIDED["labels"].format(number_format.pluralize(len(missing), "inconclusive gate")))
    if not known:
        number = number_format.pluralize(len(rows), "inconclusive gate")
        why = rows[0].why if len({row.why for row in rows}) == 1 else None
        return d.number(_UNDECIDED.get(why or "", _UNKNOWN).format(number))
    most = max(known, key=lambda row: row.rows_needed or 0)
    needed = rows_needed_text(d, rows_available(report), most) or d.number("more rows")
    if len(rows) == 1:
        return d.words("add rows to the evaluation set; the inconclusive gate needs {}.", needed)
    name = labels.scoped_title(d, most.metric, most.scope)
    return d.words("add rows to the evaluation set; of the inconclusive gates {} needs most: {}.", name, needed)


_UNKNOWN = "look at {} yourself: no number of rows is known that would decide."
_UNDECIDED: dict[str, str] = {
    "labels": "label rows of the kind that is missing: {} can't be judged on these labels, whatever a model predicts.",
    "undefined_for_both": "gate on a metric that both models have: {} can't be judged, because neither has a value.",
    "undefined_for_baseline": "nothing to do in this change: {} can't be judged until the baseline has a value.",
}


def _record(d: Markup, report: Report, links: Links, rows: list[GateRow]) -> str:  # noqa: ARG001 (see _STEPS)
    if any(row.blocks for row in rows):
        return d.number("record a baseline first, because the policy blocks without one.")
    if report.baseline.source == "production":
        return d.number(f"{_PROMOTE}; from then on limits on change are judged against it.")
    return d.number("name a `baseline` that has these metrics to have limits on change judged.")


def _outlive(d: Markup, report: Report, links: Links, rows: list[GateRow]) -> str | None:  # noqa: ARG001 (see _STEPS)
    given = [row.waived for row in rows if row.waived is not None]
    if not given:
        return None
    soonest = min(given, key=lambda waiver: waiver.until)
    return d.words("repair what is waived before {}.", d.text(soonest.until))


_STEPS: dict[Outcome, Callable[[Markup, Report, Links, list[GateRow]], str | None]] = {
    "failed": _recover,
    "error": _repair,
    "inconclusive": _collect,
    "no_baseline": _record,
    "waived": _outlive,
}
