"""`mlci sealed gate` on honest forks: check, status, comment, files and exit codes."""

import json

import pytest

from tests.support.project import predictions, run, timeless
from tests.support.sealed_scene import CHAMPION, sealed_files


def test_gate__honest_fork(scene):
    done = scene.gate(scene.train(sealed_files(1)))
    assert (done.code, scene.check()["conclusion"], scene.status()["state"]) == (0, "success", "success"), done.err
    assert "which is not believed, names model planted" in done.err
    (comment,) = scene.comments()
    assert "planted" in comment["body"]
    assert scene.head in comment["body"]
    report = json.loads((scene.folder / ".mlci/out/report.json").read_text())
    assert report["candidate"]["commit"] == scene.head
    assert (report["baseline"]["source"], report["baseline"]["version"]) == ("production", "1")
    assert scene.outputs() == {
        "verdict": "pass",
        "model": "planted",
        "report": ".mlci/out/report.json",
        "baseline-version": "1",
        "comment-url": comment["html_url"],
        "check-url": scene.check()["html_url"],
    }


def test_gate__worse_model_blocks(scene):
    done = scene.gate(scene.train(sealed_files(CHAMPION + 3)))
    assert (done.code, scene.check()["conclusion"], scene.status()["state"]) == (1, "failure", "failure")
    assert "accuracy" in scene.comments()[0]["body"]


def test_gate__numbers_of_mlci_run(scene):
    scene.gate(scene.train(sealed_files(3)))
    sealed = json.loads((scene.folder / ".mlci/out/report.json").read_text())
    (scene.folder / "preds.csv").write_text(predictions(3))
    plain = run(scene.folder).report
    for name in ("metrics", "gates", "disparities", "verdict", "agreement", "confusion", "policy"):
        assert timeless(sealed)[name] == timeless(plain)[name], name
    assert sealed["evaluation"]["fingerprint"] == plain["evaluation"]["fingerprint"]


@pytest.mark.parametrize("words", [("--dry-run",), ("--dry-run", "--json")])
def test_gate__dry_run(scene, words):
    done = scene.gate(scene.train(sealed_files(5)), *words)
    assert done.code == 1
    assert (scene.checks(), scene.comments(), scene.fake.statuses(scene.head)) == ([], [], [])
    assert "accuracy" in done.out or json.loads(done.out)["verdict"] == "block"
    assert all(method == "GET" for method, _, _ in scene.fake.requests)
