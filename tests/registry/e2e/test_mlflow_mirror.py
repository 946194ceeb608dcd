"""The view of MLflow's users: the model's own name, with the champion's files behind an alias."""

import json
import threading
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mlci.registry import ledger, stored_files
from mlci.registry.entry_kinds import Promotion, Rollback
from mlci.registry.manifest import Data, Environment, Manifest, Predictions, Recipe, VersionFile
from mlci.registry.registry import Registry
from mlci.registry.stores.mlflow import aliases as mlflow_aliases
from tests.registry.e2e.mlflow_server import open_store
from tests.support.project import change, expected_change, mlci, run
from tests.support.registry.histories import sha, stamp
from tests.support.registry.lifecycle import promote_run, repository
from tests.support.repository import commit

ROWS = "sha256:rows"

# Of MLflow's own, on a database without a server: SQLAlchemy 2.1 says so once, while the tables are described.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture
def model(mlflow_place):
    return f"{mlflow_place}credit"


@pytest.fixture
def store(mlflow_service, model):
    return open_store(mlflow_service.uri, model)


@pytest.fixture
def client(mlflow_service):
    return MlflowClient(mlflow_service.uri, mlflow_service.uri)


def file(store, room: Path, name: str, data: bytes) -> VersionFile:
    (room / "loose").write_bytes(data)
    store.put(room / "loose", sha(data))
    return VersionFile(name=name, digest=sha(data), bytes=len(data))


def promote(store, room: Path, number: int, files: dict[str, bytes]) -> None:
    """Promote a version with these files."""
    one = file(store, room, "one", b"one")
    manifest = Manifest(
        model=store.model,
        version=number,
        files=tuple(file(store, room, name, data) for name, data in files.items()),
        predictions=Predictions(fingerprint=ROWS, file=one),
        report=one,
        recipe=Recipe(commit="c" * 40, config_path="mlci.yml", config=one, seed=7),
        environment=Environment(python="3.11", platform="x"),
        data=Data(fingerprint=ROWS, rows=1),
    )
    digest = stored_files.describe(store, json.dumps(manifest.model_dump(mode="json")).encode())

    def decide(state):
        return Promotion(version=number, manifest=digest, replaced=state.champion)

    assert Registry(store, stamp()).append(decide) is not None


def back(store, version: int) -> None:
    Registry(store, stamp()).append(
        lambda state: Rollback(version=version, replaced=state.champion, reason="it was better")
    )


def aliases(client, model) -> dict[str, str]:
    """Our versions by alias."""
    found = client.get_registered_model(model).aliases
    return {alias: client.get_model_version(model, number).tags.get("mlci.version") for alias, number in found.items()}


def contents(client, model, room: Path) -> dict[str, bytes]:
    """Download the champion as MLflow's users do."""
    version = client.get_model_version_by_alias(model, "champion")
    folder = Path(client.download_artifacts(version.run_id, "model", str(room)))
    assert version.source.endswith("/model")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_mirror_champion__before_the_first_promotion(store, client, model):
    assert mlflow_aliases.mirror_champion(store) is None
    assert [found.name for found in client.search_registered_models(f"name LIKE '{model}%'")] == []


def test_mirror_champion__files_under_their_names(store, client, model, tmp_path):
    files = {"model.onnx": b"weights", "vocabulary/words.txt": b"a b c", "empty": b""}
    promote(store, tmp_path, 1, files)
    mirrored = mlflow_aliases.mirror_champion(store)
    assert mirrored == mlflow_aliases.Mirrored(name=model, champion=(1, 1), challenger=(None, None))
    assert mlflow_aliases.mirror_champion(store) == mirrored
    (tmp_path / "room").mkdir()
    assert contents(client, model, tmp_path / "room") == files
    assert "commit cccc" in client.get_model_version(model, "1").description


def test_mirror_champion__aliases_after_promotion_and_rollback(store, client, model, tmp_path):
    promote(store, tmp_path, 1, {"m": b"1"})
    promote(store, tmp_path, 2, {"m": b"2"})
    mlflow_aliases.mirror_champion(store)
    assert aliases(client, model) == {"champion": "2"}
    back(store, 1)
    mlflow_aliases.mirror_champion(store)
    assert aliases(client, model) == {"champion": "1", "challenger": "2"}
    promote(store, tmp_path, 3, {"m": b"3"})
    mlflow_aliases.mirror_champion(store)
    assert aliases(client, model) == {"champion": "3"}


