"""Headline of a report: verdict, counts, cause, and the next step."""

from collections.abc import Callable

from mlci.report.document import GateRow, Outcome, Report
from mlci.report.gate_numbers import LONG, GateNumbers, gate_numbers, is_across, waiver_text
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Links, Markup

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
    """Write model, verdict and counts: ``❌ credit-risk: blocked, 1 of 42 gates failed``."""
    state = labels.VERDICTS[report.verdict]
    glyph = d.number(state.glyph if d.emphasis else state.mark)
    return d.words("{} {}: {}", glyph, d.text(report.model), d.number(verdict_headline(report)))


def verdict_headline(report: Report) -> str:
    """Say the verdict, and how many gates it comes from."""
    counts = labels.outcome_counts(report)
    if _is_unchanged(report):
        return "nothing relevant changed"
    if report.training_label is not None:
        return "not trained yet"
    if not counts:
        return "no gate was evaluated"
    counted = _counted(report)
    if report.evaluation.look is not None and report.evaluation.look.worn_out is not None:
        counted = f"{counted}; the evaluation set is worn out"
    return counted if report.unchanged_since is None else f"nothing relevant changed; {counted}"


def _counted(report: Report) -> str:
    """Count the gates that the verdict comes from, the most severe outcome first."""
    rows = report.gates
    if report.verdict == "pass":
        few = {1: "the gate passed", 2: "both gates passed"}
        return few.get(len(rows), f"all {number_format.format_count(len(rows))} gates passed")
    counted = [row for row in rows if (row.blocks if report.verdict == "block" else row.outcome != "passed")]
    counts = {outcome: sum(row.outcome == outcome for row in counted or rows) for outcome in labels.STATES}
    (first, number), *rest = [(outcome, number) for outcome, number in counts.items() if number]
    parts = [f"{_of_all(number, len(rows))} {_COUNTED[first]}"]
    parts += [f"{number_format.format_count(number)} {_COUNTED[outcome]}" for outcome, number in rest]
    return ", ".join([labels.VERDICTS[report.verdict].word, *parts])


def _of_all(number: int, total: int) -> str:
    if number == total:
        return "1 gate" if total == 1 else f"all {number_format.format_count(total)} gates"
    return f"{number_format.format_count(number)} of {number_format.pluralize(total, 'gate')}"


def verdict_cause(d: Markup, report: Report) -> str:
    """Say what the verdict comes from: the most severe gate, and how many more there are of its kind."""
    rows = labels.in_order(report.gates)
    if _is_unchanged(report):
        return _unchanged(d, report)
    if report.training_label is not None:
        return d.number("Training runs only when it is asked for (`train.when`), so nothing was trained or judged.")
    if not rows:
        return d.number("The configuration has no gates, so nothing was decided.")
    first = rows[0]
    same = sum(row.outcome == first.outcome for row in rows) - 1
    sentence = gate_sentence(d, report, first)
    if report.unchanged_since is not None:
        sentence = d.words("{} {}", _unchanged(d, report), sentence)
    if same == 0 or first.outcome in {"passed", "no_baseline"}:
        return sentence
    more = f"{number_format.format_count(same)} more {'is' if same == 1 else 'are'} {_COUNTED[first.outcome]}."
    if first.outcome == "failed":
        more = f"{number_format.pluralize(same, 'more gate', 'more gates')} failed."
    return d.words("{} {}", sentence, d.number(more))


def next_step(d: Markup, report: Report, links: Links) -> str:
    """Say what the author can do, with the line of the configuration that it is about."""
    if _is_unchanged(report):
        return d.number("merge; or add the files to `paths:` if this change should have been evaluated.")
    if report.training_label is not None:
        words = "add the label {} to the pull request, or comment {}; the check blocks the merge until then."
        return d.words(words, d.text(report.training_label), d.number("/mlci run"))
    rows = labels.in_order(report.gates)
    urgent = [row for row in rows if row.blocks] or [row for row in rows if row.outcome != "passed"]
    steps = [_STEPS[kind](d, report, links, _only(urgent, kind)) for kind in _STEPS if _only(urgent, kind)]
    if not steps:
        return _merge(d, report) if rows else d.number("add a gate to the configuration.")
    first, *rest = steps if urgent[0].blocks else steps[:1]
    return d.join(" ", [first, *(d.capital(step) for step in rest)])


def _only(rows: list[GateRow], outcome: Outcome) -> list[GateRow]:
    return [row for row in rows if row.outcome == outcome]


def _is_unchanged(report: Report) -> bool:
    return report.unchanged_since is not None and report.verdict == "pass"


