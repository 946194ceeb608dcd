"""Absence: the outcome of a gate whose number does not exist, by the first of the causes that applies.

A name that does not exist is an error whatever else is missing, so that a gate with a typo never waits for a baseline.
Then labels that leave the metric undefined for every model, which no pull request can change: inconclusive. Then what
the candidate's own predictions leave undefined: an error. Only then the baseline.
"""

from mlci.gates.cases import Case
from mlci.gates.findings import INSUFFICIENT, Finding, Short, Why
from mlci.gates.rules import Outcome
from mlci.inference.evaluation import Disparity
from mlci.inference.evidence import Cause, Evidence, Undefined
from mlci.metrics import catalogue

_BROKEN = {Cause.NAME: Why.UNKNOWN_NAME, Cause.MISSING: Why.NOT_MEASURED}


def find_absence(case: Case, *, min_group_size: int) -> Finding | None:
    """Return the outcome of a gate without a number to judge; ``None`` if there is one."""
    of_both = catalogue.is_shift(case.rule.metric)  # one model has no value of it
    subject = case.evidence if of_both else case.measured.candidate
    if subject is not None and (cause := cause_of(subject)) in _BROKEN:
        return Finding(Outcome.ERROR, _BROKEN[cause], subject.reason)
    unpaired = case.on_change and case.measured.baseline is None and case.evidence is None
    if small := small_groups(case, min_group_size):
        lacking = Finding(Outcome.INCONCLUSIVE, Why.GROUP_TOO_SMALL, small, Short(rows=min_group_size))
        return _without_baseline() if unpaired else lacking
    if not of_both and case.measured.candidate.value is None:
        return _without_value(case, case.measured.candidate)
    if unpaired:
        return _without_baseline()
    evidence = case.evidence
    if evidence is None:
        return Finding(Outcome.ERROR, Why.NO_INTERVAL, "the change could not be computed")
    return _without_change(evidence) if evidence.value is None else None


def cause_of(evidence: Evidence | None) -> Cause | None:
    """Return why a value is missing; ``None`` if it is there, or if nothing is known."""
    if not isinstance(evidence, Undefined):
        return None
    return Cause.TOO_FEW if evidence.cause is None and evidence.method == "too few" else evidence.cause


def small_groups(case: Case, least: int) -> str | None:
    """Say which groups have fewer rows than the configuration wants."""
    if isinstance(case.measured, Disparity):
        sizes = {group.group: group.rows for group in case.measured.groups}
        small = ", ".join(f"{name} has {sizes[name]:,} rows" for name in case.measured.small[:5])
        return f"{INSUFFICIENT}: {small}; {least:,} are needed" if small else None
    if case.scope.slice is None or case.measured.rows >= least or case.measured.rows == 0:
        return None
    return f"{INSUFFICIENT}: it has {case.measured.rows:,} rows; {least:,} are needed"


def _without_baseline() -> Finding:
    return Finding(Outcome.NO_BASELINE, Why.NO_BASELINE, "there is no baseline to compare with")


def _without_value(case: Case, candidate: Evidence) -> Finding:
    """Return the outcome where the candidate has no value."""
    cause = cause_of(candidate)
    if cause is Cause.LABELS:
        return Finding(Outcome.INCONCLUSIVE, Why.LABELS, f"{INSUFFICIENT}: {candidate.reason}")
    if cause is Cause.TOO_FEW:
        return Finding(Outcome.INCONCLUSIVE, Why.TOO_FEW, candidate.reason)
    if case.on_change and cause_of(case.evidence) is Cause.BOTH:
        return Finding(Outcome.INCONCLUSIVE, Why.UNDEFINED_FOR_BOTH, f"undefined for both models: {candidate.reason}")
    return Finding(Outcome.ERROR, Why.UNDEFINED_FOR_CANDIDATE, candidate.reason)


def _without_change(evidence: Evidence) -> Finding:
    """Return the outcome where the candidate has a value and its change does not exist."""
    cause = cause_of(evidence)
    if cause is Cause.BOTH:
        said = f"undefined for both models: {evidence.reason}"
        return Finding(Outcome.INCONCLUSIVE, Why.UNDEFINED_FOR_BOTH, said)
    if cause is Cause.LABELS:
        return Finding(Outcome.INCONCLUSIVE, Why.LABELS, f"{INSUFFICIENT}: {evidence.reason}")
    if cause is Cause.TOO_FEW:
        return Finding(Outcome.INCONCLUSIVE, Why.TOO_FEW, evidence.reason)
    if cause is Cause.BASELINE:
        said = f"only the baseline is undefined here, so there is no change to judge: {evidence.reason}"
        return Finding(Outcome.INCONCLUSIVE, Why.UNDEFINED_FOR_BASELINE, said)
    why = Why.UNDEFINED_FOR_CANDIDATE if cause is Cause.CANDIDATE else Why.NO_INTERVAL
    return Finding(Outcome.ERROR, why, evidence.reason)
