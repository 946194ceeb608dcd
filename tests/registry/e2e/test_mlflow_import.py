"""A `champion` alias that the user set in MLflow is not replaced silently, and can become version 1."""

import pytest
from mlflow import MlflowClient

from tests.support.project import mlci, run
from tests.support.registry.lifecycle import repository
from tests.support.repository import commit

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
CHAMPION = "models:/planted@champion"


@pytest.fixture
def project(tmp_path):
    """A project whose registry is an MLflow without a server, with a champion from before mlci."""
    folder = repository(tmp_path / "project", 1, more="registry: mlflow:sqlite:///mlflow.db\n")
    commit(folder, {".gitignore": ".mlci/\nmodel.txt\ntrained.log\nmlflow.db*\n"})
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db", f"sqlite:///{folder}/mlflow.db")
    experiment = client.create_experiment("theirs", artifact_location=f"{(tmp_path / 'artifacts').as_uri()}")
    run_id = client.create_run(experiment, tags={"mlflow.source.git.commit": "c" * 40}).info.run_id
    client.log_metric(run_id, "auc", 0.75)
    (tmp_path / "model.txt").write_text("2")
    client.log_artifact(run_id, str(tmp_path / "model.txt"), "model")
    client.create_registered_model("planted")
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    client.create_model_version("planted", source, run_id, await_creation_for=0)
    client.set_registered_model_alias("planted", "champion", "1")
    return folder, client


def test_promote__champion_alias_of_the_user(project):
    folder, client = project
    assert run(folder).code == 0
    ended = mlci("promote", cwd=folder)
    assert ended.code == 2
    assert f"{CHAMPION} is MLflow's version 1, which mlci did not make" in ended.err
    assert f"`mlci promote --import {CHAMPION}`" in ended.err
    assert "`--take-alias`" in ended.err
    assert "has no version" in mlci("versions", cwd=folder).out
    assert client.get_registered_model("planted").aliases == {"champion": 1}
    assert mlci("promote", "--take-alias", cwd=folder).code == 0
    number = client.get_registered_model("planted").aliases["champion"]
    assert client.get_model_version("planted", number).tags["mlci.version"] == "1"


def test_import__champion_alias_of_the_user(project):
    folder, client = project
    ended = mlci("promote", "--json", "--import", CHAMPION, cwd=folder)
    assert (ended.code, ended.report["version"], ended.err.count("note:")) == (0, 1, 0), ended.err
    shown = mlci("show", 1, "--json", cwd=folder).report["manifest"]
    assert shown["more"]["imported"]["trained_from"] == "c" * 40
    assert shown["metrics"]["accuracy"] == pytest.approx(0.8)
    assert run(folder).report["baseline"]["version"] == "1"
    number = client.get_registered_model("planted").aliases["champion"]
    assert client.get_model_version("planted", number).tags["mlci.version"] == "1"
    assert mlci("promote", cwd=folder).code == 0
