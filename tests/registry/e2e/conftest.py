"""Servers that several modules ask for."""

import os
import uuid

import pytest

from tests.registry.e2e import mlflow_server


@pytest.fixture(scope="session")
def mlflow_service(tmp_path_factory):
    """MLflow's server, one for the session: it takes half a minute to start."""
    with mlflow_server.serving(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture
def mlflow_place(mlflow_service):
    """Part of the server that nobody used: every model's name begins with this."""
    return f"t{uuid.uuid4().hex[:8]}-"


@pytest.fixture(autouse=True)
def environment():
    """MLflow's settings end with the test."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
