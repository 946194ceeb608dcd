"""Project for the page about evaluation logs: a log that Inspect wrote."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.support.page_shell import PageShell

LOGS = Path(__file__).parents[2] / "scores/files/inspect_ai"


def evaluation_logs(shell: PageShell) -> Iterator[None]:
    (shell.folder / "logs").mkdir()
    shutil.copy(LOGS / "candidate.eval", shell.folder / "logs/2026-11-30_support.eval")
    yield
    assert "12 items, 2 repeats" in shell.output
    assert "includes" in shell.output
