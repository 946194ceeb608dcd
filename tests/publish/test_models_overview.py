"""`mlci models publish`: one check, one status and one comment about all models, through the fake's API."""

import json
from pathlib import Path

import pytest

from mlci.publish.models_plan import AffectedModel, ModelsPlan
from mlci.publish.overview import ModelOutcome, ModelsOverview, overview_text
from mlci.publish.result import Unfinished
from mlci.report.document import Candidate
from mlci.report.serialization import dump_report
from mlci.report.text.markup import Links
from tests.support.project import mlci
from tests.support.publish.scene import bad, good, unsure

CONFIG = """\
model: {name}
task: binary
evaluation: {{data: holdout.csv, key: id, label: y, positive: 1}}
predict: {{file: candidate.csv, score: score}}
gates:
  - {{metric: recall, max_drop: 0.01}}
"""
NAME = "mlci / models"


def plan(*names, unaffected=("quiet",)):
    affected = tuple(AffectedModel(model=name, folder=name, reason=f"{name}/train.py differs") for name in names)
    return ModelsPlan(base="a" * 40, affected=affected, unaffected=unaffected)


class Repository:
    """The jobs of several models, and the job of their overview, each on a runner of its own."""

    def __init__(self, fake, folder: Path):
        self.fake, self.folder, self.pull = fake, folder, fake.pull("topic")
        self.token = fake.token()

    @property
    def head(self):
        return self.fake.head(self.pull)

    def _environment(self, place, run):
        values = self.fake.environment("pull_request", self.pull, folder=place, run=run, token=self.token)
        return {**values, "RUNNER_TEMP": str(place), "MLCI_TOKEN": ""}

    def job(self, name, report, code, *, run=100, publishes=True):
        """Judge one model: leave its artifact, and publish its check without a comment."""
        place = self.folder / f"artifacts-{run}" / f"mlci-report-{name}"
        place.mkdir(parents=True)
        (place / "mlci.yml").write_text(CONFIG.format(name=name))
        about = {"model": name, "candidate": Candidate(commit=self.head)}
        (place / "report.json").write_text(dump_report(report.model_copy(update=about)))
        if publishes:
            ended = "failure" if code else "success"
            arguments = ("publish", "report.json", "--no-comment", "--ended", ended, "--code", str(code))
            mlci(*arguments, cwd=place, **self._environment(place, run), MLCI_MATRIX=json.dumps({"model": name}))

    def overview(self, planned, ended, *, run=100):
        """Publish the overview; return the result of the command."""
        place = self.folder / f"overview-{run}"
        place.mkdir(exist_ok=True)
        text = planned if isinstance(planned, str) else planned.model_dump_json()
        (place / "plan.json").write_text(text)
        arguments = ("plan.json", "--reports", f"../artifacts-{run}", "--ended", ended)
        return mlci(
            "models", "publish", *arguments, cwd=place, **self._environment(place, run) | {"GITHUB_JOB": "models"}
        )

    def check(self, name=NAME):
        *_, last = [one for one in self.fake.check_runs() if one["name"] == name]
        return last


@pytest.fixture
def repository(fake, tmp_path):
    return Repository(fake, tmp_path)


def test_models_publish__one_comment_with_the_worst_first(repository):
    repository.job("churn", good(), 0)
    repository.job("fraud", bad(), 1)
    ended = repository.overview(plan("churn", "fraud"), "failure")
    assert ended.code == 1, ended.err
    (comment,) = repository.fake.comments(repository.pull)
    check, fraud = repository.check(), repository.check("mlci / fraud")
    assert (check["conclusion"], check["output"]["title"]) == (
        "failure",
        "1 blocked, 1 passed; 2 of 3 models evaluated",
    )
    rows = [line for line in comment["body"].splitlines() if line.startswith("| ")][1:]
    assert [row.split("|")[1].split("[")[-1].split("]")[0] for row in rows] == ["fraud", "churn"]
    assert fraud["html_url"] in rows[0]
    assert "0.581 → 0.550" in rows[0]
    assert "fraud/train.py differs" in rows[0]
    assert "none of their files changed: quiet." in comment["body"]
    assert repository.check("mlci / churn")["conclusion"] == "success"


