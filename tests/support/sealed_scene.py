"""A pull request of a fork, its training run with an artifact, and the job that gates it on the default branch."""

import json
import re
from pathlib import Path

from tests.support.project import BY_FILE, config, holdout, mlci, predictions
from tests.support.registry.lifecycle import promote_run
from tests.support.repository import commit, init

MODEL = "planted"
NAME = f"mlci / {MODEL}"
ARTIFACT = f"mlci-sealed-{MODEL}"
CHAMPION = 2
"""The champion is wrong on so many rows of ten."""
PERMISSIONS = {
    "contents": "read",
    "actions": "read",
    "checks": "write",
    "statuses": "write",
    "pull-requests": "write",
}


def default_branch(folder):
    """Make a checkout of the default branch, whose registry has a champion."""
    init(folder)
    settings = config(baseline="production", **BY_FILE)
    commit(
        folder,
        {
            ".gitignore": ".mlci/\npreds.csv\n",
            "mlci.yml": settings,
            "holdout.csv": holdout(),
        },
    )
    (folder / "preds.csv").write_text(predictions(CHAMPION))
    assert promote_run(folder) == 1
    (folder / "preds.csv").unlink()


def manifest(**facts):
    return json.dumps(
        {"schema": 1, "model": MODEL, "commit": "0" * 40, "run_id": "1", "rows": 100, "mlci": "0"} | facts
    )


def sealed_files(wrong=CHAMPION):
    """Return the artifact of a model that is wrong on so many rows of ten."""
    return {"predictions.csv": predictions(wrong), "manifest.json": manifest()}


class Scene:
    """One pull request, its training runs, and the job that gates them."""

    def __init__(self, fake, folder, *, fork="contributor"):
        self.fake, self.folder, self.fork = fake, folder, fork
        self.pull = fake.pull("topic", fork=fork)
        self.gates = 0
        self.environment = {}

    @property
    def head(self):
        return self.fake.head(self.pull)

    def train(self, files=None, *, name=ARTIFACT, pull=None, **facts):
        """A training run of the pull request, with its artifact unless ``files`` is empty; return its number."""
        run = self.fake.run(pull or self.pull, name="mlci-train", **facts)
        files = sealed_files() if files is None else files
        if files:
            self.fake.artifact(run, name, files)
        return run

    def gate(self, run, *more, command="gate", attempt=1, action="completed", token=None, **environment):
        """Run the job that a finished training run starts."""
        self.gates += 1
        where = self.folder.parent / f"gate-{self.gates}"
        self.environment = self.fake.environment(
            "workflow_run",
            folder=where,
            of=run,
            action=action,
            run=9_000 + self.gates,
            attempt=attempt,
            token=token or self.fake.token(PERMISSIONS),
        )
        self.environment |= {"MLCI_TOKEN": "", "RUNNER_TEMP": str(where), **environment}
        return mlci("sealed", command, *more, cwd=self.folder, **self.environment)

    def outputs(self):
        text = Path(self.environment["GITHUB_OUTPUT"]).read_text()
        found = re.findall(r"^(.+?)<<(.+?)\n(.*?)\n\2$", text, re.MULTILINE | re.DOTALL)
        return {name: value for name, _, value in found}

    def checks(self, sha=None):
        return self.fake.check_runs(sha or self.head, NAME)

    def check(self, sha=None):
        (one,) = self.checks(sha)
        return one

    def status(self, sha=None):
        return self.fake.statuses(sha or self.head)[0]

    def comments(self):
        return self.fake.comments(self.pull)
