"""`mlci sealed gate` in doubt: a failing or waiting check with the reason, and never a pass."""

import html
import json

import pytest
import requests

from mlci.operations.sealed import gate
from mlci.util.bounds import CHANGED_FILES
from tests.fake_github.seeding import commit, git_run
from tests.sealed.zips import archive, entry
from tests.support.project import BY_FILE, config, holdout, predictions
from tests.support.sealed_scene import ARTIFACT, CHAMPION, NAME, manifest, sealed_files

BETTER = sealed_files(0)


def push(fake, tmp_path, files=None, owner="contributor", branch="topic"):
    """Move the head of the fork's pull request."""
    work = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
    git_run(tmp_path, "clone", "--quiet", "--branch", branch, str(fake.fork(owner)), str(work))
    made = commit(work, files or {"train.py": f"C = {work.name!r}\n"}, "again")
    git_run(work, "push", "--quiet", "origin", branch)
    return made


def plain(text):
    """Return a text as GitHub shows it, without the marks that keep it from being Markdown."""
    return html.unescape(text.replace("<!-- -->", ""))


def failing(scene, done, code, *words):
    """The one check fails, its status too, and the summary has the words."""
    check = scene.check()
    assert (done.code, check["status"], check["conclusion"]) == (code, "completed", "failure"), done.err
    assert scene.status()["state"] == "error"
    text = check["output"]["title"] + plain(check["output"]["summary"])
    assert [word for word in words if word not in text] == [], text
    assert "Nothing was judged" in scene.comments()[0]["body"]
    assert scene.outputs()["verdict"] == "error"


@pytest.mark.parametrize(
    ("ended", "code", "conclusion", "state", "words"),
    [
        ("failure", 3, "failure", "error", "training failed"),
        ("cancelled", 0, "cancelled", "error", "the training run was cancelled"),
        ("action_required", 0, None, "pending", "waiting for a maintainer to approve the training run"),
    ],
)
def test_gate__training_without_success(scene, ended, code, conclusion, state, words):
    run = scene.train(BETTER, conclusion=ended)
    done = scene.gate(run)
    check = scene.check()
    assert (done.code, check["conclusion"], scene.status()["state"]) == (code, conclusion, state), done.err
    assert words in check["output"]["title"]
    if ended == "failure":
        assert f"/actions/runs/{run}" in check["output"]["summary"]
    if ended == "action_required":
        assert "Approve and run" in check["output"]["summary"]


def test_gate__training_that_was_started_again(scene):
    done = scene.gate(scene.train(BETTER, status="in_progress", conclusion=None, attempt=2))
    assert (done.code, scene.checks()) == (0, [])
    assert "attempt 2 of run" in done.out


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"path": ".github/workflows/evil.yml"}, "'.github/workflows/evil.yml'"),
    ],
)
def test_gate__run_of_another_kind(scene, facts, message):
    done = scene.gate(scene.train(BETTER, **facts))
    assert (done.code, scene.checks(), scene.comments()) == (2, [], [])
    assert message in done.out + done.err


def test_gate__other_base(scene):
    git_run(scene.folder.parent / "model.git", "branch", "weak", "main")
    number = scene.fake.pull("topic", base="weak", fork=True)
    scene.fake.change_pull(scene.pull, state="closed")
    scene.pull = number
    failing(scene, scene.gate(scene.train(BETTER)), 2, "'weak'", "'main'")


def test_gate__lowered_limits_and_swapped_labels(scene, tmp_path):
    weak = config(baseline="none", **BY_FILE).replace("max_drop: 0.05", "min: 0.0")
    changed = {"mlci.yml": weak, "holdout.csv": "id,x,y\n1,1,1\n", ".github/workflows/mlci-train.yml": "on: push\n"}
    push(scene.fake, tmp_path, changed)
    assert scene.gate(scene.train(sealed_files(CHAMPION + 4))).code == 1
    body = plain(scene.comments()[0]["body"])
    for part in (*changed, "They were ignored", "accuracy"):
        assert part in body
    judging = json.loads((scene.folder / ".mlci/out/report.json").read_text())["judging"]
    assert (judging["used"], {one["path"] for one in judging["changes"]}) == (False, set(changed))
    assert judging["unlisted"] == 0


def test_gate__more_files_than_are_listed(scene, tmp_path):
    push(scene.fake, tmp_path, {f"0/{number:04}": "" for number in range(CHANGED_FILES.value)} | {"mlci.yml": "{}\n"})
    assert scene.gate(scene.train(BETTER)).code == 0
    judging = json.loads((scene.folder / ".mlci/out/report.json").read_text())["judging"]
    assert (judging["changes"], judging["unlisted"]) == ([], 2)
    assert "a maintainer has to look at them" in plain(scene.comments()[0]["body"])


