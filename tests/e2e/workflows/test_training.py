"""Pull requests without training, and projects whose training makes the evaluation set."""

import json

import pytest

from tests.e2e.machine import ROOT
from tests.e2e.workflows.seen import look
from tests.e2e.workflows.world import World

ONE_STEP, TWO_JOBS = "one-step.yml", ROOT / "templates" / "workflows" / "mlci-split.yml"
WORKFLOWS = pytest.mark.parametrize("workflow", [ONE_STEP, TWO_JOBS], ids=["one-step", "two-jobs"])


def report(world):
    """The report that the newest run kept."""
    name = "mlci-report-churn" if world.artifact("mlci-report-churn").exists() else "mlci-report"
    return json.loads((world.artifact(name) / "report.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("workflow", "splits_inside"),
    [(ONE_STEP, False), (TWO_JOBS, False), (TWO_JOBS, True)],
    ids=["one-step", "two-jobs", "two-jobs, training makes the evaluation set"],
)
def test_workflow__documentation_only_trains_nothing(workflow, splits_inside, tmp_path, scenario):
    with World(tmp_path / "world", splits_inside=splits_inside) as world:
        number = world.pull("candidate", "documentation")
        run = world.start(workflow, "pull_request", number)
        seen = look(world, scenario, run, number=number, sha=world.fake.head(number))
        written = report(world)

    assert run.code == 0, run.log
    assert "nothing is trained" in run.output
    assert "weights" not in run.output  # as each training prints
    assert "churn: nothing relevant changed</h2>" in seen.page
    assert (seen.check["conclusion"], seen.status) == ("success", "success")
    assert (written["verdict"], written["metrics"]) == ("pass", [])
    assert written["unchanged_since"]


@WORKFLOWS
@pytest.mark.parametrize(("change", "code", "conclusion"), [("better", 0, "success"), ("regression", 1, "failure")])
def test_workflow__training_makes_the_evaluation_set(workflow, change, code, conclusion, tmp_path, scenario):
    with World(tmp_path / "world", splits_inside=True) as world:
        number = world.pull("candidate", change)
        run = world.start(workflow, "pull_request", number)
        seen = look(world, scenario, run, number=number, sha=world.fake.head(number))
        written = report(world)

    assert run.code == code, run.log
    assert (seen.check["conclusion"], seen.status) == (conclusion, conclusion)
    expected = "both gates passed</h2>" if code == 0 else "1 of 2 gates failed"
    assert expected in seen.page
    [auc] = [row for row in written["metrics"] if row["metric"] == "roc_auc"]
    assert auc["rows"] == written["evaluation"]["rows"] > 600
    assert (auc["change"] > -0.01) == (change == "better")
