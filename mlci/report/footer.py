"""The last line of a page: which models, rows and settings it is about."""

from mlci.report import names, numbers
from mlci.report.dialect import Dialect
from mlci.report.document import Report
from mlci.report.links import Links

_PEOPLE = {
    "wilson": "Wilson",
    "wilson by class": "Wilson by class",
    "tango": "Tango",
    "tango by label": "Tango by label",
    "delong": "DeLong",
    "delong score": "DeLong and Hanley–McNeil",
    "hall by class": "Hall by class",
    "hall on the log scale": "Hall on the log scale",
}


def footer(d: Dialect, report: Report, links: Links) -> str:
    """Write which models, rows and settings the page is about."""
    settings = [_compared(report)]
    if not report.measured_nothing:
        settings.append(f"seed {report.provenance.seed}")
    if report.evaluation.rows is not None:
        settings.append(f"{numbers.percent(report.policy.confidence)} intervals")
    if d.emphasis and not report.measured_nothing:
        settings.append("bold: what was held against the limit")
    pages = [(links.report, "full report"), (links.guide, "how gates decide")]
    parts = [
        _models(d, report, links),
        *_evaluation(d, report),
        d.number(", ".join(settings)),
        *_methods(d, report),
        *(d.link(d.number(name), url) for url, name in pages if url is not None and d.emphasis),
    ]
    return d.join(" · ", parts)


def _models(d: Dialect, report: Report, links: Links) -> str:
    candidate = _model(d, report.candidate.commit, report.candidate.label, links, missing="candidate")
    if not names.has_baseline(report):
        first = report.baseline.source == "production"
        return d.words("{}, no baseline yet" if first else "{}, no baseline", candidate)
    reference = report.baseline
    baseline = _model(d, reference.commit, reference.label, links, missing="baseline")
    if reference.version is not None:
        baseline = d.words("{} (version {})", baseline, d.text(reference.version))
    return d.words("{} against {}", candidate, baseline)


def _model(d: Dialect, commit: str | None, label: str | None, links: Links, *, missing: str) -> str:
    if commit is not None:
        return d.link(d.code(names.short(commit)), links.revision(commit))
    return d.number(missing) if label is None else d.text(label)


def _evaluation(d: Dialect, report: Report) -> list[str]:
    evaluation = report.evaluation
    if evaluation.rows is None:
        return []
    said = d.number(numbers.plural(evaluation.rows, "row"))
    if evaluation.fingerprint is not None:
        said = d.words("{}, holdout {}", said, d.code(_digest(evaluation.fingerprint)))
    if evaluation.uses is not None:
        of = f" of {numbers.count(evaluation.budget)}" if evaluation.budget is not None else ""
        times = "time" if evaluation.uses == 1 and not of else "times"
        said = d.words("{} used {}", said, d.number(f"{numbers.count(evaluation.uses)}{of} {times}"))
    return [said, d.number("labels sealed")] if evaluation.sealed else [said]


def _digest(fingerprint: str) -> str:
    return fingerprint.removeprefix("sha256:")[:12]


def _compared(report: Report) -> str:
    if report.measured_nothing:
        return "nothing evaluated"
    if names.estimates_only(report):
        return "metrics files compared"
    return "paired on the same rows" if names.has_baseline(report) else "candidate alone"


def _methods(d: Dialect, report: Report) -> list[str]:
    found = dict.fromkeys(row.method for row in report.gates if row.method is not None and row.interval is not None)
    named = [d.text(_PEOPLE.get(method, method)) for method in found]
    return [d.words("intervals by {}", d.join(", ", named))] if named else []
