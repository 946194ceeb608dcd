"""Project for the page about evaluation logs: a log that Inspect wrote."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.support.page_shell import PageShell

LOGS = Path(__file__).parents[2] / "scores/files/inspect_ai"
REPORT = Path(__file__).parents[2] / "registry/written_by_73617a1/out/report.json"


def evaluation_logs(shell: PageShell) -> Iterator[None]:
    (shell.folder / "logs").mkdir()
    shutil.copy(LOGS / "candidate.eval", shell.folder / "logs/2026-11-30_support.eval")
    yield
    assert "12 items, 2 repeats" in shell.output
    assert "includes" in shell.output
    yield
    assert "includes max_drop" in shell.output
    assert "task: scores" in (shell.folder / "mlci.yml").read_text("utf-8")
    yield
    assert "no baseline yet" in shell.output


def plan_an_evaluation(shell: PageShell) -> Iterator[None]:
    (shell.folder / "logs").mkdir()
    (shell.folder / ".mlci/out").mkdir(parents=True)
    shutil.copy(REPORT, shell.folder / ".mlci/out")
    shutil.copy(LOGS / "candidate.eval", shell.folder / "logs")
    yield
    assert "Decides" in shell.output
    yield
    assert "includes.max_drop" in shell.output
    yield
    assert "1,049" in shell.output
    yield
    assert "200 items × 3" in shell.output
