"""`mlci fetch` and `mlci run --fetched` with MLflow: the run makes no request and shows the planted change."""

import json

import pytest

from tests.support.project import change, expected_change, holdout, mlci
from tests.support.registry.lifecycle import files, promote_run
from tests.support.registry.proxy import Proxy
from tests.support.repository import commit, init
from tests.support.workflow_commands import read_pairs

IGNORED = ".mlci/\nmodel.txt\ntrained.log\n"


@pytest.fixture
def proxy(mlflow_service):
    """A proxy before the server, which records every request."""
    return Proxy(mlflow_service.port)


@pytest.fixture
def project(tmp_path, proxy, mlflow_place):
    """A champion that is wrong on three rows of ten, in MLflow, and a candidate that is wrong on one."""
    folder = tmp_path / "project"
    contents = files(3, more=f"registry: mlflow:http://127.0.0.1:{proxy.port}\n")
    contents["mlci.yml"] = contents["mlci.yml"].replace("model: planted", f"model: {mlflow_place}planted")
    init(folder)
    commit(folder, {".gitignore": IGNORED, **contents})
    assert promote_run(folder) == 1
    commit(folder, {"k.txt": "1"})
    return folder


def fetch(project, tmp_path) -> str:
    outputs = tmp_path / "outputs.txt"
    outputs.write_text("")
    done = mlci("fetch", cwd=project, GITHUB_OUTPUT=str(outputs))
    assert done.code == 0, done.err
    assert "fetched version 1 from mlflow:http://" in done.out
    return read_pairs(outputs)["fetched"]


def offline(project, digest):
    return mlci("run", "--json", "--fetched", digest, cwd=project)


def test_fetched_run__mlflow_makes_no_request(project, tmp_path, proxy):
    digest = fetch(project, tmp_path)
    asked = len(proxy.seen)
    assert asked > 0
    ended = offline(project, digest)
    assert change(ended) == expected_change(3, 1), ended.err
    assert ended.report["baseline"]["version"] == "1"
    assert len(proxy.seen) == asked


def test_fetched_run__mlflow_moved_rows(project, tmp_path):
    commit(project, {"holdout.csv": holdout(60, first=500)})
    ended = offline(project, fetch(project, tmp_path))
    assert change(ended)[2] == pytest.approx(0.2), ended.err
    assert any("its own model scored the new rows" in note for note in ended.report["notes"])


def test_fetched_run__mlflow_copy_changed_since(project, tmp_path):
    digest = fetch(project, tmp_path)
    index = project / ".mlci/fetched/copy.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "tail": 0, "entries": {}, "witness": None}))
    ended = offline(project, digest)
    assert (ended.code, ended.out) == (4, "")
    assert "something wrote to it since" in ended.err