def test_models_publish__no_model_is_affected(repository):
    """The required check is green at once; a comment is not made for it, but one that exists follows."""
    done = repository.overview(plan(unaffected=("a", "b")), "skipped")
    assert done.code == 0, done.err
    assert (repository.check()["conclusion"], repository.check()["output"]["title"]) == (
        "success",
        "no file of the 2 models changed",
    )
    assert repository.fake.comments(repository.pull) == []
    repository.job("a", bad(), 1, run=101)
    repository.overview(plan("a"), "failure", run=101)
    repository.overview(plan(unaffected=("a", "b")), "skipped", run=102)
    (comment,) = repository.fake.comments(repository.pull)
    assert "no file of the 2 models changed" in comment["body"]


@pytest.mark.parametrize("ended", ["success", "failure", "skipped", "cancelled"])
def test_models_publish__missing_report_is_never_a_pass(repository, ended):
    repository.job("churn", good(), 0)
    done = repository.overview(plan("churn", "fraud"), ended)
    assert done.code == 1
    assert repository.check()["conclusion"] != "success"
    assert "fraud: no report that counts" in done.out


def test_models_publish__report_that_its_check_contradicts(repository):
    """The artifact says that every gate passed, and the job, whose code it can't reach, recorded a failure."""
    repository.job("churn", good(), 1)
    done = repository.overview(plan("churn"), "success")
    assert (done.code, repository.check()["conclusion"]) == (1, "failure")
    assert "no report that counts" in done.out


@pytest.mark.parametrize(("ended", "conclusion"), [("success", "success"), ("failure", "failure")])
def test_models_publish__without_checks_of_the_models(repository, ended, conclusion):
    repository.job("churn", good(), 0, publishes=False)
    repository.job("risk", unsure(), 0, publishes=False)
    repository.overview(plan("churn", "risk"), ended)
    assert repository.check()["conclusion"] == conclusion


def test_models_publish__two_reports_of_one_model(repository):
    repository.job("churn", good(), 0)
    text = (repository.folder / "artifacts-100/mlci-report-churn/report.json").read_text()
    (repository.folder / "artifacts-100/other").mkdir()
    (repository.folder / "artifacts-100/other/report.json").write_text(text)
    assert repository.overview(plan("churn"), "success").code == 1
    assert "2 reports are about this model" in repository.check()["output"]["summary"]


@pytest.mark.parametrize("text", ["", "{", '{"base": null}', json.dumps({"base": None, "affected": [], "more": 1})])
def test_models_publish__plan_that_is_not_one(repository, text):
    """The check fails, so that an older success does not stand for this run."""
    done = repository.overview(text, "success")
    assert done.code == 2
    assert "not a plan of `mlci models plan`" in done.err
    assert (repository.check()["conclusion"], repository.check()["output"]["title"]) == (
        "failure",
        "the evaluation did not finish",
    )


def test_overview_text__many_models_fit():
    """256 models whose names and reasons are all marks of Markdown stay below GitHub's limit, the verdict first."""
    names = [f"{number}-{'<*_|' * 23}" for number in range(256)]
    overview = plan(*names, unaffected=tuple(names))
    outcomes = tuple(
        ModelOutcome(planned=one, result=Unfinished(why="*" * 900), url="https://example.org/" + "a" * 200)
        for one in overview.affected
    )
    text = overview_text(ModelsOverview(plan=overview, outcomes=outcomes, ended="failure"), links=Links())
    assert len(text.encode()) <= 60_000
    assert "256 did not finish; 256 of 512 models evaluated" in text.splitlines()[0]
