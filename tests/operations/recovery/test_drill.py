"""`mlci drill`: the champion comes back from the backup alone, and every difference is found."""

import json
import math
import re

import pytest

from mlci.operations.recovery.copy_registry import CopyResult
from mlci.operations.recovery.drill import DrillResult, ScoredAgain, record_drill
from mlci.operations.recovery.lag import BackupLag, measure_lag
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from tests.support.project import PREDICT, holdout, mlci
from tests.support.registry.histories import Memory, stamp, verdict
from tests.support.registry.lifecycle import manifest, promote_run, repository, store
from tests.support.repository import commit

SHIFTED = PREDICT.replace("% 10 < k", "% 10 < k + int(os.environ.get('SHIFT', 0))")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A champion with one entry after it, and its backup in `backup` beside the project."""
    folder = repository(tmp_path_factory.mktemp("drill") / "project", 2)
    commit(folder, {"predict.py": SHIFTED})
    assert promote_run(folder) == 1
    Registry(store(folder), stamp()).append(lambda _: verdict())
    assert mlci("backup", "../backup", cwd=folder).code == 0
    return folder


def drill(folder, *more, **environment):
    done = mlci("drill", "../backup", "--json", *more, cwd=folder, **environment)
    return done.code, json.loads(done.out) if done.out else done.err


def test_drill__registry_is_gone(project):
    away = (project / ".mlci/registry").rename(project / ".mlci/away")
    try:
        code, found = drill(project)
    finally:
        away.rename(project / ".mlci/registry")
    assert (code, found["version"], found["scored"]["agreement"]) == (0, 1, "identical")
    assert found["lag"]["unknown"] == "it ends at entry 0, before its backup"
    assert found["exposed_seconds"] > 0
    assert not (project / "trained.log").read_text().split()[1:]  # nothing was trained


def test_drill__predictions_differ(project):
    code, found = drill(project, SHIFT="1")
    assert (code, found["scored"]["agreement"]) == (1, "different")
    assert found["scored"]["differing"] == [10, ["12", "2", "22", "32", "42", "52", "62", "72", "82", "92"]]
    assert found["scored"]["metrics"]["accuracy"] == [pytest.approx(0.8), pytest.approx(0.7)]
    shown = mlci("drill", "../backup", cwd=project, SHIFT="1").out
    assert "10 rows decided differently: 12, 2, 22" in shown
    assert "accuracy: 0.8 stored, 0.7 now" in shown


def test_drill__model_lost_from_the_backup(project):
    """The version is retrained; the lost file is reported all the same."""
    (file,) = manifest(project)["files"]
    path = project.parent / "backup/planted/files" / file["digest"][:2] / file["digest"]
    data = path.read_bytes()
    path.unlink()
    try:
        code, found = drill(project)
    finally:
        path.write_bytes(data)
    assert code == 4
    assert (found["scored"]["agreement"], found["scored"]["retrained"]) == ("identical", True)
    assert "`model.txt` of version 1 is missing" in found["copied"]["faults"][0]


def test_drill__evaluation_set_moved(project):
    commit(project, {"holdout.csv": holdout(60, first=500)})
    try:
        code, found = drill(project)
    finally:
        commit(project, {"holdout.csv": holdout()})
    assert (code, found["scored"]["agreement"]) == (0, "not compared")
    assert "the evaluation set moved since" in found["scored"]["where"]


def test_drill__backup_misses_entries(project):
    Registry(store(project), stamp(now=lambda: "2026-05-02T10:00:00+00:00")).append(lambda _: verdict("sha256:late"))
    done = mlci("drill", "../backup", "--max-age", "1d", cwd=project)
    assert done.code == 1
    assert "the registry has 1 later entry, the first of 2026-05-02T10:00:00+00:00" in done.out
    assert "older than --max-age 1d" in done.out
    assert mlci("drill", "../backup", "--max-age", "soon", cwd=project).code == 2


def test_drill__backup_damaged(project):
    """A file with other bytes is not restored; the champion's own record stops the drill."""
    copy = project.parent / "backup/planted/ledger/000000001.json"
    data = copy.read_bytes()
    copy.write_bytes(data.replace(b'"promotion"', b'"demotion"'))
    try:
        code, error = drill(project)
    finally:
        copy.write_bytes(data)
    assert code == 4
    assert "entry 1" in error


def test_drill__is_recorded_and_shown(project):
    before = mlci("ledger", "verify", cwd=project)
    assert (before.code, "last drill" in before.out) == (0, False)
    code, found = drill(project, "--record")
    newest = json.loads(mlci("ledger", "log", "--json", cwd=project).out)[-1]
    assert (code, newest["number"], newest["state"]["drilled"]) == (0, newest["number"], newest["number"])
    assert newest["body"] == {
        "kind": "drilled",
        "entry": 2,
        "digest": found["copied"]["digest"],
        "newest_at": found["copied"]["newest_at"],
        "version": 1,
        "agreement": "identical",
        "retrained": False,
        "seconds": math.ceil(found["total_seconds"]),
    }
    shown = " ".join(mlci("ledger", "verify", cwd=project).out.split())
    assert re.search(
        r"last drill: [\d.]+ s ago, version 1, identical; the newest state that it restored is entry 2,", shown
    )
    assert "restored a backup that ends at entry 2" in mlci("ledger", "log", cwd=project).out


def test_record_drill__of_another_registry():
    other = Memory()
    Registry(other, stamp()).append(lambda _: verdict("sha256:other"))
    copied = CopyResult(source="backup", target="here", number=1, digest="0" * 64, newest_at="2026-05-01T00:00:00Z")
    result = DrillResult(copied=copied, version=1, scored=ScoredAgain(agreement="identical"), seconds={})
    with pytest.raises(CorruptError, match="entry 1 is not the one that the anchor names"):
        record_drill(Registry(other, stamp()), result)
    assert other.tail() == 1


def test_measure_lag__entries_since():
    registry = Memory()
    for hour in (1, 2, 3):
        Registry(registry, stamp(now=lambda at=hour: f"2026-05-01T0{at}:00:00+00:00")).append(lambda _: verdict())
    assert measure_lag(registry, 3) == BackupLag()
    assert measure_lag(registry, 1) == BackupLag(entries=2, since="2026-05-01T02:00:00+00:00")
    assert "ends at entry 3" in measure_lag(registry, 4).unknown
    registry.kept[2] = b"{}"
    assert "entry 2 is damaged" in measure_lag(registry, 1).unknown