def test_gate__files_that_github_fails_to_list(scene, tmp_path):
    push(scene.fake, tmp_path, {"mlci.yml": "{}\n"})
    scene.fake.fail("GET", "*/files", status=422)
    assert scene.gate(scene.train(BETTER)).code == 0
    judging = json.loads((scene.folder / ".mlci/out/report.json").read_text())["judging"]
    assert (judging["changes"], judging["unlisted"]) == ([], 2)
    assert "a maintainer has to look at them" in plain(scene.comments()[0]["body"])


def test_gate__closed_pull_request(scene):
    run = scene.train(BETTER)
    scene.fake.change_pull(scene.pull, state="closed")
    done = scene.gate(run)
    assert (done.code, scene.fake.check_runs(), scene.comments()) == (0, [], [])
    assert "no open pull request" in done.out


def test_gate__another_pull_request_in_the_manifest(scene):
    other = scene.fake.pull("topic", fork="eve")
    run = scene.train({**BETTER, "manifest.json": manifest(commit="f" * 40, pull=other, run_id=1)}, pull=other)
    scene.gate(run)
    assert (len(scene.fake.comments(other)), len(scene.comments())) == (1, 0)


def test_gate__stale_head(scene, tmp_path):
    run, old = scene.train(BETTER), scene.head
    new = push(scene.fake, tmp_path)
    done = scene.gate(run)
    assert (done.code, scene.check(old)["conclusion"], scene.checks(new)) == (0, "cancelled", [])
    assert (scene.status(old)["state"], scene.comments()) == ("error", [])
    assert new[:7] in plain(scene.check(old)["output"]["summary"])


def test_gate__head_moves_while_it_judges(scene, tmp_path):
    run, old = scene.train(BETTER), scene.head
    scene.fake.fail("GET", "/actions/artifacts/*/zip", kind="hook", call=lambda: push(scene.fake, tmp_path))
    done = scene.gate(run)
    assert scene.head != old
    assert (done.code, scene.check(old)["conclusion"]) == (0, "success")
    assert (scene.comments(), scene.checks(scene.head)) == ([], [])


def test_gate__newer_run_finishes_first(scene):
    older = scene.train(sealed_files(0))
    newer = scene.train(sealed_files(CHAMPION + 4))
    assert scene.gate(newer).code == 1
    assert scene.gate(older).code == 0
    assert scene.status()["state"] == "failure"
    assert max(scene.checks(), key=lambda one: one["id"])["conclusion"] == "failure"
    assert "accuracy" in scene.comments()[0]["body"]
    assert f"run={newer}.1 " in scene.comments()[0]["body"]


def test_gate__started_again(scene):
    run = scene.train(BETTER)
    settings = (scene.folder / "mlci.yml").read_text()
    (scene.folder / "mlci.yml").write_text(settings + "tests: {run: pytest}\n")
    assert scene.gate(run).code == 2
    (scene.folder / "mlci.yml").write_text(settings)
    assert scene.gate(run, attempt=2).code == 0
    assert (scene.check()["conclusion"], scene.status()["state"]) == ("success", "success")


def test_gate__artifact_of_an_earlier_attempt(scene):
    run = scene.train(BETTER)
    row = scene.fake.state.one("runs", id=run)
    row.update(attempt=2, created_at="2099-01-01T00:00:00Z")
    failing(scene, scene.gate(run), 2, "the artifact is refused", "earlier attempt than 2")


SLIP = archive(entry("../../mlci.yml", b"model: planted"), entry("manifest.json", b"{}"))
ARTIFACTS = {
    "zip slip": (SLIP, "leads out of the archive"),
    "other rows": ({**BETTER, "predictions.csv": predictions(0, 100, 1)}, "has no candidate prediction"),
}


@pytest.mark.parametrize("name", ARTIFACTS)
def test_gate__hostile_artifact(scene, name):
    files, message = ARTIFACTS[name]
    before = (scene.folder / "mlci.yml").read_text()
    failing(scene, scene.gate(scene.train(files)), 2, message)
    assert (scene.folder / "mlci.yml").read_text() == before
    assert not (scene.folder / ".mlci/out/report.json").exists()


def test_gate__other_bytes_than_the_digest(scene):
    run = scene.train(BETTER)
    row = scene.fake.state.one("artifacts", run=run)
    row["digest"] = scene.fake.state.keep(b"x" * row["size"])
    scene.fake.state.blobs[row["digest"]] = b"y" * row["size"]
    failing(scene, scene.gate(run), 2, "SHA-256 GitHub recorded")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("tests: {run: pytest}\n", "remove `tests`"),
        ("  - {metric: hinge_loss, max: 1}\n", "`hinge_loss`"),
    ],
)
def test_gate__configuration_that_is_refused(scene, more, message):
    with (scene.folder / "mlci.yml").open("a") as file:
        file.write(more)
    failing(scene, scene.gate(scene.train(BETTER)), 2, message)


