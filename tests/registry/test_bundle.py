"""The bundle of a run: the evaluated bytes, and no others, can be promoted."""

import json
import shutil

import pytest

from mlci.util.digests import sha256_of
from tests.support.project import mlci, predictions, run, write
from tests.support.registry.lifecycle import (
    DAMAGE,
    files,
    promote,
    repository,
    reseal,
    state,
)
from tests.support.repository import commit, git

PARTS = ["bundle.json", "bundle.sha256", "report.json", "predictions.csv", "model/model.txt", "config/mlci.yml"]


@pytest.fixture(scope="module")
def project_with_bundle(tmp_path_factory):
    """A repository with the bundle of a run, to be copied."""
    folder = repository(tmp_path_factory.mktemp("bundled"), 3)
    assert run(folder).code == 0
    return folder


def test_bundle__content(tmp_path):
    repository(tmp_path, 3)
    commit(tmp_path, {"requirements.txt": "x==1\n", "sub/uv.lock": "elsewhere"})
    ended = run(tmp_path)
    bundle = tmp_path / ".mlci/out/bundle"
    content = json.loads((bundle / "bundle.json").read_text())
    assert "version" not in content
    assert content["schema"] == "mlci/bundle/1"
    assert (bundle / "model/model.txt").read_text() == "3"
    digest = sha256_of((bundle / "predictions.csv").read_bytes())
    assert content["predictions"]["file"] == {"name": "predictions.csv", "digest": digest, "bytes": 495}
    assert content["predictions"]["fingerprint"] == ended.report["evaluation"]["fingerprint"]
    assert ended.report["candidate"]["predictions"] == f"sha256:{digest}"
    assert ended.report["candidate"]["model"] == f"sha256:{content['files'][0]['digest']}"
    assert (bundle / "report.json").read_text() == ended.out
    recipe = content["recipe"]
    assert (recipe["commit"], recipe["dirty"]) == (git(tmp_path, "rev-parse", "HEAD"), False)
    assert (recipe["config_path"], recipe["model"], recipe["folder"]) == ("mlci.yml", "model.txt", False)
    assert [item["name"] for item in content["environment"]["lock"]] == ["requirements.txt"]
    assert content["metrics"]["accuracy"] == 0.7
    assert content["environment"]["packages"]["duckdb"]


def test_bundle__data_pointers(tmp_path):
    repository(tmp_path, 3)
    lock = "stages:\n  train:\n    cmd: x\n    deps:\n    - {path: raw.csv, hash: md5, md5: bbb, size: 1}\n"
    dvc = "outs:\n- md5: aaa\n  size: 1\n  path: holdout.bin\n"
    oid = "c" * 64
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 5\n"
    (tmp_path / "big.bin").write_text(pointer)
    git(tmp_path, "add", "big.bin")
    commit(tmp_path, {"data/holdout.dvc": dvc, "dvc.lock": lock, "broken.dvc": "outs: [", "x.dvc": "- 1"})
    commit(tmp_path, {".gitattributes": "*.bin filter=lfs\n"})
    run(tmp_path)
    content = json.loads((tmp_path / ".mlci/out/bundle/bundle.json").read_text())
    named = {"data/holdout.bin": "md5:aaa", "raw.csv": "md5:bbb", "big.bin": f"sha256:{oid}"}
    assert content["data"]["pointers"] == named


def test_run__no_bundle(project_with_bundle, tmp_path):
    shutil.copytree(project_with_bundle, tmp_path, dirs_exist_ok=True)
    first = json.loads((tmp_path / ".mlci/out/report.json").read_text())["candidate"]
    assert run(tmp_path, "--no-bundle").report["candidate"] == first  # the report describes the candidate in any case
    assert first["model"] is not None
    assert not (tmp_path / ".mlci/out/bundle").exists()
    ended = promote(tmp_path)
    assert ended.code == 2
    assert "bundle.json: does not exist; `mlci run` writes it" in ended.err


def test_run__failure_removes_an_older_bundle(project_with_bundle, tmp_path):
    shutil.copytree(project_with_bundle, tmp_path, dirs_exist_ok=True)
    assert (tmp_path / ".mlci/out/bundle").exists()
    commit(tmp_path, {"predict.py": "raise SystemExit(1)"})
    assert run(tmp_path).code == 3
    assert not (tmp_path / ".mlci/out/bundle").exists()


def test_run__removes_the_leftovers_of_a_killed_run(tmp_path):
    repository(tmp_path, 3)
    (tmp_path / ".mlci/out/.mlci-bundle-x/model").mkdir(parents=True)
    run(tmp_path)
    assert not (tmp_path / ".mlci/out/.mlci-bundle-x").exists()


def test_bundle__predictions_in_several_files(tmp_path):
    predict = {"train": "", "predict": "predict: {file: 'p*.csv', decision: p}\n"}
    write(tmp_path, {**files(1, **predict), "p1.csv": predictions(1, 50), "p2.csv": predictions(1, 50, 50)})
    ended = run(tmp_path)
    assert ended.code == 0, ended.err
    assert "no bundle: the predictions are not a single local file" in ended.err


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("part", PARTS)
def test_promote__damaged_bundle(project_with_bundle, tmp_path, part, damage):
    shutil.copytree(project_with_bundle, tmp_path, dirs_exist_ok=True)
    DAMAGE[damage](tmp_path / ".mlci/out/bundle" / part)
    ended = promote(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ("bundle.json" if part == "bundle.sha256" and damage != "missing" else part) in ended.err
    assert state(tmp_path).champion is None
    assert mlci("ledger", "verify", cwd=tmp_path).code == 0


@pytest.mark.parametrize(
    ("change_", "says"),
    [
        (lambda report: report["candidate"].update(predictions="sha256:" + "0" * 64), "other predictions"),
        (lambda report: report["candidate"].update(model=None), "other model files"),
        (lambda report: report["evaluation"].update(fingerprint="sha256:" + "0" * 64), "other rows"),
    ],
)
def test_promote__report_of_another_evaluation(project_with_bundle, tmp_path, change_, says):
    shutil.copytree(project_with_bundle, tmp_path, dirs_exist_ok=True)
    bundle = tmp_path / ".mlci/out/bundle"
    report = json.loads((bundle / "report.json").read_text())
    change_(report)
    reseal(bundle, report)
    ended = promote(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert f"judged {says} than the bundle holds" in ended.err


def test_promote__copy_of_the_repository(project_with_bundle, tmp_path):
    shutil.copytree(project_with_bundle, tmp_path, dirs_exist_ok=True)
    assert promote(tmp_path).report["version"] == 1


def test_promote__bundle_of_another_model(project_with_bundle, tmp_path):
    shutil.copytree(project_with_bundle, tmp_path, dirs_exist_ok=True)
    commit(tmp_path, {"mlci.yml": files(3)["mlci.yml"].replace("model: planted", "model: other")})
    ended = promote(tmp_path)
    assert ended.code == 2
    assert "is of the model `planted`, not `other`" in ended.err
