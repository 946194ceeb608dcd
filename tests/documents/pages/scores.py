"""Projects for the pages about evaluation logs, with a log that Inspect wrote, and about rankings."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

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


PAGE = Path(__file__).parents[3] / "docs/how-to/gates/gate-a-ranking.md"


def gate_a_ranking(shell: PageShell) -> Iterator[None]:
    text = PAGE.read_text("utf-8")
    rng = np.random.default_rng(1)
    judged = pd.DataFrame({"query_id": np.repeat([f"q{i}" for i in range(150)], 12)})
    judged["id"] = [f"{query}/d{i % 12}" for i, query in enumerate(judged["query_id"])]
    judged["relevance"] = rng.integers(0, 3, len(judged)) * (rng.random(len(judged)) < 0.4)
    judged["language"] = np.repeat(["de", "en"], len(judged) // 2)
    noise = rng.normal(size=(2, len(judged)))
    judged["new"], judged["old"] = judged["relevance"] + noise[0], judged["relevance"] + 2 * noise[1]
    judged[["id", "query_id", "relevance", "language"]].to_csv(shell.folder / "judged.csv", index=False)
    for name in ("new", "old"):
        judged[["id", name]].rename(columns={name: "score"}).to_csv(shell.folder / f"{name}.csv", index=False)
    (shell.folder / "mlci.yml").write_text(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0], "utf-8")
    yield
    assert "NDCG@10" in shell.output
    names = {"judged": judged}
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], names)  # noqa: S102 (the page's own code)
    assert names["comparison"].verdict == "pass"
