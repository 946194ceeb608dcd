"""A job that publishes, on a runner of the fake."""

import re

from mlci.report.document import Candidate
from mlci.report.serialization import dump_report
from tests.support.project import mlci

CONFIG = """\
model: credit-risk
task: binary
evaluation: {data: holdout.csv, key: id, label: y, positive: 1}
predict: {file: candidate.csv, score: score}
baseline: {file: production.csv}
gates:
  - {metric: recall, max_drop: 0.01}
policy: {comment: POLICY}
"""


class Job:
    """A job on a runner: a folder with the configuration, the runner's files, the event and a token."""

    def __init__(self, fake, folder, pull, *, event="pull_request", policy="always", **facts):
        self.fake, self.folder, self.pull, self.event, self.facts = fake, folder, pull, event, facts
        self.folder.mkdir(exist_ok=True)
        (folder / "mlci.yml").write_text(CONFIG.replace("POLICY", policy))
        self.environment = {}

    def leave(self, report, head=None):
        """Leave a report as `mlci run` does."""
        (self.folder / ".mlci/out").mkdir(parents=True, exist_ok=True)
        values = report.model_copy(update={"candidate": Candidate(commit=head or self.head)})
        (self.folder / ".mlci/out/report.json").write_text(dump_report(values))

    @property
    def head(self):
        return self.fake.head(self.pull)

    def run(self, *arguments, run=100, token=..., **environment):
        facts = {"run": run, "token": self.fake.token() if token is ... else token, **self.facts}
        values = self.fake.environment(self.event, self.pull, folder=self.folder / f"run-{run}", **facts)
        self.environment = {**values, "RUNNER_TEMP": str(self.folder), "MLCI_TOKEN": "", **environment}
        if token is None:
            self.environment |= {"GITHUB_TOKEN": ""}
        return mlci("publish", *arguments, cwd=self.folder, **self.environment)

    def outputs(self, run=100):
        """Read outputs as the runner does: the last of a name counts."""
        text = (self.folder / f"run-{run}/github_output.txt").read_text()
        found = re.findall(r"^(.+?)<<(.+?)\n(.*?)\n\2$", text, re.MULTILINE | re.DOTALL)
        return {name: value for name, _, value in found}

    def summary(self, run=100):
        return (self.folder / f"run-{run}/github_step_summary.txt").read_text()
