"""Causes of missing values: labels first, then a model's own predictions, by what both models have in common."""

from dataclasses import replace

from mlci.inference.common import Triple
from mlci.inference.evidence import Cause, Evidence, Undefined


def undefined_by_labels(words: str, *, baseline: bool) -> Triple:
    """Return undefined evidence for all models: no prediction could define the metric on these labels."""
    found = Undefined(words, cause=Cause.LABELS)
    return found, (found if baseline else None), (found if baseline else None)


def attribute_causes(triple: Triple, *, labels: str | None) -> Triple:
    """Return evidence whose missing values have a cause; without a value of both models there is no change.

    Args:
        triple: Evidence for the candidate, for the baseline, and for the change.
        labels: The words for labels on which a missing value is not a model's doing; ``None`` where they suffice.
    """
    candidate, baseline, change = triple
    first = _caused(candidate, Cause.CANDIDATE, labels)
    second = None if baseline is None else _caused(baseline, Cause.BASELINE, labels)
    if change is None or baseline is None:
        return first, second, None
    missing = next((item for item in (candidate, baseline) if item.value is None), None)
    lost = missing if missing is not None and change.value is not None else change
    cause = whose(candidate=candidate.value is None, baseline=baseline.value is None)
    return first, second, _caused(lost, cause, labels)


def whose(*, candidate: bool, baseline: bool) -> Cause | None:
    """Return whose predictions leave a change undefined, by which of both models has no value."""
    causes = {(True, True): Cause.BOTH, (True, False): Cause.CANDIDATE, (False, True): Cause.BASELINE}
    return causes.get((candidate, baseline))


def _caused(evidence: Evidence, cause: Cause | None, labels: str | None) -> Evidence:
    if not isinstance(evidence, Undefined) or evidence.cause is not None:
        return evidence
    if labels is not None:
        return replace(evidence, reason=labels, cause=Cause.LABELS)
    if evidence.method == "too few":
        return replace(evidence, cause=Cause.TOO_FEW)
    return replace(evidence, cause=cause)