def _unchanged(d: Markup, report: Report) -> str:
    numbers_of = "the numbers are the baseline's" if report.metrics else "nothing was evaluated"
    commit = d.code(labels.short_title(str(report.unchanged_since)))
    words = "No file that the model is made from differs from {}: nothing was trained, {}."
    return d.words(words, commit, d.number(numbers_of))


def _merge(d: Markup, report: Report) -> str:
    return d.number(f"{_PROMOTE}." if report.baseline.source == "production" else "merge.")


def line_link(d: Markup, report: Report, links: Links, line: int | None) -> str:
    """Name a line of the configuration: linked where the repository is known."""
    path = report.provenance.config_path or "mlci.yml"
    name = d.code(path) if line is None else d.words("{}, line {}", d.code(path), d.number(str(line)))
    return d.link(name, links.line(path, line))


def gate_sentence(d: Markup, report: Report, row: GateRow) -> str:
    """Say what became of a gate, with its reason: briefly in plain text, with its interval where there is emphasis."""
    sentence = _gate_sentence(d, report, row)
    if row.not_covered is None:
        return sentence
    return d.words("{} {}.", sentence, d.capital(d.text(row.not_covered, longest=LONG)))


def _gate_sentence(d: Markup, report: Report, row: GateRow) -> str:
    name = labels.scoped_phrase(d, row.metric, row.scope)
    match row.outcome:
        case "failed":
            return _failed(d, report, row, name)
        case "error":
            words = "The test {} did not run to its end." if row.test else "{} could not be evaluated."
            lead = d.strong(d.words(words, name))
            return d.words("{} Reason: {}.", lead, _reason(d, row))
        case "inconclusive":
            return _inconclusive(d, report, row, name)
        case "no_baseline":
            number = number_format.pluralize(labels.outcome_counts(report)["no_baseline"], "gate")
            return d.number(f"Without a baseline to compare with, {number} could not be evaluated.")
        case "waived":
            waived = d.words("{}.", waiver_text(d, row.waived)) if row.waived else d.number("waived.")
            return d.words("{} {}", d.strong(d.words("{}:", name)), waived)
        case "passed":
            return _passed(d, report)


def _failed(d: Markup, report: Report, row: GateRow, name: str) -> str:
    if row.test:
        return d.words("{} {}.", d.strong(d.words("The test {} failed:", name)), _reason(d, row))
    line = gate_numbers(row)
    finding = _finding(d, row, line, name)
    if not d.emphasis:
        return d.words("{}; {}.", finding, d.number(line.condition))
    lead = d.strong(d.words("{}.", finding))
    interval = _interval(report, line)
    if row.on == "change" and row.value is not None:
        sentence = f"That is {line.value}{f' ({interval})' if interval else ''}; {line.condition}."
    elif interval is not None:
        sentence = f"Its {interval.replace('interval', 'interval is')}; {line.condition}."
    else:
        sentence = f"{line.condition[:1].upper()}{line.condition[1:]}."
    return d.words("{} {}", lead, d.number(sentence))


def _finding(d: Markup, row: GateRow, line: GateNumbers, name: str) -> str:
    """Say what a gate found: a value, or where it came from and went to."""
    if row.on == "value":
        return d.words("{} is {}", name, d.number(line.value))
    if row.baseline is None or row.candidate is None or row.value is None:
        return d.words("{} changed by {}", name, d.number(line.value))
    verb = "fell" if row.value < 0 else "rose" if row.value > 0 else "stayed"
    return d.words(f"{{}} {verb} from {{}} to {{}}", name, d.number(line.baseline), d.number(line.candidate))


def _interval(report: Report, line: GateNumbers) -> str | None:
    share = number_format.format_percent(report.policy.confidence)
    return None if line.interval is None else f"{share} interval {line.interval}"


def _inconclusive(d: Markup, report: Report, row: GateRow, name: str) -> str:
    lead = d.strong(d.words("{} is inconclusive.", name))
    if labels.has_too_few(row):
        return d.words("{} Too few rows: {}.", lead, _reason(d, row))
    if not is_across(row) or row.why not in {None, "across_limit"}:
        return d.words("{} Reason: {}.", lead, _reason(d, row))
    line = gate_numbers(row)
    what = "change" if row.on == "change" else "value"
    interval = _interval(report, line) or "no interval"
    sentence = f"Its {what} is {line.value} ({interval}), and {line.condition}: the limit lies inside the interval."
    return d.words("{} {}", lead, d.number(sentence))


def _reason(d: Markup, row: GateRow) -> str:
    return d.text((labels.reason_text(row) or "no reason was given").rstrip("."), longest=LONG)


