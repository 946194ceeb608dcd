"""Joined verdict of a commit: the worst of the newest attempts of all invocations, and the content of each check."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from mlci.publish.attempt import JOINED, WORST, Attempt, Own, newest_attempts, worst_attempt
from mlci.publish.check import Conclusion, State
from mlci.report.text.markup import Markdown

_MOST_BYTES = 3_500
"""Most bytes of the table of invocations; a report of 60,000 bytes and a record still fit into 65,535."""

_WORDS: dict[Own, tuple[str, str]] = {
    "failure": ("❌", "failed"),
    "error": ("⛔", "did not finish"),
    "cancelled": ("⏹️", "was cancelled"),
    "open": ("⏳", "has not finished yet"),
    "success": ("✅", "passed"),
}
_TITLE = 60
_RULE = (
    "The worst verdict counts. An invocation is a job with its matrix values, an event and a workflow file; its newest "
    "attempt replaces earlier ones."
)


@dataclass(frozen=True, kw_only=True)
class JoinedVerdict:
    """The verdict of one commit.

    Attributes:
        found: Every attempt on it, by check id.
        live: The current attempts.
        own: The worst of their verdicts.
        worst: The worst finished attempt, whose text represents all.
    """

    found: tuple[Attempt, ...]
    live: tuple[Attempt, ...]
    own: Own
    worst: Attempt | None

    @property
    def several(self) -> bool:
        """Whether more than one invocation counts."""
        return len(self.live) > 1


@dataclass(frozen=True, kw_only=True)
class CheckText:
    """Content of a check; without a conclusion it stays in progress."""

    conclusion: Conclusion | None
    title: str
    summary: str


def join_attempts(found: Iterable[Attempt]) -> JoinedVerdict:
    """Join the attempts on one commit."""
    known = tuple(sorted(found, key=lambda one: one.id))
    live = newest_attempts(known)
    own = worst_attempt(one.record.own for one in live) if live else "open"
    ended = [one for one in live if one.record.own != "open"]
    bad = worst_attempt(one.record.own for one in ended) if ended else own
    last = [one for one in ended if one.record.own == bad]
    return JoinedVerdict(found=known, live=live, own=own, worst=last[-1] if last else None)


def joined_conclusion(own: Own) -> Conclusion | None:
    """Return the conclusion of a check with a verdict; ``None`` leaves it in progress."""
    match own:
        case "success" | "cancelled" | "failure":
            return own
        case "error":
            return "failure"
        case "open":
            return None
        case _:
            assert_never(own)


def joined_state(own: Own) -> State:
    """Return the commit status of a verdict."""
    match own:
        case "success" | "failure":
            return own
        case "cancelled" | "error":
            return "error"
        case "open":
            return "pending"
        case _:
            assert_never(own)


def joined_title(joined: JoinedVerdict) -> str:
    """Return the joined verdict in one line: the worst attempt's title, with its invocation if there are several."""
    if not joined.several and joined.worst is not None:
        return joined.worst.record.title
    bad = [one for one in joined.live if one.record.own == joined.own]
    if not bad:
        return "evaluating"
    first = bad[-1].record
    of = f"{len(bad)} of {len(joined.live)} evaluations {_verb(joined.own, len(bad))}"
    return f"{of}: {first.label}" + ("" if joined.own == "open" else f": {first.title}")


def text_of_check(one: Attempt, joined: JoinedVerdict, *, model: str) -> CheckText:
    """Return the content of a check: the joined verdict for the newest one, its own for every other one."""
    if one.id < max((other.id for other in joined.found), default=one.id):
        return CheckText(conclusion=_possible_conclusion(one, one.record.own), title=one.record.title, summary=one.text)
    if joined.live == (one,):
        return CheckText(conclusion=_possible_conclusion(one, one.record.own), title=one.record.title, summary=one.text)
    return CheckText(
        conclusion=_possible_conclusion(one, joined.own),
        title=joined_title(joined),
        summary=invocation_table(joined, model=model) + one.text,
    )


def differs_from(one: Attempt, wanted: CheckText) -> bool:
    """Check if a check run is outdated."""
    same = (one.conclusion, one.title, one.summary.rstrip()) == (
        wanted.conclusion,
        wanted.title,
        wanted.summary.rstrip(),
    )
    return not same


def joined_comment(joined: JoinedVerdict, *, model: str) -> str:
    """Return the text of the comment: the worst attempt's, after the table if there are several."""
    own = joined.worst.text if joined.worst is not None else ""
    return invocation_table(joined, model=model) + own if joined.several else own


def invocation_table(joined: JoinedVerdict, *, model: str) -> str:
    """Return a table of all invocations with their verdicts, the worst first; it ends with the line :data:`JOINED`."""
    d = Markdown()
    glyph, _ = _WORDS[joined.own]
    bad = sum(one.record.own == joined.own for one in joined.live)
    counts = d.number(f"{bad} of {len(joined.live)} evaluations of this commit {_verb(joined.own, bad)}")
    lines = [
        d.words("## {} {}: {}", d.number(glyph), d.text(model), counts),
        "",
        _RULE,
        "",
        "| invocation | verdict |",
        "|---|---|",
        *_rows(d, joined.live),
        "",
        _below(d, joined.worst),
        "",
        JOINED,
    ]
    return "\n".join(lines) + "\n"


def _rows(d: Markdown, live: Sequence[Attempt]) -> list[str]:
    rows: list[str] = []
    left = _MOST_BYTES
    ranked = sorted(live, key=lambda one: (-WORST.index(one.record.own), one.id))
    for place, one in enumerate(ranked):
        glyph, verb = _WORDS[one.record.own]
        label = d.link(d.text(one.record.label), one.url or None)
        verdict = d.words("{} {}", d.number(glyph), d.number(verb))
        if one.record.own != "open":
            verdict = d.words("{}: {}", verdict, d.text(one.record.title, longest=_TITLE))
        row = f"| {label} | {verdict} |"
        left -= len(row.encode())
        if left < 0:
            return [*rows, f"| and {len(ranked) - place:,} more | |"]
        rows.append(row)
    return rows


def _below(d: Markdown, one: Attempt | None) -> str:
    if one is None:
        return ""
    return d.words("The worst one that has finished: {}.", d.link(d.text(one.record.label), one.url or None))


def _possible_conclusion(one: Attempt, own: Own) -> Conclusion | None:
    """Return a conclusion; a check that is completed can't be in progress again, and then is not a success."""
    found = joined_conclusion(own)
    if found is None and one.status == "completed":
        return "failure" if one.conclusion == "failure" else "cancelled"
    return found


def _verb(own: Own, count: int) -> str:
    verb = _WORDS[own][1]
    return verb if count == 1 else verb.replace("was ", "were ").replace("has ", "have ")
