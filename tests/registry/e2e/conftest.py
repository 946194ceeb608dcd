"""Servers that several modules use."""

import os
import uuid

import pytest

from tests.registry.e2e import google_front, mlflow_server
from tests.registry.e2e.google import Google


@pytest.fixture(scope="session")
def mlflow_service(tmp_path_factory):
    """MLflow's server, one for the session: it takes half a minute to start."""
    with mlflow_server.serving(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture
def mlflow_place(mlflow_service):
    """An unused part of the server: every model's name begins with this."""
    return f"t{uuid.uuid4().hex[:8]}-"


@pytest.fixture(scope="session")
def google_server():
    """The port to ask, and the server behind it."""
    with google_front.running() as found:
        yield found


@pytest.fixture
def google(google_server):
    """A fresh bucket."""
    port, server = google_server
    return Google(port, f"bucket-{uuid.uuid4().hex}", server=server).made()


@pytest.fixture(autouse=True)
def environment():
    """MLflow's settings end with the test."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
