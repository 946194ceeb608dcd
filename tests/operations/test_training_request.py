"""Training that has to be asked for: nothing runs without a request, and the report blocks and says how to ask."""

import json

import pytest

from mlci.report.serialization import parse_report
from tests.support.project import BY_TRAINING, PREDICT, config, files, mlci, repository, run, write
from tests.support.repository import commit

ASKED = BY_TRAINING + "  when: asked\n"


def count_trainings(folder) -> int:
    path = folder / "trained.log"
    return len(path.read_text().split()) if path.exists() else 0


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, {**files(2, baseline="none"), "mlci.yml": config(baseline="none", train=ASKED, more=FLOOR)})


FLOOR = "  - {metric: accuracy, min: 0.5}\n"


def event(folder, *labels, attempt=1):
    """Return the environment of a workflow run of a pull request with these labels."""
    payload = {
        "repository": {"full_name": "o/r", "private": True},
        "pull_request": {"number": 5, "head": {"sha": "a" * 40}, "labels": [{"name": name} for name in labels]},
    }
    path = folder.with_name(f"{folder.name}-event.json")
    path.write_text(json.dumps(payload))
    names = {"EVENT_NAME": "pull_request", "EVENT_PATH": str(path), "RUN_ID": "7", "RUN_ATTEMPT": str(attempt)}
    return {"GITHUB_ACTIONS": "true", **{f"GITHUB_{name}": value for name, value in names.items()}}


def test_run__not_asked(project):
    ended = run(project, **event(project, "bug"))
    assert (ended.code, count_trainings(project)) == (1, 0)
    report = ended.report
    assert (report["verdict"], report["training_label"], report["gates"]) == ("block", "mlci:train", [])
    assert report["candidate"]["commit"] == "a" * 40
    text = (project / ".mlci/out/comment.md").read_text()
    assert "planted: not trained yet" in text
    assert "add the label mlci:train to the pull request, or comment /mlci run" in text
    assert "metrics files" not in text
    page = (project / ".mlci/out/report.html").read_text()
    assert "Not trained yet" in page
    shown = mlci("report", ".mlci/out/report.json", cwd=project)
    assert "Next: add the label mlci:train to the pull request" in " ".join(shown.out.split())
    assert not (project / ".mlci/out/bundle").exists()


@pytest.mark.parametrize(("labels", "attempt"), [(("mlci:train",), 1), ((), 2)])
def test_run__asked_by_label_or_rerun(project, labels, attempt):
    ended = run(project, **event(project, *labels, attempt=attempt))
    assert (ended.code, count_trainings(project)) == (0, 1)
    assert ended.report["training_label"] is None


def test_run__baseline_of_a_reference_is_not_trained_either(tmp_path):
    contents = {**files(2), "mlci.yml": config(baseline="{ref: main}", train=ASKED)}
    repository(tmp_path, contents, {"k.txt": "3"})
    ended = run(tmp_path, "--changed-since", "main", **event(tmp_path))
    assert (ended.code, count_trainings(tmp_path)) == (1, 0)
    assert ended.report["verdict"] == "block"


def test_run__nothing_relevant_changed_needs_no_request(tmp_path):
    contents = {**files(2), "mlci.yml": config(baseline="{ref: main}", train=ASKED)}
    repository(tmp_path, contents, {"k.txt": "2"})
    commit(tmp_path, {"README.md": "words"})
    ended = run(tmp_path, "--changed-since", "main", **event(tmp_path))
    assert (ended.code, count_trainings(tmp_path)) == (0, 0)


def test_run__metrics_file_is_not_made_without_a_request(tmp_path):
    text = config(baseline="none", train=ASKED, predict="predict: {metrics: m.json}\n", more="")
    text = text.replace("evaluation:\n  data: holdout.csv\n  key: id\n  label: y\n  positive: 1\n", "")
    write(tmp_path, {**files(2), "mlci.yml": text.replace("max_drop: 0.05", "min: 0.5"), "predict.py": PREDICT})
    ended = run(tmp_path, **event(tmp_path))
    assert (ended.code, count_trainings(tmp_path)) == (1, 0)
    assert ended.report["training_label"] == "mlci:train"


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_stages__not_asked(project, command):
    ended = mlci(command, cwd=project, **event(project))
    assert (ended.code, count_trainings(project)) == (1, 0)
    assert "training has to be asked for (`when: asked`): add the label `mlci:train`" in ended.err


def test_parse_report__verdict_of_what_was_not_asked_for(project):
    run(project, **event(project))
    text = (project / ".mlci/out/report.json").read_text()
    assert parse_report(text.encode(), path="r").training_label == "mlci:train"
    forged = text.replace('"verdict": "block"', '"verdict": "pass"')
    assert forged != text
    with pytest.raises(Exception, match="not asked for"):
        parse_report(forged.encode(), path="r")
