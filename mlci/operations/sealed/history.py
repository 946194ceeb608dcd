"""Lineage and trend of a report in sealed mode: by the registry, the default branch's checkout and GitHub's API.

Nothing that the training job says about itself is believed. So the candidate's side of training data, environment and
model is not known, and its rows say so.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mlci.config.models import RowsConfig
from mlci.inference.result import EvaluationResult
from mlci.lineage.compare import compare_origins
from mlci.lineage.origin import ChangedFiles, Origin, Row
from mlci.lineage.rows import is_recorded
from mlci.operations import evaluation_plan
from mlci.operations.registry.version_history import lineage_row, origin_of_version, trend_rows
from mlci.operations.report_builder import ReportContext
from mlci.registry.registry import RegistryView, Version
from mlci.report.lineage_rows import DataDifference, Lineage

_UNBELIEVED = "not known: it is made by the pull request's own job, which is not believed"
_UNLISTED = (
    "which files is not known: GitHub lists them if the commit contains the baseline's, and fewer than 300 differ"
)
_ROWS = "rows are not compared in sealed mode"
_THEIRS = {"data", "environment", "model"}


@dataclass(frozen=True, kw_only=True)
class SealedHead:
    """Candidate of sealed mode: what is known of it without its own job.

    Attributes:
        commit: The commit that the report is about.
        config_path: Path of the default branch's configuration in the repository.
        files: ``files(commit)`` returns the files that differ from another commit; ``None`` if they are not known.
    """

    commit: str
    config_path: str
    files: Callable[[str], ChangedFiles | None]


def add_sealed_history(
    config: RowsConfig, view: RegistryView, head: SealedHead, result: EvaluationResult, facts: ReportContext
) -> tuple[EvaluationResult, ReportContext]:
    """Add lineage and trend to a result and its facts.

    Raises:
        CorruptError: if the version in production is damaged; a damaged older one is only a note.
    """
    gated = [rule.metric for rule in evaluation_plan.gate_rules(config) if rule.each is None and rule.across is None]
    rows, notes = trend_rows(view, gated, result.fingerprint)
    champion = view.champion
    lineage = None if champion is None else _lineage(config, view, champion, head, result, facts)
    facts = replace(facts, lineage=lineage, trend=rows)
    return replace(result, notes=(*result.notes, *notes)), facts


def _lineage(
    config: RowsConfig,
    view: RegistryView,
    champion: Version,
    head: SealedHead,
    result: EvaluationResult,
    facts: ReportContext,
) -> Lineage:
    before = origin_of_version(view.store, champion)
    after = Origin(
        commit=head.commit,
        fingerprint=result.fingerprint,
        config=facts.config_digest,
        config_path=head.config_path,
        settings=config.model_dump(mode="json"),
    )
    files = None if before.commit in {None, head.commit} else head.files(str(before.commit))
    rows = tuple(lineage_row(_known(row, files)) for row in compare_origins(before, after, files))
    if is_recorded(before.fingerprint, result.fingerprint):
        return Lineage(rows=rows)
    counts = {"baseline_rows": champion.manifest.data.rows, "candidate_rows": result.rows}
    return Lineage(rows=rows, evaluation=DataDifference(**counts, reason=_ROWS))


def _known(row: Row, files: ChangedFiles | None) -> Row:
    """Return a row without what only the training job could say."""
    if row.kind in _THEIRS:
        return replace(row, after=None, changed=None, reason=_UNBELIEVED, items=(), more=0)
    if row.kind == "code" and row.changed and files is None and row.before is not None:
        return replace(row, reason=_UNLISTED)
    return row
