"""Result to publish: a valid report, or an unfinished evaluation with its reason and comment.

A missing result is never a pass: a report counts only if its run is known to have finished with the exit code that
belongs to the report's verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlci.report.document import Report
from mlci.report.templating import render_template
from mlci.report.text.escape import plain_text
from mlci.report.text.labels import short_title
from mlci.report.text.markup import Links, Markdown

Ended = Literal["success", "failure", "cancelled"]

CODES = {
    0: "every gate passed or may be merged",
    1: "a gate blocked",
    2: "configuration or data that can't be used",
    3: "the project's own train or predict step failed",
    4: "GitHub, a registry or the network failed",
    70: "a bug in mlci",
    130: "it was interrupted",
    143: "it was ended from outside",
}
"""Meaning of the exit codes of ``mlci run``."""

UNNAMED = (
    "the step that made it saw neither git nor GitHub's variables; in a container, pass MLCI_HEAD_SHA to it, the pull "
    "request's head commit"
)
"""Reason why a report names no commit, with the remedy."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A report that can be trusted."""

    report: Report


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """Result without a report that can be trusted.

    Attributes:
        why: The reason, one sentence without a period.
        code: Exit code of ``mlci run``; ``None`` if it did not finish.
        cancelled: Whether a user, a newer run or a time limit cancelled the job.
        details: Further lines, for instance errors of the configuration.
        title: Headline; by default that the evaluation did not finish.
        remedy: What to do, one sentence without a period; by default by the exit code.
    """

    why: str
    code: int | None = None
    cancelled: bool = False
    details: tuple[str, ...] = ()
    title: str = ""
    remedy: str = ""


Result = Finished | Unfinished


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Facts about the run beside its report.

    Attributes:
        ended: The job's status so far; ``None`` if a user publishes by hand.
        code: Exit code of ``mlci run``; ``""`` if it did not finish, ``None`` if it was not passed.
        model: The model that the configuration is about.
        commits: Commits that the report may be about: the head, and the merge commit that was checked out.
    """

    ended: Ended | None
    code: str | None
    model: str
    commits: frozenset[str]


def read_result(report: Report | None, claim: Claim, *, problems: Sequence[str] = ()) -> Result:
    """Decide if a report can be trusted.

    Args:
        report: The report; ``None`` if it is missing or unreadable.
        claim: Facts about the run.
        problems: Why it is unreadable.
    """
    code = _number(claim.code)
    if report is None:
        return _without(claim, code, tuple(problems))
    doubt = _doubt(report, claim, code)
    if doubt is None:
        return Finished(report=report)
    return Unfinished(why=doubt, code=code, cancelled=claim.ended == "cancelled")


def _without(claim: Claim, code: int | None, problems: tuple[str, ...]) -> Unfinished:
    cancelled = claim.ended == "cancelled"
    if code is not None:
        suffix = ", but wrote no readable report" if code in {0, 1} else ""
        return Unfinished(why=ending_of(code) + suffix, code=code, cancelled=cancelled, details=problems)
    why = "the job was cancelled or ran into its time limit" if cancelled else "the evaluation did not finish"
    return Unfinished(why=why, cancelled=cancelled, details=problems)


def ending_of(code: int) -> str:
    """Describe an exit code."""
    return f"the evaluation ended with exit code {code}: {CODES.get(code, 'not a code of mlci, so something ended it')}"


def _doubt(report: Report, claim: Claim, code: int | None) -> str | None:
    """Return why a report can't be trusted; ``None`` if it can."""
    blocks = report.verdict == "block"
    if report.model != claim.model:
        return f"the report is about the model {plain_text(report.model)}, the configuration about {claim.model}"
    if claim.commits and report.candidate.commit not in claim.commits:
        return _elsewhere(report.candidate.commit)
    if claim.code == "":
        return "a report exists, but the run that should have written it did not finish"
    if claim.code is None:
        return None if claim.ended in {None, "success"} or (blocks and claim.ended == "failure") else _unclear(claim)
    if code != int(blocks):
        return (
            f"the report says {report.verdict}, but {'its run has no exit code' if code is None else ending_of(code)}"
        )
    return None


