"""Verdict of a commit: attempts as check runs record them, and the worst of the newest ones.

A check's conclusion and title may show the joined verdict of the commit, so the attempt's own verdict is kept in a
hidden last line of the check's summary. Only the attempt itself changes it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, assert_never
from urllib.parse import unquote

from mlci.publish.check_content import Conclusion, State
from mlci.publish.runs import Run, parse_run
from mlci.report.text.markup import Markdown

Own = Literal["success", "open", "cancelled", "error", "failure"]

WORST: tuple[Own, ...] = ("success", "open", "cancelled", "error", "failure")
"""From best to worst: an evaluation that has not finished is not a pass, and a gate that failed counts most."""

JOINED = "<!-- mlci-joined -->"
"""Line after the part of a summary about all invocations."""

_RECORD = re.compile(r"<!-- mlci-attempt key=([0-9a-f]{16}) own=([a-z]+) label=([^\s<>]*) title=([^\s<>]*) -->")
_UNSAFE = re.compile(r"[\s<>%\x00-\x1f-]")


class CheckReading(Protocol):
    """Fields of a check run from which an attempt is read."""

    @property
    def id(self) -> int: ...  # noqa: D102 (fields of :class:`mlci.github.interface.CheckRun`)
    @property
    def head(self) -> str: ...  # noqa: D102
    @property
    def app(self) -> str: ...  # noqa: D102
    @property
    def external_id(self) -> str: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def conclusion(self) -> str | None: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def url(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class AttemptRecord:
    """An attempt's own record.

    Attributes:
        key, label: Key and label of its invocation.
        own: Its verdict, whatever the check shows.
        title: Its title, whatever the check shows.
    """

    key: str
    label: str
    own: Own
    title: str


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt.

    Attributes:
        id, head, url: Id, commit and address of its check.
        run: Its run.
        record: Its record.
        text: Its own text, with the record's line.
        status, conclusion, title, summary: Content of the check.
    """

    id: int
    head: str
    url: str
    run: Run
    record: AttemptRecord
    text: str
    status: str
    conclusion: str | None
    title: str
    summary: str


def write_record(text: str, record: AttemptRecord) -> str:
    """Append the record's line to a text."""
    facts = f"label={_quoted(record.label)} title={_quoted(record.title)}"
    return f"{text.rstrip()}\n\n<!-- mlci-attempt key={record.key} own={record.own} {facts} -->"


def read_record(summary: str) -> AttemptRecord | None:
    """Read the record of a summary; ``None`` unless its last line is one."""
    match = _RECORD.fullmatch(summary.rstrip().rpartition("\n")[2].rstrip("\r"))
    if match is None:
        return None
    own: Own = next((one for one in WORST if one == match[2]), "open")
    return AttemptRecord(key=match[1], label=unquote(match[3]), own=own, title=unquote(match[4]))


def read_attempt(check: CheckReading) -> Attempt | None:
    """Read the attempt of a check run; ``None`` if mlci did not make it."""
    run = parse_run(check.external_id)
    if run is None:
        return None
    record = read_record(check.summary) or _unrecorded(check)
    own_text = check.summary.partition(f"{JOINED}\n")
    return Attempt(
        id=check.id,
        head=check.head,
        url=check.url,
        run=run,
        record=record,
        text=(own_text[2] if own_text[1] else check.summary).strip("\n"),
        status=check.status,
        conclusion=check.conclusion,
        title=check.title,
        summary=check.summary,
    )


def read_attempts(checks: Iterable[CheckReading], *, app: str | None) -> tuple[Attempt, ...]:
    """Return the attempts of one app, by check id; of every app if ``app`` is unknown."""
    attempts = [read_attempt(one) for one in checks if app is None or one.app == app]
    return tuple(sorted((one for one in attempts if one is not None), key=lambda one: one.id))


