"""A repository whose model is in production, a cluster, and buckets of an S3 server."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.after_merge.cluster import Served
from tests.e2e.machine import ROOT
from tests.e2e.workflows.loop import Loop
from tests.e2e.workflows.world import World
from tests.support.kubernetes import real_server
from tests.support.kubernetes.stand_in import ApiServer
from tests.support.registry.buckets import S3


@pytest.fixture
def loop(tmp_path, scenario):
    """A repository with the workflows of the templates, which is its own registry."""
    with World(tmp_path / "world", production=True) as world:
        yield Loop(world, scenario)


@pytest.fixture
def cluster(tmp_path) -> Iterator[Served]:
    """The API server that MLCI_KUBE_APISERVER names, as in tests/kubernetes/e2e; without it the stand-in."""
    if os.environ.get("MLCI_KUBE_APISERVER"):
        with real_server.running(tmp_path) as path:
            yield Served(path.read_text("utf-8"))
    else:
        with ApiServer() as server:
            yield Served(server.kubeconfig)


@pytest.fixture(scope="session")
def s3_port():
    """The port of moto's S3 server, one for the session."""
    command = [sys.executable, "-m", "tests.support.registry.s3_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()


@pytest.fixture
def s3(s3_port):
    """Return a function that makes a bucket of a name."""
    return lambda name: S3(s3_port, name, prefix="models").made()
