"""Answer to foreign checks: another app's or another job's check with our name, which could satisfy a required check.

A job of a fork can carry any name, and its check is as green as its author likes. The answer is a failing check and a
failing commit status by mlci: GitHub requires both of one name. Checks of mlci's other jobs, such as those of a matrix,
are made by the same app and carry the number of their run; they are not foreign.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from mlci.publish.check_content import shorten_text
from mlci.publish.commit_verdict import WORST, CheckReading
from mlci.publish.plan import Publication
from mlci.publish.runs import parse_run
from mlci.report.text.markup import Markdown

C = TypeVar("C", bound=CheckReading)
TITLE = "another check carries this name"
_SHOWN = 3
_MOST_BYTES = 60_500
"""Most bytes of a text, so that the table of invocations and a record still fit into a check's summary."""


def find_foreign(checks: Iterable[C], *, app: str | None) -> list[C]:
    """Return checks with our name that another app or a job of that name made; ``None`` if mlci's own is not known."""
    return [one for one in checks if (app is not None and one.app != app) or parse_run(one.external_id) is None]


def answer_foreign(publication: Publication, foreign: Sequence[CheckReading]) -> Publication:
    """Return a publication that fails because of foreign checks, with the original text below."""
    original = publication.original or publication
    warning = _warning(original.target.name, foreign)
    text = f"{warning}\n\n{original.body}"
    return replace(
        original,
        own=max(original.own, "error", key=WORST.index),
        title=shorten_text(f"{TITLE}; {original.title}", 255),
        body=text if len(text.encode()) <= _MOST_BYTES else warning,
        foreign=frozenset(one.id for one in foreign),
        original=original,
    )


def _warning(name: str, foreign: Sequence[CheckReading]) -> str:
    d = Markdown()
    listed: list[str] = [
        d.link(d.text(one.app or "unknown app", longest=40), one.url or None) for one in foreign[:_SHOWN]
    ]
    more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
    return d.words(
        "## {} {}\n\nA check named {} on this commit was made by {}{}, and not by mlci. It could satisfy the required "
        "check, so this one fails. Usually a job has that name: give it another one, and push. If mlci published with "
        "another token before, push a commit. A ruleset that names the app of the required check refuses such checks.",
        d.number("⛔"),
        d.number(TITLE.capitalize()),
        d.code(name),
        d.join(", ", listed),
        d.number(more),
    )
