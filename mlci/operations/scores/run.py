"""A run on evaluation logs: the baseline's scores, the candidate's, their comparison and the judged gates."""

from collections.abc import Callable
from dataclasses import replace

from mlci.engine.interface import Source
from mlci.gates.outcomes import JudgedGate
from mlci.git.ref_baseline import NoBaselineYetError
from mlci.git.refs import read_head
from mlci.operations.comparison import ComparisonRun, add_report_refs
from mlci.operations.context import ScoresContext
from mlci.operations.models import baseline_production, baseline_ref_or_file
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.models.training_request import require_training_request
from mlci.operations.provenance import ArtifactDigests
from mlci.operations.scores import logs
from mlci.operations.scores.compare import compare_logs
from mlci.operations.scores.grader import read_gold_labels
from mlci.operations.scores.logs import BaselineScores
from mlci.scores.score_log import ScoreLog
from mlci.util.digests import canonical_json, sha256_of

Digest = Callable[[ModelPredictions], ArtifactDigests | None]


def run_on_scores(context: ScoresContext, digest: Digest) -> tuple[ComparisonRun, tuple[JudgedGate, ...]]:
    """Compare the candidate's evaluation log with the baseline's, and judge the gates.

    Args:
        context: Run context.
        digest: Digests the candidate's artifacts, if they are kept.
    """
    require_training_request(context)
    current = read_head(context.git)
    view = baseline_production.champion_head(context)
    logs.candidate_file(context)
    gold = read_gold_labels(context.config.grader, context.folder)  # as the baseline, before the candidate's commands
    side: BaselineScores | None = None
    first: tuple[str, ...] = ()
    try:
        side = logs.baseline_scores(context, view)  # before the candidate's commands, which could change its file
    except NoBaselineYetError as error:
        first = baseline_ref_or_file.note_first_change(context, error)
    candidate, log = logs.candidate_scores(context)
    compared = compare_logs(context.config, log, side.log if side else None, texts=logs.shows_texts(context), gold=gold)
    notes = (*compared.result.notes, *(side.notes if side else ()), *first)
    baseline = ModelPredictions(source=Source(path=""), commit=side.commit, version=side.version) if side else None
    digests = digest(candidate)
    comparison = ComparisonRun(
        result=replace(compared.result, notes=notes),
        facts=add_report_refs(
            replace(context.facts, grader=compared.grader),
            context.config,
            candidate,
            baseline,
            seconds=candidate.seconds,
            head=current,
            digests=digests,
        ),
        candidate=candidate,
        rows=logs.ROWS,
        head=current,
        digests=digests,
        view=view,
        against=side.version if side else None,
        judged=scores_digest(log),
    )
    return comparison, compared.gates


def scores_digest(log: ScoreLog) -> str:
    """Return the digest of the scores of all answers, whatever their order, texts, times and costs."""
    answers = sorted((item.key, item.repeat, sorted(item.scores.items())) for item in log.items)
    return sha256_of(canonical_json([list(answer) for answer in answers]))