def newest_attempts(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Return the current attempts: the newest one of each invocation, by check id.

    Checks of one invocation and one attempt all count: they are jobs that cannot be distinguished.
    """
    identified: list[Attempt] = []
    unidentified: list[Attempt] = []
    for key, ones in _by_key(attempts).items():
        (identified if key else unidentified).extend(_last(ones))
    after = max((one.id for one in identified), default=0)
    live = [*identified, *(one for one in unidentified if one.id > after)]
    return tuple(sorted(live, key=lambda one: one.id))


def _by_key(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    grouped: dict[str, list[Attempt]] = {}
    for one in attempts:
        grouped.setdefault(one.record.key, []).append(one)
    return grouped


def _last(ones: list[Attempt]) -> list[Attempt]:
    """Return the newest attempt of one invocation.

    The ids of checks have the order in which attempts began. First attempts keep the order of their runs, also if one
    of them opened its check late.
    """
    ranks, latest = [], 0
    for one in sorted(ones, key=lambda one: (one.run, one.id)):
        latest = max(latest, one.id) if one.run.attempt == 1 else latest
        ranks.append((latest if one.run.attempt == 1 else one.id, one.run))
    last = max(ranks)[1]
    return [one for one in ones if one.run == last]


def worst_attempt(owns: Iterable[Own]) -> Own:
    """Return the worst verdict."""
    return max(owns, key=WORST.index)


def _unrecorded(check: CheckReading) -> AttemptRecord:
    """Read a check of an older mlci; all of them count as one invocation, which any newer check replaces."""
    ended: dict[str | None, Own] = {"success": "success", "cancelled": "cancelled"}
    own: Own = "open" if check.status != "completed" else ended.get(check.conclusion, "failure")
    return AttemptRecord(key="", label="an older mlci", own=own, title=check.title)


def _quoted(text: str) -> str:
    """Escape characters that could end the line or its comment."""
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


_MOST_BYTES = 3_500
"""Most bytes of the table of invocations; a report of 60,000 bytes and a record still fit into 65,535."""

_WORDS: dict[Own, tuple[str, str]] = {
    "failure": ("❌", "failed"),
    "error": ("⛔", "did not finish"),
    "cancelled": ("⏹️", "was cancelled"),
    "open": ("⏳", "has not finished yet"),
    "success": ("✅", "passed"),
}
_LONGEST_TITLE = 60
_RULE = (
    "The worst verdict counts. An invocation is a job with its matrix values, an event and a workflow file; its newest "
    "attempt replaces earlier ones."
)


@dataclass(frozen=True, kw_only=True)
class JoinedVerdict:
    """The verdict of one commit.

    Attributes:
        attempts: Every attempt on it, by check id.
        live: The current attempts.
        own: The worst of their verdicts.
        worst: The worst finished attempt, whose text represents all.
    """

    attempts: tuple[Attempt, ...]
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


def join_attempts(attempts: Iterable[Attempt]) -> JoinedVerdict:
    """Join the attempts on one commit."""
    ordered = tuple(sorted(attempts, key=lambda one: one.id))
    live = newest_attempts(ordered)
    own = worst_attempt(one.record.own for one in live) if live else "open"
    ended = [one for one in live if one.record.own != "open"]
    bad = worst_attempt(one.record.own for one in ended) if ended else own
    last = [one for one in ended if one.record.own == bad]
    return JoinedVerdict(attempts=ordered, live=live, own=own, worst=last[-1] if last else None)


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
    if one.id < max((other.id for other in joined.attempts), default=one.id):
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
    room = _MOST_BYTES
    ranked = sorted(live, key=lambda one: (-WORST.index(one.record.own), one.id))
    for place, one in enumerate(ranked):
        glyph, verb = _WORDS[one.record.own]
        label = d.link(d.text(one.record.label), one.url or None)
        verdict = d.words("{} {}", d.number(glyph), d.number(verb))
        if one.record.own != "open":
            verdict = d.words("{}: {}", verdict, d.text(one.record.title, longest=_LONGEST_TITLE))
        row = f"| {label} | {verdict} |"
        room -= len(row.encode())
        if room < 0:
            return [*rows, f"| and {len(ranked) - place:,} more | |"]
        rows.append(row)
    return rows


def _below(d: Markdown, one: Attempt | None) -> str:
    if one is None:
        return ""
    return d.words("The worst one that has finished: {}.", d.link(d.text(one.record.label), one.url or None))


def _possible_conclusion(one: Attempt, own: Own) -> Conclusion | None:
    """Return a conclusion; a check that is completed can't be in progress again, and then is not a success."""
    conclusion = joined_conclusion(own)
    if conclusion is None and one.status == "completed":
        return "failure" if one.conclusion == "failure" else "cancelled"
    return conclusion


def _verb(own: Own, count: int) -> str:
    verb = _WORDS[own][1]
    return verb if count == 1 else verb.replace("was ", "were ").replace("has ", "have ")