def test_gate__rows_without_predictions_of_the_champion(scene):
    (scene.folder / "holdout.csv").write_text(holdout().replace("5,0,0", "5,0,1"))
    failing(scene, scene.gate(scene.train(BETTER)), 2, "version 1 has no predictions on this evaluation set", "promote")


def test_gate__evaluation_set_that_is_not_on_the_default_branch(scene):
    (scene.folder / "holdout.csv").unlink()
    failing(scene, scene.gate(scene.train(BETTER)), 2, "holdout.csv")


def test_gate__damaged_registry(scene):
    for path in (scene.folder / ".mlci/registry").rglob("*"):
        if path.is_file() and path.name != ".gitignore" and b"id,p" in path.read_bytes():
            path.write_bytes(predictions(9).encode())
    failing(scene, scene.gate(scene.train(BETTER)), 4, "A registry, GitHub or the network failed", "version 1")


def test_gate__empty_registry(scene):
    (scene.folder / "mlci.yml").write_text(config(baseline="production", **BY_FILE) + "registry: elsewhere\n")
    done = scene.gate(scene.train(BETTER))
    assert (done.code, scene.check()["conclusion"]) == (0, "success")
    assert "no baseline" in scene.comments()[0]["body"]


def test_gate__foreign_check(scene):
    token = scene.fake.token()
    body = {"name": NAME, "head_sha": scene.head, "status": "completed", "conclusion": "success", "external_id": "f0"}
    at = f"{scene.fake.url}/repos/{scene.fake.name}/check-runs"
    assert requests.post(at, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=5).status_code == 201
    done = scene.gate(scene.train(BETTER))
    own = [one for one in scene.checks() if one["external_id"] != "f0"]
    assert (done.code, [one["conclusion"] for one in own], scene.status()["state"]) == (1, ["failure"], "error")
    assert scene.outputs()["verdict"] == "error"


def test_gate__bug(scene, monkeypatch):
    monkeypatch.setattr(gate, "judge_archive", lambda *_, **__: 1 / 0)
    done = scene.gate(scene.train(BETTER))
    assert (done.code, scene.check()["conclusion"], scene.status()["state"]) == (70, "failure", "error")
    assert "mlci itself failed" in plain(scene.check()["output"]["summary"]).lower()


def test_gate__merge_group(scene):
    event = scene.fake.event("merge_group", scene.pull)["merge_group"]
    branch = event["head_ref"].removeprefix("refs/heads/")
    for wrong, code, state in ((0, 0, "success"), (CHAMPION + 4, 1, "failure")):
        run = scene.fake.run(branch=branch, name="mlci-train", event="merge_group")
        scene.fake.artifact(run, ARTIFACT, sealed_files(wrong))
        assert scene.gate(run).code == code
        assert scene.status(event["head_sha"])["state"] == state
    assert scene.comments() == []


def test_open__then_gate(scene):
    run = scene.train(BETTER, status="queued", conclusion=None)
    opened = scene.gate(run, command="open", action="requested")
    assert (opened.code, scene.check()["status"], scene.status()["state"]) == (0, "in_progress", "pending"), opened.err
    scene.fake.state.one("runs", id=run).update(status="completed", conclusion="success")
    assert scene.gate(run).code == 0
    assert (scene.check()["conclusion"], scene.status()["state"]) == ("success", "success")
    assert scene.gate(run, command="open", action="requested").code == 0  # an event that comes late changes nothing
    assert (scene.check()["conclusion"], scene.status()["state"]) == ("success", "success")


def test_open__approval_is_explained(scene):
    run = scene.train({}, status="completed", conclusion="action_required")
    assert scene.gate(run, command="open", action="requested").code == 0
    assert "Approve and run" in scene.check()["output"]["summary"]
    assert scene.status()["state"] == "pending"


def test_gate__token_without_rights(scene):
    token = scene.fake.token({"contents": "read", "actions": "read", "pull-requests": "write"})
    done = scene.gate(scene.train(BETTER), token=token)
    assert (done.code, scene.checks()) == (4, [])
    assert "checks: write" in done.err


def test_gate__other_event(scene):
    done = scene.gate(scene.train(BETTER), GITHUB_EVENT_NAME="pull_request")
    assert done.code == 2
    assert "workflow_run" in done.err
