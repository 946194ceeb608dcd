"""Overview of a repository with several models: one verdict, and one table in place of a comment for each model.

A missing report is never a pass. The check of a model's own job, if it can be read, has to agree with the report: the
reports of a matrix are artifacts, and the result of a matrix is one word for all its jobs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.publish.check_content import check_conclusion, check_name, shorten_text
from mlci.publish.commit_verdict import WORST, Own
from mlci.publish.models_plan import OVERVIEW, AffectedModel, ModelsPlan
from mlci.publish.plan import Publication, Target
from mlci.publish.result import Claim, Ended, Finished, Result, read_result
from mlci.report.document import Report
from mlci.report.gate_numbers import gate_numbers
from mlci.report.headline import verdict_headline
from mlci.report.templating import render_template
from mlci.report.text import labels
from mlci.report.text.labels import OutcomeStyle
from mlci.report.text.markup import Links, Markdown
from mlci.report.text.number_format import format_count, pluralize
from mlci.report.text.tables import ReportColumn, ReportTable, build_table
from mlci.util.bounds import COMMENT_BYTES

_ROWS, _NAMED = 100, 60
"""Most models in the table, and most names of models that are not evaluated."""
_STATES: dict[Own, OutcomeStyle] = {
    "failure": labels.VERDICTS["block"],
    "error": OutcomeStyle("⛔", "!", "did not finish", 31),
    "cancelled": OutcomeStyle("⏹️", "!", "was cancelled", 33),
    "open": OutcomeStyle("⏳", "!", "has not finished", 33),
    "success": labels.VERDICTS["pass"],
}
_COUNTED: dict[Own, str] = {"failure": "blocked", "error": "did not finish", "cancelled": "cancelled"}


@dataclass(frozen=True, kw_only=True)
class ModelReports:
    """Files that one model's job left.

    Attributes:
        reports: Its reports; a job has one.
        problems: Why a report can't be read.
    """

    reports: tuple[Report, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelCheck:
    """Check of one model's own job in this run.

    Attributes:
        own: Verdict that the job recorded in it.
        url: Its page.
    """

    own: Own
    url: str


@dataclass(frozen=True, kw_only=True)
class ModelOutcome:
    """What an affected model came to.

    Attributes:
        planned: The model.
        result: Its report, or why there is none.
        url: Page of its check; ``None`` if it is not known.
    """

    planned: AffectedModel
    result: Result
    url: str | None

    @property
    def own(self) -> Own:
        """Verdict of the model."""
        if isinstance(self.result, Finished):
            return check_conclusion(self.result.report.verdict)
        return "cancelled" if self.result.cancelled else "error"


@dataclass(frozen=True, kw_only=True)
class JobsResult:
    """Facts about the jobs of the models.

    Attributes:
        ended: Result of the matrix: the worst of its jobs.
        commits: Commits that a report may be about.
    """

    ended: Ended
    commits: frozenset[str]


def model_outcome(
    planned: AffectedModel, found: ModelReports, check: ModelCheck | None, jobs: JobsResult
) -> ModelOutcome:
    """Decide what an affected model came to."""
    problems = found.problems
    if len(found.reports) > 1:
        problems = (f"{len(found.reports)} reports are about this model; a matrix has to have one job for it",)
    report = found.reports[0] if len(found.reports) == 1 else None
    claim = Claim(ended=_ended(check, jobs), code=None, model=planned.model, commits=jobs.commits)
    result = read_result(report, claim, problems=problems)
    return ModelOutcome(planned=planned, result=result, url=check.url if check is not None else None)


def _ended(check: ModelCheck | None, jobs: JobsResult) -> Ended:
    """Return how the model's job ended: by its check, or else by the result of the whole matrix."""
    ends: dict[Own, Ended] = {"success": "success", "cancelled": "cancelled"}
    return jobs.ended if check is None else ends.get(check.own, "failure")


@dataclass(frozen=True, kw_only=True)
class ModelsOverview:
    """Outcomes of all models of a repository.

    Attributes:
        plan: The plan.
        outcomes: Of the affected models, in the order of the plan.
        ended: Result of the matrix.
    """

    plan: ModelsPlan
    outcomes: tuple[ModelOutcome, ...]
    ended: Ended

    @property
    def own(self) -> Own:
        """Worst verdict; a matrix that failed although every report passed is an error."""
        worst: Own = max((one.own for one in self.outcomes), key=WORST.index, default="success")
        if worst == "success" and self.outcomes and self.ended != "success":
            return "cancelled" if self.ended == "cancelled" else "error"
        return worst

    @property
    def title(self) -> str:
        """Counts, for the check and the status."""
        total = pluralize(self.plan.total, "model")
        if not self.outcomes:
            return f"no file of the {total} changed" if self.plan.total else "no model is left"
        counts = {own: sum(one.own == own for one in self.outcomes) for own in reversed(WORST)}
        parts = [f"{format_count(number)} {_COUNTED.get(own, 'passed')}" for own, number in counts.items() if number]
        return f"{', '.join(parts)}; {len(self.outcomes):,} of {total} evaluated"


