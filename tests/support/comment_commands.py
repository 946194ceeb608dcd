"""A pull request on the fake GitHub whose gate blocks, and the people around it."""

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from mlci.registry import ledger
from mlci.registry.stores.folder import FolderStore
from mlci.report.serialization import dump_report
from tests.fake_github.fake import Fake
from tests.support.project import Ended, mlci
from tests.support.reports import a_report, broken, failed, inconclusive, passed

CONFIG = """\
model: demo
task: binary
evaluation: {data: holdout.csv, key: id, label: y, positive: 1, slices: [region]}
predict: {file: candidate.csv, score: score}
baseline: production
registry: registry
gates:
  - {metric: recall, each: region, max_drop: 0.01}
  - {metric: precision, min: 0.5}
"""
DROP = {"was": 0.6, "now": 0.5, "low": -0.12, "high": -0.08, "max_drop": 0.01}
GATE = "recall[region=north].max_drop"
PERMISSIONS = {"contents": "read", "actions": "write", "checks": "read", "pull-requests": "write"}


def gates():
    return [
        failed("recall", region="north", waivable=True, why="beyond_limit", **DROP),
        broken("precision", min=0.5, why="undefined_for_candidate", reason="no positive is predicted"),
        inconclusive("recall", region="south", was=0.6, now=0.59, low=-0.05, high=0.02, max_drop=0.01),
        passed("f1", was=0.6, now=0.6, max_drop=0.01),
    ]


@dataclass
class PullRequest:
    """One pull request with a blocked check; ``say`` comments on it and lets the workflow answer."""

    fake: Fake
    folder: Path
    number: int
    run: int
    token: str
    jobs: int = 0

    @property
    def head(self) -> str:
        return self.fake.head(self.number)

    def waive(self, gate=GATE, *, until="2099-01-01", reason="known label noise", head=None) -> str:
        return f'/mlci waive "{gate}" --until {until} --reason "{reason}" {head or self.head}'

    def comment(self, text: str, user="dana") -> int:
        return self.fake.comment(self.number, text, user=user)

    def deliver(self, comment: int, user="dana", **facts) -> Ended:
        """Run the workflow's command for the event of a comment."""
        self.jobs += 1
        facts = {"folder": self.folder / f"job{self.jobs}", "token": self.token, "sender": user, **facts}
        environment = self.fake.environment("issue_comment", self.number, comment=comment, **facts)
        return mlci("command", cwd=self.folder, **environment)

    def say(self, text: str, user="dana", **facts) -> Ended:
        return self.deliver(self.comment(text, user), user, **facts)

    def answers(self) -> list[str]:
        rows = self.fake.comments(self.number)
        return [row["body"] for row in rows if row["body"].startswith("<!-- mlci-answer")]

    def reactions(self) -> list[str]:
        return [row["content"] for row in self.fake.state.all("reactions")]

    def waivers(self) -> list:
        store = FolderStore(self.folder / "registry", "demo")
        return [entry.body for entry in ledger.iter_all(store)]

    def attempt(self) -> int:
        return self.fake.state.one("runs", id=self.run)["attempt"]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """The fake with one pull request, a blocked check, and the report among the run's artifacts."""
    folder = tmp_path_factory.mktemp("hub")
    with Fake(folder / "model.git") as fake:
        fake.email("octocat@example.org", "octocat")
        for login, role in {"dana": "maintain", "root": "admin", "wes": "write", "tri": "triage"}.items():
            fake.role(login, role)
        number = fake.pull("topic", user="contributor")
        run = fake.run(number, conclusion="failure", name="mlci")
        found = PullRequest(fake, folder / "checkout", number, run, fake.token(PERMISSIONS))
        write_check(found)
        write_artifact(found, a_report(model="demo", gates=gates(), candidate={"commit": found.head}))
        yield found


@pytest.fixture
def pull(hub, tmp_path, monkeypatch):
    """The same pull request for each test, as it was at first, with an empty registry."""
    monkeypatch.setattr("mlci.cli.commands.command.today", lambda: "2098-06-01")
    monkeypatch.setattr("mlci.cli.commands.waive.today", lambda: "2098-06-01")
    before, fake = copy.deepcopy(hub.fake.state.tables), hub.fake
    (tmp_path / "mlci.yml").write_text(CONFIG)
    yield replace(hub, folder=tmp_path)
    fake.verify()
    fake.state.tables = before
    fake.repo = fake.state.one("repos", id=fake.repo["id"])


def write_check(pull, name="mlci / demo", **more):
    body = {"name": name, "head_sha": pull.head, "external_id": f"{pull.run}.1", "conclusion": "failure", **more}
    headers = {"Authorization": f"Bearer {pull.fake.token()}", "User-Agent": "tests"}
    made = requests.post(f"{pull.fake.url}/repos/{pull.fake.name}/check-runs", json=body, headers=headers, timeout=10)
    assert made.status_code == 201, made.text


def write_artifact(pull, report, name="mlci-report-demo"):
    pull.fake.artifact(pull.run, name, {"report.json": dump_report(report), "report.html": "<p>"})
