"""The whole loop as a team goes through it: judged on pull requests, promoted on merge, rolled back by hand."""

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.machine import ROOT
from tests.e2e.workflows import act
from tests.e2e.workflows.act import Run, Start
from tests.e2e.workflows.keep import Scenario
from tests.e2e.workflows.seen import Seen, look
from tests.e2e.workflows.world import World

TEMPLATES = ROOT / "templates" / "workflows"
JUDGE, PROMOTE = TEMPLATES / "mlci.yml", TEMPLATES / "mlci-promote.yml"
ROLLBACK, REPRODUCE = TEMPLATES / "mlci-rollback.yml", TEMPLATES / "mlci-reproduce.yml"
VERIFY = TEMPLATES / "mlci-verify.yml"
CANARY, GITOPS, DEPLOY_ROLLBACK = (TEMPLATES / f"mlci-{name}.yml" for name in ("canary", "gitops", "deploy-rollback"))
MONITOR, EXPERIMENT, DRILL, COSTS = (
    TEMPLATES / f"mlci-{name}.yml" for name in ("monitor", "experiment", "drill", "costs")
)
BRANCH, WITNESS = "mlci/churn", "refs/mlci/witness/churn"


def granted_permissions(workflow: str) -> dict[str, str]:
    """All that the jobs of a workflow are granted together: act hands the same token to each of them."""
    found = re.findall(r"^      ([a-z-]+): (read|write) #", workflow, re.MULTILINE)
    return dict(sorted(found, key=lambda pair: pair[1]))  # `write` comes last and stays


class Loop:
    """A repository with the workflows of the templates; every step is kept under its number and name."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self.world, self.scenario, self.steps = world, scenario, 0

    def judged(self, branch: str, change: str, name: str) -> tuple[Run, Seen, int]:
        """Open a pull request, or push to the one that is there, and judge it."""
        number = self.world.pull(branch, change)
        run = self.world.start(JUDGE, "pull_request", number, token=self.token(JUDGE))
        return run, self._look(run, name, number, self.world.fake.head(number)), number

    def again(self, number: int, name: str) -> tuple[Run, Seen]:
        """Judge a pull request once more."""
        run = self.world.start(JUDGE, "pull_request", number, token=self.token(JUDGE), action="synchronize")
        return run, self._look(run, name, number, self.world.fake.head(number))

    def merged(self, number: int, name: str) -> tuple[Run, Seen]:
        """Merge a pull request, and let the push promote."""
        sha = self.world.merge(number)
        run = self.world.start(PROMOTE, "push", token=self.token(PROMOTE))
        return run, self._look(run, name, number, sha)

    def promotion(self) -> Start:
        """Return the run that a push to main starts, as of now."""
        return self.world.ready(PROMOTE, "push", token=self.token(PROMOTE))

    def by_hand(self, workflow: Path, name: str, **inputs: str) -> Run:
        """Start a workflow by hand."""
        return self.started(workflow, "workflow_dispatch", name, inputs=inputs)[0]

    def started(self, workflow: Path, event: str, name: str, **facts: Any) -> tuple[Run, Seen]:
        """Let an event of main start a workflow; ``facts`` are those of :meth:`World.ready`."""
        return self.ended(self.world.ready(workflow, event, token=self.token(workflow), **facts), name)

    def ended(self, start: Start, name: str) -> tuple[Run, Seen]:
        """Run a workflow that an event of main has started."""
        run = act.run(start)
        return run, self._look(run, name, 1, self.world.fake.sha("main"))

    def weekly(self, name: str) -> tuple[Run, Seen]:
        """Let the registry be verified, as it is once a week."""
        return self.started(VERIFY, "schedule", name)

    def champion(self) -> int:
        """Return the version in production, as `mlci versions` in a clone shows it."""
        found: dict[str, Any] = json.loads(self.world.mlci("versions", "--json"))
        self.world.fake.forget_requests()  # the next step's are counted alone
        return int(found["champion"])

    def ledger(self) -> list[dict[str, Any]]:
        """Every entry from the branch, by git alone; each holds the digest of the one before."""
        names = self.git("ls-tree", "-r", "--name-only", BRANCH, "ledger/").split()
        entries, before = [], None
        for number, name in enumerate(names, 1):
            data = subprocess.check_output(["git", "-C", str(self.world.remote), "show", f"{BRANCH}:{name}"])
            entry = json.loads(data)
            assert (entry["number"], entry["previous"]) == (number, before)
            before = hashlib.sha256(data).hexdigest()
            entries.append(entry)
        return entries

    def verified(self) -> str:
        """Verify the branch by git and by mlci itself; return the output of mlci."""
        commits = self.git("rev-list", "--first-parent", BRANCH).split()
        assert len(commits) == len(self.git("rev-list", BRANCH).split()) == len(self.ledger())  # one line of commits
        assert self.git("rev-parse", WITNESS) == commits[0]
        assert subprocess.run(["git", "merge-base", "main", BRANCH], cwd=self.world.remote, check=False).returncode == 1
        self.git("fsck", "--strict", "--no-dangling")
        output = self.world.mlci("ledger", "verify", "--files")
        self.scenario.text("ledger.txt", self.world.mlci("ledger", "log"))
        self.scenario.text("ledger-verify.txt", output)
        self.scenario.text("branch.txt", self.git("log", "--stat", BRANCH) + "\n")
        self.scenario.facts("ledger.json", self.ledger())
        self.scenario.saw(f"{len(commits)} entries in one line of commits; {output.strip().splitlines()[-1]}")
        return output

    def _look(self, run: Run, name: str, number: int, sha: str) -> Seen:
        self.steps += 1
        return look(self.world, self.scenario, run, number=number, sha=sha, step=f"{self.steps}-{name}")

    def token(self, workflow: Path) -> str:
        """Return a token with all permissions that the jobs of a workflow are granted."""
        return self.world.fake.token(granted_permissions(workflow.read_text("utf-8")))

    def git(self, *words: str) -> str:
        """Ask git about the repository on GitHub."""
        done = subprocess.run(["git", "-C", str(self.world.remote), *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()
