"""Attempts: the verdict of one run of one invocation, as its check run records it.

A check's conclusion and title may show the joined verdict of the commit, so the attempt's own verdict is kept in a
hidden last line of the check's summary. Only the attempt itself changes it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import unquote

from mlci.publish.runs import Run, parse_run

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
    found = [read_attempt(one) for one in checks if app is None or one.app == app]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.id))


def newest_attempts(found: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Return the current attempts: the newest one of each invocation, by check id.

    Checks of one invocation and one attempt all count: they are jobs that cannot be distinguished.
    """
    known: list[Attempt] = []
    unknown: list[Attempt] = []
    for key, ones in _by_key(found).items():
        (known if key else unknown).extend(_last(ones))
    after = max((one.id for one in known), default=0)
    live = [*known, *(one for one in unknown if one.id > after)]
    return tuple(sorted(live, key=lambda one: one.id))


def _by_key(found: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    grouped: dict[str, list[Attempt]] = {}
    for one in found:
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