def overview_publication(where: Target, overview: ModelsOverview, *, links: Links) -> Publication:
    """Return the content of the overview's check, status and comment."""
    return Publication(
        target=where,
        own=overview.own,
        title=shorten_text(overview.title, 255),
        annotations=(),
        body=overview_text(overview, links=links).rstrip(),
        creates=bool(overview.outcomes) or overview.own != "success",
    )


@dataclass(frozen=True, kw_only=True)
class OverviewText:
    """Content of the template, escaped for Markdown."""

    heading: str
    cause: str
    table: ReportTable | None
    lines: tuple[str, ...]
    footer: str


def overview_text(overview: ModelsOverview, *, links: Links, budget: int = COMMENT_BYTES.value) -> str:
    """Write the overview as GitHub's Markdown, with fewer rows where it would be too long."""
    rows = _ROWS
    while True:
        text = render_template("report/overview.md.j2", report=_content(overview, links, rows))
        if len(text.encode()) <= budget or rows == 0:
            return text
        rows //= 2


def _content(overview: ModelsOverview, links: Links, rows: int) -> OverviewText:
    d = Markdown()
    ordered = sorted(overview.outcomes, key=lambda one: (-WORST.index(one.own), not _warns(one)))
    shown, state = ordered[:rows], _STATES[overview.own]
    lines: list[str] = [d.number(f"{pluralize(len(ordered) - len(shown), 'more model')} evaluated, none worse.")]
    lines = lines if len(shown) < len(ordered) else []
    if overview.plan.unaffected:
        lines.append(_unaffected(d, overview.plan, rows))
    if overview.plan.removed:
        names: list[str] = [d.text(path) for path in overview.plan.removed[: min(_NAMED, rows)]]
        lines.append(d.words("**Removed by this change:** {}.", d.join(", ", names)))
    return OverviewText(
        heading=d.words("{} models: {}", d.number(state.glyph), d.number(overview.title)),
        cause=_cause(d, overview),
        table=_table(d, shown, links) if shown else None,
        lines=tuple(lines),
        footer=_footer(d, links),
    )


def _warns(one: ModelOutcome) -> bool:
    return isinstance(one.result, Finished) and one.result.report.verdict == "warn"


def _cause(d: Markdown, overview: ModelsOverview) -> str:
    plan = overview.plan
    if not overview.outcomes:
        return d.number("No file that a model is made from differs, so no model was evaluated and none can be worse.")
    if overview.own == "error" and all(one.own == "success" for one in overview.outcomes):
        return d.number("Every report passed, but a job of the matrix failed, so the reports may not be complete.")
    since = d.words(" since {}", d.code(labels.short_title(plan.base))) if plan.base else d.number("")
    return d.words("{} can be affected by what changed{}.", d.number(pluralize(len(overview.outcomes), "model")), since)


def _unaffected(d: Markdown, plan: ModelsPlan, rows: int) -> str:
    named = plan.unaffected[: min(_NAMED, rows)]
    more = len(plan.unaffected) - len(named)
    names: list[str] = [*(d.text(name) for name in named), *([d.number(f"and {more:,} more")] if more else [])]
    return d.words("**Not evaluated,** because none of their files changed: {}.", d.join(", ", names))


def _table(d: Markdown, shown: Sequence[ModelOutcome], links: Links) -> ReportTable:
    return build_table(
        d,
        [
            ReportColumn(d.number("Model"), [d.link(d.text(one.planned.model), one.url) for one in shown], name=True),
            ReportColumn(d.number("Verdict"), [_verdict(d, one) for one in shown]),
            ReportColumn(d.number("Worst gate"), [_worst_gate(d, one) for one in shown]),
            ReportColumn(d.number("Evaluated because"), [d.text(one.planned.reason, longest=100) for one in shown]),
            ReportColumn(d.number("Report"), [_report_link(d, one, links) for one in shown]),
        ],
    )


def _verdict(d: Markdown, one: ModelOutcome) -> str:
    state = _STATES[one.own]
    if isinstance(one.result, Finished):
        state = labels.VERDICTS[one.result.report.verdict]
        return d.words("{} {}", d.number(state.glyph), d.number(verdict_headline(one.result.report)))
    return d.words("{} {}", d.number(state.glyph), d.number(state.word))


def _worst_gate(d: Markdown, one: ModelOutcome) -> str | None:
    """Write the most severe gate with its numbers, or why the report does not count."""
    if not isinstance(one.result, Finished):
        details = f": {one.result.details[0]}" if one.result.details else ""
        return d.text(f"{one.result.why}{details}", longest=200)
    rows = labels.in_order(one.result.report.gates)
    if not rows:
        return None
    row, numbers = rows[0], gate_numbers(rows[0])
    name = labels.scoped_title(d, row.metric, row.scope)
    return d.words("{}: {} ({})", name, d.number(numbers.pair), d.number(numbers.limit))


def _report_link(d: Markdown, one: ModelOutcome, links: Links) -> str | None:
    address = one.url or links.report
    return d.link(d.number("check" if one.url else "run"), address) if address else None


def _footer(d: Markdown, links: Links) -> str:
    parts: list[str] = [d.link(d.number("the run"), links.report)] if links.report else []
    parts += [d.link(d.number("how gates decide"), links.guide)] if links.guide else []
    return d.join(" · ", [*parts, d.words("required check: {}", d.number(f"`{check_name(OVERVIEW)}`"))])
