"""Carriers: gates that rest on too few of the rows that carry their metric, however many rows there are."""

from collections.abc import Iterator

from mlci.gates.cases import Case
from mlci.gates.findings import INSUFFICIENT, Finding, Short, Why
from mlci.gates.rules import Outcome
from mlci.inference import minimums
from mlci.inference.evaluation import Comparison, Disparity
from mlci.inference.evidence import Evidence, Tie
from mlci.inference.minimums import Lack

TOO_FEW_DISAGREEMENTS = 8


def too_few_to_judge(case: Case) -> Finding | None:
    """Return the outcome of a gate whose interval rests on too few rows; identical predictions are exact."""
    if case.judge == "estimate" or isinstance(case.evidence, Tie):
        return None
    if isinstance(case.measured, Disparity):
        return _short_groups(case.measured)
    lack = next(_lacks(case, case.measured, proving=False), None)
    if lack is None:
        return None
    short = Short(rows=lack.least, unit=lack.unit)
    return Finding(Outcome.INCONCLUSIVE, Why.TOO_FEW_CARRIERS, f"{INSUFFICIENT}: {lack}", short)


def too_few_to_fail(case: Case, evidence: Evidence) -> Finding | None:
    """Return the outcome of a slice that rests on too little to prove a regression."""
    measured = case.measured
    if not (case.on_change and isinstance(measured, Comparison) and measured.scope.slice) or isinstance(evidence, Tie):
        return None
    if lack := next(_lacks(case, measured, proving=True), None):
        short = Short(rows=lack.least, unit=lack.unit, disagreements=TOO_FEW_DISAGREEMENTS)
        return Finding(Outcome.INCONCLUSIVE, Why.TOO_FEW, f"too few: {lack}", short)
    if measured.disagreements is not None and measured.disagreements < TOO_FEW_DISAGREEMENTS:
        found = minimums.counted(measured.disagreements, "rows")
        said = f"too few: the models disagree on {found}; {TOO_FEW_DISAGREEMENTS} are needed"
        short = Short(rows=minimums.PROVES, disagreements=TOO_FEW_DISAGREEMENTS)
        return Finding(Outcome.INCONCLUSIVE, Why.TOO_FEW, said, short)
    return None


def _lacks(case: Case, measured: Comparison, *, proving: bool) -> Iterator[Lack]:
    """Yield what the candidate's value lacks, and for a change what the baseline's does."""
    rows = {"rows": measured.rows}
    counts = [{**rows, **measured.carriers}]
    if case.on_change:
        counts.append({**rows, **measured.baseline_carriers})
    found = (minimums.lack(case.rule.metric, carried, proving=proving) for carried in counts)
    return (lack for lack in found if lack is not None)


def _short_groups(measured: Disparity) -> Finding | None:
    lacking = [f"{group.group} has {group.shortage}" for group in measured.groups if group.shortage is not None]
    if not lacking:
        return None
    return Finding(Outcome.INCONCLUSIVE, Why.TOO_FEW_CARRIERS, f"{INSUFFICIENT}: {', '.join(lacking[:5])}")
