"""`mlci demo`: every outcome, and the same bytes on one core, in another process, without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from mlci.report import document
from tests.support.project import mlci
from tests.support.repository import ENVIRONMENT, commit, git, init

SCHEMA = json.loads(Path(document.__file__).with_name("schema.json").read_text())
NO_NETWORK = """\
import socket
def refuse(*a, **k):
    raise OSError("no network here")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = init(tmp_path_factory.mktemp("demo"))
    commit(folder, {"a.txt": "1"})
    return folder


@pytest.fixture(scope="module")
def shown(repository):
    """The demo in a repository, on all cores."""
    return mlci("demo", cwd=repository)


def read_report(folder):
    return json.loads((folder / "report.json").read_text())


def test_demo__inside_a_repository(repository, shown):
    assert shown.code == 0
    assert set(read_report(repository / ".mlci/demo")["candidate"].values()) == {None}
    assert git(repository, "status", "--porcelain") == ""


def test_demo__passed_and_inconclusive(repository, shown):
    report = read_report(repository / ".mlci/demo")
    assert {gate["outcome"] for gate in report["gates"]} == {"passed", "inconclusive"}
    assert all(gate["rows_needed"] for gate in report["gates"] if gate["outcome"] == "inconclusive")
    assert os.fspath(repository) not in json.dumps(report)


def test_demo__regress(tmp_path):
    broken = mlci("demo", "--out", tmp_path / "a b", "--regress", "--json", cwd=tmp_path)
    assert broken.code == 1
    jsonschema_rs.validate(SCHEMA, broken.report)
    assert broken.report == read_report(tmp_path / "a b")
    assert broken.report["verdict"] == "block"
    assert "failed" in {gate["outcome"] for gate in broken.report["gates"]}
    assert os.fspath(tmp_path) not in broken.out


def test_demo__same_bytes_without_a_network(repository, shown, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    ended = subprocess.run(
        [sys.executable, "-m", "mlci", "demo"],
        cwd=tmp_path,
        env={**ENVIRONMENT, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == shown.out
    comments = [(folder / ".mlci/demo/comment.md").read_bytes() for folder in (tmp_path, repository)]
    assert comments[0] == comments[1]
    one, all_cores = (read_report(folder / ".mlci/demo") for folder in (tmp_path, repository))
    one["provenance"]["seconds"] = all_cores["provenance"]["seconds"] = None
    assert one["cost"].pop("seconds") > 0
    assert all_cores["cost"].pop("seconds") > 0
    assert one == all_cores