def _elsewhere(commit: str | None) -> str:
    if commit is None:
        return "the report names no commit, so it may be about another one than this run's: " + UNNAMED
    return f"the report is about the commit {plain_text(short_title(commit))}, which is not this run's"


def _unclear(claim: Claim) -> str:
    return f"a report exists, but the job ended as {claim.ended}, so the report may be another job's"


def _number(code: str | None) -> int | None:
    return int(code) if code is not None and code.isascii() and code.isdigit() and len(code) <= 10 else None


MOST_DETAILS = 10
_LONGEST_DETAIL = (
    300  # characters; escaped, they may take fourteen times as many bytes, and a check's summary has 65,535
)


@dataclass(frozen=True, kw_only=True)
class UnfinishedReport:
    """Content of the template, escaped for Markdown.

    Attributes:
        heading, cause, next: The lines that are read first.
        details: Errors, line by line.
        standing: Meaning of the missing verdict.
        footer: Commit and run.
    """

    heading: str
    cause: str
    next: str
    details: tuple[str, ...]
    standing: str
    footer: str


def unfinished_title(result: Unfinished) -> str:
    """Return the headline, also for the check."""
    if result.title:
        return result.title
    return "the evaluation was cancelled" if result.cancelled else "the evaluation did not finish"


def unfinished_text(result: Unfinished, *, model: str, head: str | None, links: Links) -> str:
    """Write the report as GitHub's Markdown, without a marker."""
    d = Markdown()
    glyph = d.number("⏹️" if result.cancelled else "⛔")
    run = d.link(d.number("the run"), links.report)
    shown = result.details[:MOST_DETAILS]
    more = len(result.details) - len(shown)
    details = [d.text(line, longest=_LONGEST_DETAIL) for line in shown]
    unfinished = UnfinishedReport(
        heading=d.words("{} {}: {}", glyph, d.text(model), d.number(unfinished_title(result))),
        cause=d.words("{}.", d.capital(d.text(result.why, longest=_LONGEST_DETAIL))),
        next=d.words("{}: see {}.", d.text(result.remedy, longest=_LONGEST_DETAIL), run)
        if result.remedy
        else d.words(_next(result), run),
        details=(*details, *([d.number(f"and {more:,} more")] if more > 0 else [])),
        standing=d.number(
            "Nothing was judged, so nothing passed: a missing result is never a pass, and an earlier report in this "
            "place was about another evaluation."
        ),
        footer=d.join(" · ", _footer(d, head, links)),
    )
    return render_template("report/unfinished.md.j2", report=unfinished, marker=None)


def _footer(d: Markdown, head: str | None, links: Links) -> list[str]:
    commit = [] if head is None else [d.link(d.code(short_title(head)), links.revision(head))]
    run = [d.link(d.number("log of the run"), links.report)] if links.report else []
    guide = [d.link(d.number("how gates decide"), links.guide)] if links.guide else []
    return [*commit, *run, *guide] or [d.number("mlci")]


def _next(result: Unfinished) -> str:
    """Return the remedy by exit code; ``{}`` is the run."""
    if result.code is None and result.cancelled:
        return "nothing, if a newer run took its place; else start {} again, with more `timeout-minutes` if it ran out."
    match result.code:
        case 2:
            return "correct what {} names, and push."
        case 3:
            return "look at the last lines of the step in {}, repair it, and push."
        case 4:
            return "start {} again; if it fails in the same way, look at what it could not reach."
        case 70:
            return "{} holds a log that is ready to be an issue; until then nothing can be said about this change."
        case _:
            return "look at {}: the first step that failed says why. Repair it, or start the run again."
