"""Lineage and trend of a report in sealed mode: as in one job if they can be known, and else marked as not known."""

import html
import json
from dataclasses import replace

from mlci.github.transport import Access
from mlci.github.workflow_runs import WorkflowRuns
from mlci.report.rounding import round_report, round_to_step, rounding_step
from mlci.util.bounds import COMPARED_FILES
from tests.fake_github.seeding import commit as commit_files
from tests.fake_github.seeding import git_run
from tests.support.project import BY_FILE, config, predictions
from tests.support.registry.lifecycle import promote_run
from tests.support.reports import a_report, history, measured, passed
from tests.support.repository import commit
from tests.support.sealed_scene import CHAMPION, sealed_files

OWN = {"data", "environment", "model"}


def promoted_again(folder):
    """Promote a second version on the default branch."""
    (folder / "preds.csv").write_text(predictions(CHAMPION - 1))
    assert promote_run(folder) == 2
    (folder / "preds.csv").unlink()


def gated(scene, wrong):
    """Gate a model; return the rows of its lineage by kind, the report, and the comment as GitHub shows it."""
    done = scene.gate(scene.train(sealed_files(wrong)))
    assert done.code == 0, done.err
    report = json.loads((scene.folder / ".mlci/out/report.json").read_text())
    body = html.unescape(scene.comments()[0]["body"].replace("<!-- -->", ""))
    return {row["kind"]: row for row in report["lineage"]["rows"]}, report, body


def test_gate__trend_and_lineage(scene):
    promoted_again(scene.folder)
    rows, sealed, body = gated(scene, 1)
    (trend,) = sealed["trend"]
    points = [(point["version"], point["value"], point["same_rows"]) for point in trend["points"]]
    assert (trend["metric"], points) == ("accuracy", [(1, 0.8, True), (2, 0.9, True)])
    assert [rows[kind]["changed"] for kind in ("evaluation", "configuration")] == [False, False]
    assert rows["evaluation"]["candidate"] == sealed["evaluation"]["fingerprint"]
    assert (rows["code"]["candidate"], rows["code"]["changed"]) == (scene.head, True)
    assert "fewer than 300" in rows["code"]["reason"]  # the version's commit is in another repository
    for kind in OWN:
        assert (rows[kind]["candidate"], rows[kind]["changed"], rows[kind]["items"]) == (None, None, [])
        assert "not believed" in rows[kind]["reason"]
    assert "What changed" in body
    assert "(not known: training data, environment)" in body


def test_gate__settings_that_changed_since_the_version(scene):
    settings = config(baseline="production", **BY_FILE, more="  - {metric: accuracy, min: 0.2}\n")
    commit(scene.folder, {"mlci.yml": settings})
    rows, _, body = gated(scene, 1)
    assert rows["configuration"]["changed"] is True
    assert any("min" in item["name"] for item in rows["configuration"]["items"])
    assert "configuration" in body


def test_gate__rows_that_changed_since_the_version(scene, monkeypatch):
    monkeypatch.setattr("mlci.operations.sealed.history.is_recorded", lambda *_: False)
    _, report, _ = gated(scene, 1)
    found = report["lineage"]["evaluation"]
    assert (found["baseline_rows"], found["candidate_rows"]) == (100, 100)
    assert "not compared in sealed mode" in found["reason"]


def test_gate__github_compares_nothing(scene):
    """Lineage only explains: an error there never blocks."""
    scene.fake.fail("GET", "/compare/*", status=422)
    rows, report, _ = gated(scene, 1)
    assert (report["verdict"], rows["code"]["items"]) == ("pass", [])


def test_files_between__kinds_of_changes(scene, tmp_path, monkeypatch):
    token = scene.fake.token({"contents": "read"})
    access = Access(url=scene.fake.url, token=token, agent="mlci/0")
    runs = WorkflowRuns(access, repository=scene.fake.name)
    work, main = tmp_path / "work", scene.fake.sha("main")
    git_run(tmp_path, "clone", "--quiet", str(tmp_path / "model.git"), str(work))
    git_run(work, "mv", "README.md", "LIES.md")
    later = commit_files(work, {"mlci.yml": "{}\n", "new.py": "x = 1\n"}, "later")
    git_run(work, "push", "--quiet", "origin", "HEAD:later")
    expected = {"README.md": "removed", "LIES.md": "added", "mlci.yml": "changed", "new.py": "added"}
    assert runs.files_between(main, later) == expected
    assert runs.files_between(later, scene.fake.sha("topic")) is None  # it does not contain the first
    assert runs.files_between("0" * 40, later) is None
    assert runs.files_between("main", later) is None
    monkeypatch.setattr("mlci.github.workflow_runs.COMPARED_FILES", replace(COMPARED_FILES, value=3))
    assert runs.files_between(main, later) is None


def test_round_report__trend():
    gates = [passed("recall", was=0.8, now=0.81, low=0, high=0.02, max_drop=0.01)]
    metrics = [measured("recall", rows=5_000, was=0.8, now=0.81, span=(0.78, 0.82), moved=(0, 0.02))]
    trend = (history("recall", 0.7912345, 0.8012345), history("accuracy", 0.9, 0.91))
    report = a_report(gates=gates, metrics=metrics).model_copy(update={"trend": trend})
    (row,) = round_report(report).trend
    step = rounding_step(metrics[0].baseline_interval or metrics[0].candidate_interval)
    assert [point.value for point in row.points] == [round_to_step(value, step) for value in (0.7912345, 0.8012345)]
    few = [one.model_copy(update={"rows": 20, "support": 20}) for one in metrics]
    assert round_report(report.model_copy(update={"metrics": tuple(few)})).trend == ()
