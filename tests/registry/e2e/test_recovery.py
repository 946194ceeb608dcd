"""Backup, restore and drill on real servers, with processes killed and objects damaged."""

import shutil
import uuid

import pytest

from mlci.registry.stores.folder import FolderStore
from mlci.registry.verification import verify_registry
from tests.registry.e2e.mlflow_server import open_store
from tests.support.project import mlci
from tests.support.registry.buckets import S3
from tests.support.registry.histories import promote_versions, sha
from tests.support.registry.killed import DEAD, ENDED, Deaths
from tests.support.registry.lifecycle import MODEL, champion, promote_run, repository, store
from tests.support.repository import commit


def is_kept(key):
    """Return whether an object belongs to the registry; probes do not."""
    return key.split("/")[3] != "tmp"


def registry_bytes(bucket):
    return {key: bucket.get(key) for key in filter(is_kept, bucket.keys())}


def test_drill__objects_deleted_and_corrupted_on_s3(tmp_path, s3, s3_port):
    """The registry and its backup are two buckets; the registry loses objects, and gets every byte back."""
    project = repository(tmp_path / "project", 3, more=f"registry: {s3.url}\n")
    backup = S3(s3_port, f"backup-{uuid.uuid4().hex}", key="OTHER", secret="another").made()
    own = {f"MLCI_BACKUP_{name}": value for name, value in backup.environment.items()}
    here = {**s3.environment, **own}
    assert promote_run(project, **here) == 1
    commit(project, {"k.txt": "1"})
    assert promote_run(project, **here) == 2
    done = mlci("backup", backup.url, "--json", cwd=project, **here)
    assert (done.code, done.report["entries"], done.report["faults"]) == (0, 2, [])
    whole = registry_bytes(s3)
    assert registry_bytes(backup) == whole
    files = sorted(key for key in whole if "/files/" in key)
    model = f"pre/fix/{MODEL}/files/{sha(b'1')[:2]}/{sha(b'1')}"
    s3.put(model, b"9")  # the champion's model, by another one of the same size
    for key in files[::2]:
        if key != model:
            s3.delete(key)
    s3.delete(f"pre/fix/{MODEL}/ledger/000000001.json")
    s3.delete(f"pre/fix/{MODEL}/witness.json")
    assert mlci("ledger", "verify", "--files", cwd=project, **here).code == 4
    drill = mlci("drill", backup.url, "--json", cwd=project, **here)
    assert (drill.code, drill.report["version"], drill.report["scored"]["agreement"]) == (0, 2, "identical")
    back = mlci("restore", backup.url, "--json", cwd=project, **here)
    assert (back.code, back.report["entries"], back.report["replaced"]) == (0, 1, 1)
    assert registry_bytes(s3) == whole
    assert mlci("ledger", "verify", "--files", cwd=project, **here).code == 0


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
def test_backup__mlflow_to_folder_to_mlflow(tmp_path, mlflow_service, mlflow_place):
    """The bytes of every entry and file come back, under another model's name."""
    first = open_store(mlflow_service.uri, f"{mlflow_place}planted")
    promote_versions(first, tmp_path, 3)
    project = repository(tmp_path / "project", 3, more=f"registry: mlflow:{mlflow_service.uri}\n")
    text = (project / "mlci.yml").read_text()
    (project / "mlci.yml").write_text(text.replace(f"model: {MODEL}", f"model: {mlflow_place}planted"))
    out = mlci("backup", tmp_path / "folder", "--json", cwd=project)
    assert (out.code, out.report["entries"]) == (0, 3), out.err
    folder = FolderStore(tmp_path / "folder", f"{mlflow_place}planted")
    verify_registry(folder, contents=True)
    assert list(folder.read_to(3)) == list(first.read_to(3))
    first.remove()
    for file in list(first.files()):
        first.delete_file(file.digest)
    assert open_store(mlflow_service.uri, f"{mlflow_place}planted").tail() == 0
    back = mlci("restore", tmp_path / "folder", "--json", cwd=project)
    assert (back.code, back.report["entries"], back.report["files"]) == (0, 3, out.report["files"]), back.err
    second = open_store(mlflow_service.uri, f"{mlflow_place}planted")
    verify_registry(second, contents=True)
    assert list(second.read_to(3)) == list(folder.read_to(3))
    assert {file.digest: file.bytes for file in second.files()} == {file.digest: file.bytes for file in folder.files()}


def test_backup__process_killed_at_every_write(tmp_path):
    """By SIGKILL, also in the middle of a write; each backup that follows is complete."""
    project = champion(tmp_path / "project", 3)
    backup, deaths = tmp_path / "backup", Deaths()
    try:
        known = deaths.run(project, "backup", str(backup), below=backup)
        assert (known["how"], known["code"]) == (ENDED, 0)
        assert known["count"] > 50
        for at in range(1, known["count"] + 1):
            shutil.rmtree(backup)
            assert deaths.run(project, "backup", str(backup), below=backup, at=at, half=at % 2 == 0)["how"] in {
                DEAD,
                ENDED,
            }
            again = mlci("backup", backup, "--files", "--json", cwd=project)
            assert (again.code, again.report["number"]) == (0, 1), again.err
            copy = FolderStore(backup, MODEL)
            verify_registry(copy, contents=True)
            assert copy.read_checkpoint() == store(project).read_checkpoint()
    finally:
        deaths.close()
