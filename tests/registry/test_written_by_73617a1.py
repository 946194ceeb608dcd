"""A registry, a bundle and a report that commit 73617a1 wrote are read, verified and built on by every command."""

import json
import shutil
from pathlib import Path

import pytest

from mlci.registry import ledger, verification
from mlci.registry.stores.folder import FolderStore
from tests.registry.written_by_73617a1.make import MODEL, repository
from tests.support.project import mlci
from tests.support.registry.lifecycle import bodies
from tests.support.repository import commit

HERE = Path(__file__).parent / "written_by_73617a1"
KINDS = [
    *["verdict", "promotion"] * 2,
    *["rescored", "verdict", "promotion", "reproduced", "rollback", "rescored", "verdict"],
]


@pytest.fixture
def project(tmp_path):
    """A checkout of that project, with a copy of its registry and of what its last run left."""
    folder = repository(tmp_path / "project")
    shutil.copytree(HERE / "registry", folder / ".mlci/registry")
    shutil.copytree(HERE / "out", folder / ".mlci/out")
    return folder


def test_ledger__written_by_73617a1(project):
    verified = verification.verify_ledger(FolderStore(project / ".mlci/registry", MODEL))
    assert [entry.body.kind for entry in verified.seen] == KINDS
    assert verified.findings == ()
    assert mlci("ledger", "verify", "--files", cwd=project).out.startswith(
        "the ledger is whole: 11 entries, 3 versions, "
    )
    log = mlci("ledger", "log", cwd=project)
    assert (log.code, len(log.out.splitlines())) == (0, 11)
    assert "ada: rolled back from version 3 to 2: scores drift" in log.out


def test_versions_and_show__written_by_73617a1(project):
    rows = mlci("versions", "--json", cwd=project).report["versions"]
    assert [(row["version"], row["production"], row["rolled_back"]) for row in rows] == [
        (3, False, "scores drift"),
        (2, True, None),
        (1, False, None),
    ]
    assert rows[2]["note"] == "the first one"
    for number, accuracy in ((1, 0.6), (2, 0.7), (3, 0.8)):
        manifest = mlci("show", number, "--json", cwd=project).report["manifest"]
        assert manifest["metrics"]["accuracy"] == pytest.approx(accuracy)
    rows = {row["metric"]: row for row in mlci("diff", 2, 3, "--json", cwd=project).report["metrics"]}
    assert (rows["accuracy"]["a"], rows["accuracy"]["b"]) == pytest.approx((0.7, 0.8))


def test_rollback__written_by_73617a1(project):
    ended = mlci("rollback", "--json", "--to", 1, "--reason", "older still", cwd=project)
    assert (ended.code, ended.report["version"], ended.report["entry"]) == (0, 1, 12)
    assert mlci("ledger", "verify", "--files", cwd=project).code == 0


def test_promote__bundle_written_by_73617a1(project):
    ended = mlci("promote", "--json", cwd=project)
    assert ended.code == 0, ended.err
    assert (ended.report["version"], ended.report["replaced"]) == (4, 2)
    assert mlci("ledger", "verify", "--files", cwd=project).code == 0
    assert bodies(project)[10].kind == "verdict"


def test_report__written_by_73617a1(project):
    ended = mlci("report", ".mlci/out/report.json", cwd=project)
    assert ended.code == 0, ended.err
    assert json.loads((HERE / "out/report.json").read_text())["verdict"] == "pass"


def test_promote__the_next_version_after_73617a1(project):
    commit(project, {"k.txt": "0"})
    ran = mlci("run", "--record", "--json", cwd=project)
    assert (ran.code, ran.report["baseline"]["version"]) == (0, "2"), ran.err
    assert mlci("promote", "--json", cwd=project).report["version"] == 4
    end = ledger.read_ledger_head(FolderStore(project / ".mlci/registry", MODEL))
    assert (end.state.champion, end.state.versions) == (4, 4)
