"""References of a report to both models. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from mlci.config.models import Baseline, Config
from mlci.git.head import CommitHead
from mlci.operations.bundle.artifacts import ArtifactDigests
from mlci.operations.models.predictions import ModelPredictions
from mlci.operations.report_builder import ReportContext
from mlci.report.document import BaselineRef, Candidate, PolicyRef


def add_report_refs(
    facts: ReportContext,
    config: Config,
    candidate: ModelPredictions,
    baseline: ModelPredictions | None,
    *,
    seconds: Mapping[str, float],
    head: CommitHead | None,
    digests: ArtifactDigests | None,
) -> ReportContext:
    """Add the references of both models to the facts of a report."""
    commit = candidate.commit or (head.commit if head else None)
    label = "with uncommitted changes" if head and head.dirty else None
    said = Candidate(commit=facts.candidate.commit or commit, label=label)
    return replace(
        facts, candidate=_with_digests(said, digests), baseline=_reference(config, baseline), seconds=seconds
    )


def policy_ref(config: Config) -> PolicyRef:
    """Return the policy for the report."""
    return PolicyRef(
        confidence=config.policy.confidence,
        inconclusive=config.policy.inconclusive,
        no_baseline=config.policy.no_baseline,
        comment=config.policy.comment,
    )


def _with_digests(candidate: Candidate, digests: ArtifactDigests | None) -> Candidate:
    if digests is None:
        return candidate
    known = {
        "predictions": digests.predictions.file.digest if digests.predictions else None,
        "model": digests.model_digest,
    }
    return candidate.model_copy(
        update={name: f"sha256:{digest}" for name, digest in known.items() if digest is not None}
    )


def _reference(config: Config, baseline: ModelPredictions | None) -> BaselineRef:
    if config.baseline == "production":
        version = str(baseline.version) if baseline else None
        return BaselineRef(source="production", version=version, commit=baseline.commit if baseline else None)
    if baseline is None or not isinstance(config.baseline, Baseline):
        return BaselineRef(source="none")
    if config.baseline.file is not None:
        return BaselineRef(source="file", label=config.baseline.file)
    return BaselineRef(source="ref", commit=baseline.commit, label=config.baseline.ref)
