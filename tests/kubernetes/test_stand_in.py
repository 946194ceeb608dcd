"""The stand-in of `tests/support/kubernetes/stand_in.py` refuses what a real API server does (tests/kubernetes/e2e)."""

import json

import pytest

from mlci.errors import InputError, OutsideError
from mlci.kubernetes.cluster import Cluster
from tests.support.deployments import manifest
from tests.support.kubernetes.stand_in import ApiServer


@pytest.fixture
def server():
    with ApiServer() as found:
        yield found


@pytest.fixture
def cluster(server, tmp_path, monkeypatch):
    return connect(server.kubeconfig, tmp_path, monkeypatch)


def connect(text, folder, monkeypatch):
    (folder / "kubeconfig").write_text(text, "utf-8")
    monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
    return Cluster()


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"predictor": {"minReplica": 1}}},
        {"spec": {"predictor": {"minReplicas": "1"}}},
        {"spec": {"predictor": {"model": {"modelFormat": {"name": None}}}}},
        {"spec": None},
    ],
)
def test_stand_in__refused_manifest(cluster, patch):
    with pytest.raises(InputError, match="the cluster refused"):
        cluster.apply(manifest(patch=patch))
    assert cluster.get(manifest()) is None


def test_stand_in__dry_run_and_fields_that_are_no_longer_named(cluster):
    cluster.apply(manifest(canary=10), dry_run=True)
    assert cluster.get(manifest()) is None
    cluster.apply(manifest(canary=10))
    assert cluster.apply(manifest(), dry_run=True)["spec"] == manifest()["spec"]
    assert cluster.get(manifest())["spec"]["predictor"]["canaryTrafficPercent"] == 10
    cluster.apply(manifest())
    assert cluster.get(manifest())["spec"] == manifest()["spec"]


def test_stand_in__field_of_another_manager(server, cluster):
    path = "/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices/credit-risk"
    theirs = manifest(patch={"spec": {"predictor": {"minReplicas": 2}}})
    server.apply(path, "other", theirs, force=False, dry_run=False)
    ours = manifest(patch={"spec": {"predictor": {"minReplicas": 3}}})
    with pytest.raises(OutsideError, match="another manager owns a field"):
        cluster.apply(ours)
    assert cluster.apply(ours, force=True)["spec"]["predictor"]["minReplicas"] == 3
    assert "minReplicas" not in cluster.apply(manifest())["spec"]["predictor"]


def test_stand_in__another_namespace_and_token(server, cluster, tmp_path, monkeypatch):
    with pytest.raises(OutsideError, match="create the namespace"):
        cluster.apply(manifest(patch={"metadata": {"namespace": "elsewhere"}}))
    config = json.loads(server.kubeconfig)
    config["users"][0]["user"]["token"] = "another"  # noqa: S105
    with pytest.raises(OutsideError, match="not allowed"):
        connect(json.dumps(config), tmp_path, monkeypatch).get(manifest())
