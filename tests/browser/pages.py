"""Pages for ``make page``: the tests' reports, and the pages that commands write after the merge, one file each.

Usage: ``python -m tests.browser.pages FOLDER``.
"""

import sys
import tempfile
from pathlib import Path

from mlci.operations.planning.assumed import Assumptions, plan_assumed
from mlci.report.page.page import render_page
from mlci.report.plan.page import render_plan_page
from tests.browser.lifecycle import write_lifecycle_pages
from tests.support import report_cases as cases

REPORTS = {
    "all-passed": cases.all_passed,
    "behavioural": cases.behavioural,
    "enormous": cases.enormous,
    "classes": cases.with_classes,
    "first-run": cases.first_run,
    "hostile": cases.hostile,
    "metrics-only": cases.metrics_only,
    "mixed-with-scores": cases.with_scores,
    "two-hundred-groups": lambda: cases.many_groups(200),
    "regression": cases.regression,
    "rows": cases.with_rows,
    "nothing-evaluated": cases.nothing_evaluated,
    "undefined": cases.undefined,
    "waived-and-small": cases.waived_and_small,
}


def main(folder: Path) -> None:
    """Write the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, report in REPORTS.items():
        (folder / f"{name}.html").write_text(render_page(report()), encoding="utf-8")
    plan = plan_assumed(Assumptions(rows=500, margin=0.02, disagreement=0.05))
    (folder / "plan.html").write_text(render_plan_page(plan, footer="mlci"), encoding="utf-8")
    with tempfile.TemporaryDirectory() as work:
        write_lifecycle_pages(folder, Path(work))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