def test_mirror_champion__keeps_versions_of_the_user(store, client, model, tmp_path):
    client.create_registered_model(model, tags={"team": "credit"})
    client.create_model_version(model, "s3://bucket/own", await_creation_for=0)
    client.set_registered_model_alias(model, "challenger", "1")
    client.set_registered_model_alias(model, "shadow", "1")
    promote(store, tmp_path, 1, {"m": b"1"})
    assert mlflow_aliases.mirror_champion(store).champion == (1, 2)
    assert client.get_registered_model(model).aliases == {"challenger": "1", "shadow": "1", "champion": "2"}


def test_mirror_champion__repairs_changed_aliases(store, client, model, tmp_path):
    promote(store, tmp_path, 1, {"m": b"1"})
    promote(store, tmp_path, 2, {"m": b"2"})
    back(store, 1)
    mlflow_aliases.mirror_champion(store)
    client.set_registered_model_alias(model, "champion", client.get_registered_model(model).aliases["challenger"])
    client.delete_registered_model_alias(model, "challenger")
    mlflow_aliases.mirror_champion(store)
    assert aliases(client, model) == {"champion": "1", "challenger": "2"}
    client.delete_registered_model(model)
    mlflow_aliases.mirror_champion(store)
    assert aliases(client, model) == {"champion": "1", "challenger": "2"}
    assert ledger.read_ledger_head(store).state.champion == 1


def test_mirror_champion__slow_mirror_keeps_the_newer_champion(
    store, client, model, mlflow_service, tmp_path, monkeypatch
):
    promote(store, tmp_path, 1, {"m": b"1"})
    real, reached = mlflow_aliases._alias, []

    def late(slow, name, wanted):
        if not reached:
            reached.append(wanted)
            faster = open_store(mlflow_service.uri, model)
            promote(faster, tmp_path, 2, {"m": b"2"})
            mlflow_aliases.mirror_champion(faster)
            assert aliases(client, model) == {"champion": "2"}
        real(slow, name, wanted)

    monkeypatch.setattr(mlflow_aliases, "_alias", late)
    assert mlflow_aliases.mirror_champion(store).champion[0] == 2
    assert aliases(client, model) == {"champion": "2"}


def test_mirror_champion__many_at_once(store, client, model, mlflow_service, tmp_path):
    promote(store, tmp_path, 1, {"m": b"1"})
    shown = []
    threads = [
        threading.Thread(
            target=lambda: shown.append(mlflow_aliases.mirror_champion(open_store(mlflow_service.uri, model)))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shown) == 4
    assert len(set(shown)) == 1
    assert aliases(client, model) == {"champion": "1"}


def test_lifecycle__mlflow_command_line(tmp_path, mlflow_service, client, mlflow_place):
    written = f"registry: mlflow:{mlflow_service.uri}\n"
    project = repository(tmp_path / "project", 3, more=written)
    config = project / "mlci.yml"
    commit(project, {"mlci.yml": config.read_text().replace("model: planted", f"model: {mlflow_place}planted")})
    assert promote_run(project) == 1
    commit(project, {"k.txt": "1"})
    ended = run(project)
    assert change(ended) == expected_change(3, 1)
    assert ended.report["baseline"]["version"] == "1"
    assert promote_run(project) == 2
    assert aliases(client, f"{mlflow_place}planted") == {"champion": "2"}
    commit(project, {"k.txt": "4"})
    assert run(project, "--record").code == 1
    assert mlci("promote", cwd=project).code == 1
    done = mlci("rollback", "--reason", "it drifts", "--json", cwd=project)
    assert (done.code, done.report["version"], done.err) == (0, 1, "")
    assert aliases(client, f"{mlflow_place}planted") == {"champion": "1", "challenger": "2"}
    assert mlci("ledger", "verify", "--files", cwd=project).code == 0
    assert mlci("versions", "--json", cwd=project).report["champion"] == 1


def test_lifecycle__mlflow_without_a_server(tmp_path):
    project = repository(tmp_path / "project", 3, more="registry: mlflow:sqlite:///mlflow.db\n")
    commit(project, {".gitignore": ".mlci/\nmodel.txt\ntrained.log\nmlflow.db*\n"})
    assert promote_run(project) == 1
    commit(project, {"k.txt": "1"})
    assert change(run(project)) == expected_change(3, 1)
    assert (project / "mlflow.db.artifacts").is_dir()
    assert not (project / "mlruns").exists()
