"""Every workflow in documents and templates, executed as written."""

import re
from pathlib import Path

import pytest

from tests.e2e.machine import ROOT
from tests.e2e.workflows.loop import (
    CANARY,
    COSTS,
    DEPLOY_ROLLBACK,
    DRILL,
    EXPERIMENT,
    GITOPS,
    MONITOR,
    PROMOTE,
    REPRODUCE,
    ROLLBACK,
    VERIFY,
    granted_permissions,
)
from tests.e2e.workflows.sealed import COMMANDS, GATE, TRAIN
from tests.e2e.workflows.seen import look
from tests.e2e.workflows.world import World

_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = ROOT / "README.md"
SEVERAL = ROOT / "docs" / "how-to" / "workflows" / "gate-several-models.md"
MANY = ROOT / "templates" / "workflows" / "mlci-models.yml"
PLACES = [README, *sorted((ROOT / "templates" / "workflows").glob("*.yml")), *sorted((ROOT / "docs").rglob("*.md"))]


def workflows(path: Path) -> list[str]:
    """Return the workflows in a file: the file itself, or YAML blocks of a page."""
    text = path.read_text("utf-8")
    blocks = _BLOCK.findall(text) if path.suffix == ".md" else [text]
    return [re.sub(r"\A(#.*\n)+", "", block) for block in blocks if re.search(r"^jobs:", block, re.MULTILINE)]


def offered_workflows():
    """Each different workflow once, under the name of the first place that has it."""
    names: dict[str, str] = {}
    for path in PLACES:
        for text in workflows(path):
            names.setdefault(text, path.name)
    return names


OTHER_PROJECTS = {SEVERAL.name, MANY.name, TRAIN.name, "mlci-shards.yml"}
"""Workflows that other tests run, or that need files of predictions: `evaluate-in-shards.md` runs their commands."""


def of_pull_requests():
    """Those that a pull request starts, for one model, and that publish; those left out have tests of their own."""
    offered = ((text, name) for text, name in offered_workflows().items() if "\n  pull_request:\n" in text)
    own = OTHER_PROJECTS | {COSTS.name}
    return [pytest.param(text, id=name) for text, name in offered if name not in own]


AFTER_MERGE = {path.name for path in (CANARY, GITOPS, DEPLOY_ROLLBACK, MONITOR, EXPERIMENT, DRILL)}
"""Templates that `tests/e2e/after_merge` runs, as it does `mlci-costs.yml`."""


def test_documents__every_workflow_has_a_test():
    others = {name for text, name in offered_workflows().items() if "\n  pull_request:\n" not in text}
    assert others == {path.name for path in (PROMOTE, REPRODUCE, ROLLBACK, VERIFY, GATE, COMMANDS)} | AFTER_MERGE


@pytest.mark.parametrize("text", of_pull_requests())
def test_workflow__of_documents_and_templates(text, tmp_path, scenario):
    path = tmp_path / "workflow.yml"
    path.write_text(text, "utf-8")
    scenario.text("workflow.yml", text)
    with World(tmp_path / "world") as world:
        number = world.pull("candidate", "better")
        run = world.start(path, "pull_request", number)
        seen = look(world, scenario, run, number=number, sha=world.fake.head(number))
    assert run.code == 0, run.log
    assert "all 4 gates passed" in seen.page
    assert (seen.check["conclusion"], seen.status) == ("success", "success")


def test_workflow__of_several_models(tmp_path, scenario):
    """A job, a check and a comment for each; the model that did not change is not trained."""
    path, [text] = tmp_path / "workflow.yml", workflows(SEVERAL)
    path.write_text(text, "utf-8")
    with World(tmp_path / "world", models=["tumour", "diabetes"]) as world:
        number = world.pull("candidate", "better")
        run = world.start(path, "pull_request", number)
        seen = look(world, scenario, run, number=number, sha=world.fake.head(number))
    assert run.code == 0, run.log
    assert {check["name"]: check["conclusion"] for check in seen.checks} == {
        "mlci / tumour": "success",
        "mlci / diabetes": "success",
    }
    titles = sorted(comment["body"].splitlines()[1] for comment in seen.comments)
    assert len(titles) == 2
    assert "all 4 gates passed" in titles[1]


def test_workflow__of_many_models(tmp_path, scenario):
    """Only the model that changed has a job; one check and one comment are about all of them."""
    with World(tmp_path / "world", models=["tumour", "diabetes"]) as world:
        number = world.pull("candidate", "regression")
        run = world.start(MANY, "pull_request", number)
        seen = look(world, scenario, run, number=number, sha=world.fake.head(number))
    assert run.code == 1, run.log
    assert {check["name"]: check["conclusion"] for check in seen.checks} == {
        "mlci / tumour": "failure",
        "mlci / models": "failure",
    }
    [comment] = seen.comments
    assert "1 blocked; 1 of 2 models evaluated" in comment["body"].splitlines()[1]
    assert "none of their files changed: diabetes." in comment["body"]


def test_workflow__answers_a_comment(tmp_path):
    """The commands workflow answers once, and reacts; another event of the same comment changes nothing."""
    with World(tmp_path / "world", production=True) as world:
        number = world.pull("candidate", "better")
        comment = world.fake.comment(number, "/mlci help", user="octocat")
        token = world.fake.token(granted_permissions(COMMANDS.read_text("utf-8")))
        for _ in range(2):
            run = world.start(COMMANDS, "issue_comment", number, token=token, comment=comment, sender="octocat")
            assert (run.code, run.jobs) == (0, {"command": "success"}), run.log
        answers = [one["body"] for one in world.fake.comments(number) if one["user"]["login"] != "octocat"]
    assert len(answers) == 1
    assert "/mlci waive" in answers[0]


def test_readme__workflow_with_one_step_and_commented_permissions():
    [text] = workflows(README)
    granted = re.findall(r"^ +([a-z-]+): (?:read|write)\b(.*)$", text, re.MULTILINE)
    assert [name for name, reason in granted if not reason.strip().startswith("#")] == []
    assert {name for name, _ in granted} == {"contents", "checks", "statuses", "pull-requests"}
    assert re.findall(r"uses: (\S+)@", text) == ["actions/checkout", "mlci/mlci"]


def test_reusable_workflow__blocked_change(tmp_path, scenario):
    """A job that runs nothing of the pull request publishes the verdict."""
    with World(tmp_path / "world") as world:
        number = world.pull("candidate", "regression")
        run = world.start(ROOT / "templates" / "workflows" / "mlci-split.yml", "pull_request", number)
        seen = look(world, scenario, run, number=number, sha=world.fake.head(number))
    assert run.code == 1, run.log
    assert (seen.check["conclusion"], seen.status) == ("failure", "failure")
    assert "1 of 4 gates failed" in seen.page


def test_reusable_workflow__crash(tmp_path, scenario):
    with World(tmp_path / "world") as world:
        number = world.pull("candidate", "crash")
        run = world.start(ROOT / "templates" / "workflows" / "mlci-split.yml", "pull_request", number)
        seen = look(world, scenario, run, number=number, sha=world.fake.head(number))
    assert run.code == 1, run.log
    assert (seen.check["conclusion"], seen.status) == ("failure", "error")
    assert "evaluation did not finish" in seen.page
