"""Check a setup: run every check on the facts, and order what they find."""

from collections.abc import Callable, Iterator

from mlci.operations.doctor.checks import (
    baseline,
    configuration,
    environment,
    evaluation_data,
    fork_safety,
    gate_rows,
    handoff,
    jobs,
    permissions,
    pins,
    required_check,
    triggers,
)
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.findings import Finding, order_findings

Check = Callable[[SetupFacts], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    *configuration.CHECKS,
    *evaluation_data.CHECKS,
    *gate_rows.CHECKS,
    *baseline.CHECKS,
    *environment.CHECKS,
    *triggers.CHECKS,
    *permissions.CHECKS,
    *pins.CHECKS,
    *jobs.CHECKS,
    *fork_safety.CHECKS,
    *handoff.CHECKS,
    *required_check.CHECKS,
)


def check_setup(facts: SetupFacts) -> list[Finding]:
    """Return the findings of all checks, errors first."""
    return order_findings([finding for check in CHECKS for finding in check(facts)])
