"""``python -m tests.actions``: run every check over this checkout; exit status 1 if a check has findings."""

import sys
import tempfile
import time
from pathlib import Path

from tests.actions import contracts, enumerations, gating, rules, sealed, tools
from tests.actions.tree import ROOT, files, lay

CHECKS = (
    tools.zizmor,
    tools.schemas,
    tools.shellcheck,
    tools.parser,
    rules.pins,
    rules.history,
    rules.permissions,
    rules.writers,
    rules.expressions,
    rules.portable,
    gating.triggers,
    gating.grants,
    gating.checkouts,
    gating.verdicts,
    gating.concurrency,
    sealed.train_has_nothing,
    sealed.gate_meets_no_code,
    sealed.names_agree,
    sealed.ignores,
    enumerations.words,
    enumerations.booleans,
    enumerations.labels,
    enumerations.existing_scripts,
    enumerations.runner_commands,
    contracts.variables,
    contracts.inputs,
    contracts.outputs,
    contracts.commands,
    contracts.documents,
)


def main() -> int:
    """Print a line for each check and what it found."""
    bad = 0
    with tempfile.TemporaryDirectory(prefix="mlci-static-") as scratch:
        tree = Path(scratch)
        lay(ROOT, tree)
        print(*(file.shown for file in files(tree)), sep="\n")
        for check in CHECKS:
            begun = time.monotonic()
            found = check(tree)
            bad += bool(found)
            seconds = time.monotonic() - begun
            print(f"{'FOUND' if found else 'clean'}  {check.__name__}, {seconds:.1f} s", *found, sep="\n  ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
