"""Sealed mode as GitHub delivers it: the run that trains is requested and completes, and each starts the gate."""

import html
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.machine import environment
from tests.e2e.workflows.act import Run
from tests.e2e.workflows.keep import Scenario
from tests.e2e.workflows.loop import BRANCH, TEMPLATES, granted_permissions
from tests.e2e.workflows.seen import Seen, look
from tests.e2e.workflows.world import World

TRAIN, GATE, COMMANDS = (TEMPLATES / name for name in ("mlci-train.yml", "mlci-gate.yml", "mlci-commands.yml"))
ARTIFACT = "mlci-sealed-churn"
TRAIN_RUN = {
    "name": "mlci train",
    "path": ".github/workflows/mlci-train.yml",
    "status": "in_progress",
    "conclusion": None,
}
RIGHTS = {"contents": "read", "actions": "read", "checks": "write", "statuses": "write", "pull-requests": "write"}


class SealedLoop:
    """A repository with the two workflows of the templates, and a model in production."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self.world, self.scenario, self.steps = world, scenario, 0

    def requested(self, number: int | None = None, **facts: Any) -> int:
        """Add a run that trains, which has not ended; return its number."""
        return self.world.fake.run(number, **(TRAIN_RUN | facts))

    def trained(self, of: int, number: int, *, event: str = "pull_request", fork: bool = True) -> Run:
        """Run the workflow that trains with the token that it gets, and end its run with what it uploaded."""
        token = self.world.fake.token(fork=fork) if fork else self.world.fake.token({"contents": "read"})
        run = self.world.start(TRAIN, event, number, token=token, run_id=of)
        self.scenario.text(f"{self.steps}-train.log", run.log)
        self.world.fake.change_run(of, status="completed", conclusion="success" if run.code == 0 else "failure")
        folder = self.world.scratch / "artifacts" / str(of)
        for artifact in sorted(folder.iterdir()) if folder.is_dir() else ():
            self.world.fake.artifact(of, artifact.name, files_of(artifact))
        return run

    def predicted(self, number: int) -> int:
        """Add a run that trained, with the predictions of the pull request's merge; return its number."""
        change = checkout_of(self.world, f"refs/pull/{number}/merge")
        command = [sys.executable, "-m", "mlci", "sealed", "predict"]
        subprocess.run(command, cwd=change, env=variables_of(self.world, "pull_request", number), check=True)
        training = self.requested(number, status="completed", conclusion="success")
        self.world.fake.artifact(training, ARTIFACT, files_of(change / ".mlci" / "sealed"))
        return training

    def judging(self) -> int:
        """Add a run of the gate, which has not ended; return its number."""
        facts = {"path": ".github/workflows/mlci-gate.yml", "event": "workflow_run", "status": "in_progress"}
        return self.world.fake.run(name="mlci gate", conclusion=None, **facts)

    def end(self, judging: int, run: Run) -> None:
        """End a run of the gate, with what it uploaded."""
        self.world.fake.change_run(judging, status="completed", conclusion="success" if run.code == 0 else "failure")
        for artifact in sorted((self.world.scratch / "artifacts" / str(judging)).iterdir()):
            self.world.fake.artifact(judging, artifact.name, files_of(artifact))

    def command(self, number: int, text: str, person: str) -> tuple[Run, list[str]]:
        """Comment on a pull request, deliver the comment, and return the run with all answers so far."""
        comment = self.world.fake.comment(number, text, user=person)
        token = self.world.fake.token(granted_permissions(COMMANDS.read_text("utf-8")))
        run = self.world.start(COMMANDS, "issue_comment", number, token=token, comment=comment, sender=person)
        self.steps += 1
        self.scenario.text(f"{self.steps}-command.log", run.log)
        bodies = [one["body"] for one in self.world.fake.comments(number)]
        answers = [html.unescape(body) for body in bodies if body.startswith("<!-- mlci-answer")]
        self.scenario.markdown(f"{self.steps}-answer", {str(place): body for place, body in enumerate(answers, 1)})
        return run, answers

    def recorded(self) -> list[dict[str, Any]]:
        """Return the bodies of the ledger's entries, by git alone."""
        listed = ["git", "ls-tree", "-r", "--name-only", BRANCH, "ledger/"]
        names = subprocess.check_output(listed, cwd=self.world.remote, text=True).split()
        shown = (subprocess.check_output(["git", "show", f"{BRANCH}:{name}"], cwd=self.world.remote) for name in names)
        return [json.loads(data)["body"] for data in shown]

    def gate(
        self, of: int, name: str, *, sha: str, number: int = 1, action: str = "completed", **facts: Any
    ) -> tuple[Run, Seen]:
        """Deliver the event of a run that trains to the gate, and look at the pull request."""
        self.world.fake.forget_requests()
        token = self.world.fake.token(granted_permissions(GATE.read_text("utf-8")))
        run = self.world.start(GATE, "workflow_run", token=token, of=of, action=action, **facts)
        self.steps += 1
        return run, look(self.world, self.scenario, run, number=number, sha=sha, step=f"{self.steps}-{name}")


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of an artifact by their path in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def checkout_of(world: World, ref: str) -> Path:
    """Check a reference of the repository out into a folder of its own."""
    world.runs += 1
    folder = world.scratch / f"checkout-{world.runs}"
    folder.mkdir()
    fetched = ["fetch", "--quiet", "--depth=1", world.remote.as_uri(), ref]
    for words in (["init", "--quiet"], fetched, ["checkout", "--quiet", "--detach", "FETCH_HEAD"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def variables_of(world: World, event: str, number: int | None = None, **facts: Any) -> dict[str, str]:
    """Return the variables of a job of an event, with a token that has the rights of the gate."""
    world.runs += 1
    folder = world.scratch / f"job-{world.runs}"
    own = world.fake.environment(event, number, folder=folder, run=world.runs, **facts)
    return environment(world.scratch / "home") | own | {"MLCI_TOKEN": world.fake.token(RIGHTS)}
