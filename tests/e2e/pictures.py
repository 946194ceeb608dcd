"""``make sealed-pictures``: comments of sealed mode on pull requests of a fork, drawn from runs against the fake."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.e2e.workflows.sealed import ARTIFACT, TRAIN_RUN, checkout_of, files_of, variables_of
from tests.e2e.workflows.world import World
from tests.support.picture import ROOT, draw_comment

IMAGES = ROOT / "docs" / "images"


def main() -> None:
    """Let the gate judge an honest fork, a fork that lowers its limits, and one that uploads a report of its own."""
    with tempfile.TemporaryDirectory() as scratch, World(Path(scratch) / "world", production=True) as world:
        world.promote()
        draw_comment(judged(world, "better"), IMAGES / "sealed-pass.png")
        draw_comment(judged(world, "regression", "lenient"), IMAGES / "sealed-limits.png")
        forged = {"report.json": b"{}", "manifest.json": b"{}"}
        draw_comment(judged(world, "again", uploaded=forged), IMAGES / "sealed-refused.png")


def judged(world: World, *changes: str, uploaded: dict[str, bytes] | None = None) -> str:
    """Return the comment on a fork's pull request with some changes; ``uploaded`` replaces what its job uploads."""
    branch = "-".join(changes)
    for change in changes:
        world.push(branch, change, to=world.fake.fork())
    number = world.fake.pull(branch, fork=True)
    change = checkout_of(world, f"refs/pull/{number}/merge")
    mlci(change, variables_of(world, "pull_request", number), "sealed", "predict")
    run = world.fake.run(number, **(TRAIN_RUN | {"status": "completed", "conclusion": "success"}))
    world.fake.artifact(run, ARTIFACT, uploaded or files_of(change / ".mlci" / "sealed"))
    mlci(checkout_of(world, "main"), variables_of(world, "workflow_run", of=run), "sealed", "gate")
    comment: str = world.fake.comments(number)[0]["body"]
    return comment


def mlci(folder: Path, variables: dict[str, str], *words: str) -> None:
    """Run a command, which may block; any other failure ends this program with its output."""
    command = [sys.executable, "-m", "mlci", *words]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1, 2}:
        sys.exit(f"mlci {' '.join(words)} ended with {done.returncode}:\n{done.stderr}")


if __name__ == "__main__":
    main()
