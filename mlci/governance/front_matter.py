"""Front matter of a model card by the specification of the Hugging Face Hub. Pure."""

from typing import Any

from mlci.governance.evidence import TASKS, VersionEvidence
from mlci.report.document import Evidenced, MetricRow
from mlci.report.text import labels
from mlci.report.text.escape import shorten_markdown, visible, web_address

MOST_GROUPS = 100
"""Groups with results of their own in the front matter; the tables of the card have all of them."""
_LONGEST = 200


def front_matter(evidence: VersionEvidence) -> dict[str, Any]:
    """Return the metadata, without keys that have no value."""
    card, report = evidence.card, evidence.report
    tags = {"regression": "tabular-regression", "ranking": "text-ranking"}
    tag = card.pipeline_tag or tags.get(report.task, "tabular-classification")
    document = {
        "language": list(card.languages or ()),
        "license": card.license,
        "license_name": card.license_name,
        "license_link": _shown(card.license_link),
        "library_name": card.library,
        "pipeline_tag": tag,
        "tags": [*map(_shown, card.tags or ()), "mlci"],
        "metrics": [_shown(row.metric) for row in evidence.quality],
        "model-index": [{"name": _shown(evidence.manifest.model), "results": _results(evidence, tag)}],
    }
    return {key: value for key, value in document.items() if value}


def _results(evidence: VersionEvidence, tag: str) -> list[dict[str, Any]]:
    """Return the results on the whole set, then those of each group."""
    whole = [_result(evidence, tag, None, list(evidence.quality))] if evidence.quality else []
    groups: dict[tuple[str, str], list[MetricRow]] = {}
    for row in evidence.main_groups:
        groups.setdefault((row.slice or "", row.group or ""), []).append(row)
    return whole + [_result(evidence, tag, name, rows) for name, rows in list(groups.items())[:MOST_GROUPS]]


def _result(
    evidence: VersionEvidence, tag: str, group: tuple[str, str] | None, rows: list[MetricRow]
) -> dict[str, Any]:
    confidence = evidence.report.policy.confidence
    task = {"type": tag, "name": TASKS[evidence.report.task].capitalize()}
    found = {"task": task, "dataset": _dataset(evidence, group, rows[0].rows)}
    run = web_address(evidence.promotion.by.run)
    source = {"source": {"name": "mlci", "url": run}} if run else {}
    return {**found, "metrics": [_metric(row, confidence) for row in rows], **source}


def _dataset(evidence: VersionEvidence, group: tuple[str, str] | None, rows: int | None) -> dict[str, Any]:
    """Return the evaluation set, or one group of it as a configuration of its own."""
    name = evidence.data or "evaluation set"
    found: dict[str, Any] = {"type": "evaluation-set", "name": _shown(name)}
    if group is not None:
        found["config"] = _shown(f"{group[0]}={group[1]}")
    if evidence.report.evaluation.fingerprint:
        found["revision"] = _shown(evidence.report.evaluation.fingerprint)
    of = {} if group is None else {"slice": _shown(group[0]), "group": _shown(group[1])}
    count = {} if rows is None else {"rows": rows}
    return found | ({"args": of | count} if of or count else {})


def _metric(row: Evidenced, confidence: float) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _shown(row.metric), "value": row.candidate}
    found["name"] = _shown(labels.metric_title(row.metric))
    if row.candidate_interval is not None:
        low, high = row.candidate_interval
        found["args"] = {"confidence": confidence, "low": low, "high": high}
    return found


def _shown(text: str | None) -> str:
    return "" if text is None else shorten_markdown(visible(text), longest=_LONGEST)