def _passed(d: Markup, report: Report) -> str:
    rows = report.evaluation.rows
    unit = labels.counted_unit(report)
    where = "" if rows is None else f" on {number_format.pluralize(rows, unit)}"
    against = f", compared with the baseline on the same {unit}s" if labels.has_baseline(report) and rows else ""
    return d.number(f"Every gate passed{where}{against}.")


def _recover(d: Markup, report: Report, links: Links, rows: list[GateRow]) -> str:
    where = line_link(d, report, links, rows[0].line)
    if all(row.test for row in rows):
        what = d.number("the test" if len(rows) == 1 else "the tests")
        return d.words("make {} pass, or have an owner change what {} requires.", what, where)
    if len(rows) == 1 and rows[0].metric == "cost_usd_per_month":
        return d.words("wait for the next month, or have an owner raise the budget in {}.", where)
    if len(rows) == 1:
        return d.words("recover it, or have an owner approve another limit in {}.", where)
    number = d.number(number_format.format_count(len(rows)))
    return d.words(
        "recover the {} failed gates, or have an owner approve other limits; the first is in {}.", number, where
    )


def _repair(d: Markup, report: Report, links: Links, rows: list[GateRow]) -> str:
    where = line_link(d, report, links, rows[0].line)
    what = "the gate in error" if len(rows) == 1 else "the first gate in error"
    why = "price" if "cost_usd" in rows[0].metric else rows[0].why
    words = _REPAIRS.get(why or "", "make the value of {} computable; it is in {}.")
    return d.words(words, d.number(what), where)


_REPAIRS: dict[str, str] = {
    "price": "add the price that {} lacks, by the line in its reason; it is in {}.",
    "unknown_name": "correct the name in {}; it is in {}.",
    "test_not_run": "let the test of {} run to its end and pass; it is required in {}.",
    "undefined_for_candidate": "look at the candidate's predictions, which leave {} without a value; it is in {}.",
}


def _collect(d: Markup, report: Report, links: Links, rows: list[GateRow]) -> str:
    """Say how doubt is resolved; how many rows it takes stands on each gate's own row."""
    worn_out = [row for row in rows if row.why == "worn_out"]
    if worn_out:
        words = "replace the rows of the evaluation set: a new one has all looks. The budget is in {}."
        return d.words(words, line_link(d, report, links, worn_out[0].line))
    missing = [row for row in rows if row.why == "labels"]
    chosen = missing or rows
    causes = {row.why for row in chosen}
    sufficient = any(row.rows_needed is not None for row in chosen)
    cause = chosen[0].why if len(causes) == 1 and (missing or not sufficient) else None
    what = d.number(number_format.pluralize(len(chosen), "inconclusive gate"))
    where = line_link(d, report, links, chosen[0].line)
    words = _UNDECIDED.get(cause or "", _MORE_ROWS if sufficient else _UNKNOWN)
    words = _MORE_PAIRS if all(row.test for row in chosen) else words
    first = "the first is in {}" if len(chosen) > 1 else "it is in {}"
    step = d.words(words, what)
    if rows[0].blocks:
        return d.words("{}, or have an owner approve another limit; " + first + ".", step, where)
    return d.words("{}, or merge with that doubt; " + first + ".", step, where)


_MORE_ROWS = "add rows to the evaluation set to decide {}"
_MORE_PAIRS = "measure more pairs of runs (`pairs=`) to decide {}"
_UNKNOWN = "compare the values of {}, for which no sufficient number of rows is known"
_UNDECIDED: dict[str, str] = {
    "labels": "label rows of the kind that is missing for {}",
    "undefined_for_both": "use a metric that both models have for {}",
    "undefined_for_baseline": "use a metric that the baseline has for {}",
    "errored_items": "run the errored items again for {}",
    "grader": "improve the judge, or label more answers, for {}",
}


def _record(d: Markup, report: Report, links: Links, rows: list[GateRow]) -> str:
    if any(row.blocks for row in rows):
        if report.baseline.source == "ref":
            return d.number("have an owner allow this change without a baseline (`policy: {no_baseline: warn}`).")
        return d.number("record a baseline first, because the policy blocks without one.")
    if report.baseline.source == "production":
        return d.number(f"{_PROMOTE}; later candidates are compared with it.")
    if labels.is_first(report):
        return d.words("merge; later candidates are compared with {}.", d.code(report.baseline.label or ""))
    return d.words("name a `baseline` that has these metrics in {}.", line_link(d, report, links, None))


_STEPS: dict[Outcome, Callable[[Markup, Report, Links, list[GateRow]], str]] = {
    "failed": _recover,
    "error": _repair,
    "inconclusive": _collect,
    "no_baseline": _record,
}
"""Next step for each outcome, the most severe first."""
