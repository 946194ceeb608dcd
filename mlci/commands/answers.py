"""Answers to commands, in Markdown: every text from a comment, a report or GitHub is escaped. Pure."""

from mlci.commands.grammar import USAGE
from mlci.report.document import GateRow, Report
from mlci.report.gate_numbers import gate_numbers, gate_remarks, rows_available
from mlci.report.headline import gate_sentence, line_link
from mlci.report.text import labels
from mlci.report.text.escape import Md
from mlci.report.text.markup import Links, Markdown

_LONG = 1_500
_DECIDES = {"estimate": "value", "interval": "interval"}


def answer_marker(comment: int) -> str:
    """Return the hidden first line of the answer to a comment, by which a repeated delivery finds it."""
    return f"<!-- mlci-answer comment={comment} -->"


def answer_text(comment: int, person: str, body: Md) -> str:
    """Return the whole answer to a person's comment."""
    return f"{answer_marker(comment)}\n**{Markdown().text(person)}**: {body}\n"


def refusal_answer(why: str, *, usage: str | None = None) -> Md:
    """Say why a command was not carried out, with its form if that is why."""
    d = Markdown()
    said = d.words("not done: {}.", d.text(why.rstrip("."), longest=_LONG))
    return said if usage is None else d.join("\n\n", [said, usage_answer(usage)])


def usage_answer(name: str | None = None) -> Md:
    """List the form of a command, or of all of them."""
    d = Markdown()
    shown = [USAGE[name]] if name in USAGE else list(USAGE.values())
    return d.join("\n", [d.block(line) for line in shown])


def waived_answer(
    *, gate: str, head: str, until: str, reason: str, worst: float | None, recorded: int | None, next_step: str
) -> Md:
    """Say which waiver the ledger has, and what happens next."""
    d = Markdown()
    entry = "the ledger had this waiver already" if recorded is None else f"entry {recorded} of the ledger"
    words = "{} is waived on {} until {} (UTC){}: {} ({}). {}"
    holds = "" if worst is None else f", while its value is not worse than {worst:.4g}"
    parts = [d.text(gate, longest=_LONG), d.code(head[:7]), d.text(until), d.number(holds)]
    parts += [d.text(reason, longest=_LONG)]
    return d.words(words, *parts, d.number(entry), d.text(next_step, longest=_LONG))


def plain_answer(text: str) -> Md:
    """Say one sentence."""
    return Markdown().text(text, longest=_LONG)


def explanation(report: Report, row: GateRow, links: Links) -> Md:
    """Explain a gate: its sentence, its numbers, what decides, and the line of its rule."""
    d, line = Markdown(), gate_numbers(row)
    state = labels.STATES[row.outcome]
    title = d.words(
        "{} {}: {}", d.number(state.glyph), labels.scoped_title(d, row.metric, row.scope), d.number(state.word)
    )
    parts = [title, d.text(row.id, longest=_LONG), gate_sentence(d, report, row)]
    if not row.test:
        decided = f"Decided by the {_DECIDES[row.judge]}, compared with the limit."
        numbers = d.words("{}; compared: {}; limit: {}.", *map(d.number, (line.pair, line.evidence, line.limit)))
        parts += [numbers, d.number(decided)]
    if (remarks := gate_remarks(d, rows_available(report), row)) is not None:
        parts.append(remarks)
    parts.append(d.words("Rule: {}.", line_link(d, report, links, row.line)))
    if links.guide is not None:
        parts.append(d.link(d.number("How gates decide"), links.guide))
    return d.join("\n\n", parts)
