"""Projects of the pages on what comes after the merge."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.support.page_shell import PageShell
from tests.support.production import Week, promote_scored, write_log
from tests.support.project import files, write
from tests.support.shell_blocks import read_outputs

PAGES = Path(__file__).parents[3] / "docs" / "how-to" / "after-merge"
HEAD = "user,variant,assigned,country,bought,ms,spent,spent_before"


def run_an_experiment(shell: PageShell) -> Iterator[None]:
    """A bundle that is not promoted, a week of logs, and two more weeks of them."""
    page = (PAGES / "run-an-experiment.md").read_text("utf-8")
    section = re.findall(r"^```yaml\n(experiment:\n.*?)^```", page, re.DOTALL | re.MULTILINE)[0]
    for k, commands in ((1, ("run", "promote")), (0, ("run",))):
        project = files(k, baseline="production", more=section)
        project["mlci.yml"] = project["mlci.yml"].replace("model: planted", "model: shop-ranking")
        write(shell.folder, {**project, "logs/week1.csv": log(1, 7, seed=1), "late/week2.csv": log(8, 21, seed=2)})
        for command in commands:
            code, printed = shell.mlci(command)
            assert code == 0, printed
    yield
    (expected,) = read_outputs(page)
    assert " ".join(expected.split()) in " ".join(shell.output.split()), shell.output
    yield
    yield
    assert "bought, ms and spent are within the limit" in shell.output, shell.output
    yield
    assert "version 2 is in production" in shell.output, shell.output


def log(first: int, last: int, *, seed: int) -> str:
    """Return the log of some days in November with 400 users each; 12 % of the control buy, 14.5 % of the treatment."""
    rng = np.random.default_rng(seed)
    lines = [HEAD]
    for day in range(first, last + 1):
        for unit in range(400):
            treated = unit % 2
            before = rng.gamma(2, 6)
            cells = (
                f"u{day}-{unit},{'candidate' if treated else 'champion'},2026-11-{day:02d}",
                ("de", "fr", "us")[unit % 3],
                str(int(rng.random() < (0.145 if treated else 0.12))),
                f"{80 + rng.gamma(2, 10):.1f},{before + rng.normal(0, 2):.2f},{before:.2f}",
            )
            lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def monitor_a_model(shell: PageShell) -> Iterator[None]:
    shell.folder.mkdir(parents=True, exist_ok=True)
    promote_scored(shell.folder)
    write_log(shell.folder, [Week(), Week(), Week(wrong=0.35)])
    yield
    assert (shell.folder / ".mlci" / "out" / "monitor.json").exists()
