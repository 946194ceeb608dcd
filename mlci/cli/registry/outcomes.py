"""Results of promotions and rollbacks as lines of text."""

from pathlib import Path

from mlci.cli.registry.ledger_words import sanitize_text
from mlci.operations.registry.promote import PromotionResult
from mlci.operations.registry.rollback import RollbackResult


def promotion_text(outcome: PromotionResult, out: Path) -> str:
    """Return the lines that report the result of a promotion."""
    report = outcome.report
    lines = [f"re-evaluated because {reason}" for reason in outcome.reevaluated]
    if outcome.refused is not None:
        return "\n".join([*lines, f"not promoted: {sanitize_text(outcome.refused)} (see {out / 'report.json'})"])
    if outcome.earlier is not None:
        return "\n".join([*lines, "nothing was written", *(f"note: {sanitize_text(line)}" for line in outcome.notes)])
    if outcome.entry is None:
        return "\n".join([*lines, f"version {outcome.version} of {report.model} was in production already"])
    first = "it is the first one" if outcome.replaced is None else f"it replaces version {outcome.replaced}"
    word = "passed" if report.verdict == "pass" else "passed with warnings"
    rows = "" if report.evaluation.rows is None else f" on {report.evaluation.rows:,} rows"
    promoted = (
        f"version {outcome.version} of {report.model} is in production; {first} ({word}{rows}; entry {outcome.entry})"
    )
    return "\n".join([*lines, promoted, *(f"note: {sanitize_text(line)}" for line in outcome.notes)])


def rollback_text(done: RollbackResult) -> str:
    """Return the line that reports the result of a rollback."""
    if done.earlier is not None:
        did = f"an earlier attempt of this command rolled back from version {done.replaced} (entry {done.earlier})"
        more = "to go back further, name the version: `mlci rollback --to VERSION`"
        return f"{did}; version {done.version} is in production and nothing was written; {more}"
    if done.entry is None:
        return f"version {done.version} is in production already; nothing was written"
    return f"version {done.version} is in production again; version {done.replaced} is not (entry {done.entry})"
