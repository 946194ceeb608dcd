"""A canary opened, moved and rolled back on a real API server; manifests that it refuses as mlci does."""

import json
import typing

import pytest
from lightkube import Client, KubeConfig
from lightkube.models.core_v1 import Container, PodSpec
from lightkube.resources.apps_v1 import Deployment

from mlci.deploy.structure import Fields, _kinds, structure_problems
from mlci.errors import InputError, OutsideError
from mlci.kubernetes.cluster import Cluster
from tests.support.deployments import CONFIG, manifest, plain, section, serve
from tests.support.kubernetes import real_server
from tests.support.project import mlci


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory):
    with real_server.running(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def cluster(kubeconfig, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    found = Cluster()
    yield found
    found.close()


@pytest.fixture
def served(tmp_path):
    return serve(tmp_path)


def deploy(folder, kubeconfig, *words):
    return mlci("deploy", *words, cwd=folder, KUBECONFIG=str(kubeconfig))


def test_canary__opened_moved_and_rolled_back(served, kubeconfig, cluster):
    def live():
        found = cluster.get({**manifest(), "metadata": {"name": "model", "namespace": "models"}})
        return found["metadata"]["annotations"]["mlci/version"], found["spec"]["predictor"].get("canaryTrafficPercent")

    refused = deploy(served, kubeconfig, "apply", "--version", "1", "--canary", "10")
    assert (refused.code, "no traffic can be split" in refused.err) == (2, True)
    assert deploy(served, kubeconfig, "apply", "--version", "1").code == 0
    assert live() == ("1", None)
    dry = deploy(served, kubeconfig, "diff", "--canary", "10")
    assert "+ spec.predictor.canaryTrafficPercent: 10" in dry.out.splitlines()
    assert live() == ("1", None)
    for share in (10, 50):
        done = deploy(served, kubeconfig, "apply", "--canary", str(share))
        assert done.code == 0, done.err
        assert f"version 2 takes {share} % of the traffic" in done.out
        assert live() == ("2", share)
    assert deploy(served, kubeconfig, "apply").code == 0
    assert live() == ("2", None)
    assert deploy(served, kubeconfig, "diff").out == "no difference\n"
    back = deploy(served, kubeconfig, "rollback", "--reason", "errors doubled")
    assert back.code == 0, back.err
    assert live() == ("1", None)
    assert json.loads(mlci("versions", "--json", cwd=served).out)["champion"] == 1


def test_deployment__applied(served, kubeconfig, cluster):
    text = f"  deployment: {{image: 'a.example.org/b@sha256:{'0' * 64}', replicas: 2}}\n"
    (served / "mlci.yml").write_text(CONFIG.replace("  kserve: {format: sklearn}\n", text), "utf-8")
    assert deploy(served, kubeconfig, "apply").code == 0
    found = cluster.get(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "model", "namespace": "models"}}
    )
    assert found["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("one", "patch"),
    [
        (section(), {"spec": {"predictor": {"minReplica": 1}}}),
        (section(), {"spec": {"predictor": {"timeout": "60"}}}),
        (section(), {"spec": {"predictor": {"tolerations": {}}}}),
        (section(), {"spec": {"predictor": {"model": {"modelFormat": {"name": None}}}}}),
        (plain(), {"spec": {"replicas": "two"}}),
        (plain(), {"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}}),
    ],
)
def test_apply__refused_by_mlci_and_by_the_server(cluster, one, patch):
    wrong = manifest(one, patch=patch)
    assert structure_problems(wrong)
    with pytest.raises(InputError, match="the cluster refused"):
        cluster.apply(wrong, dry_run=True)


def test_apply__field_of_another_manager(cluster, kubeconfig):
    theirs = manifest(plain(replicas=2), patch={"metadata": {"name": "shared"}})
    with Client(KubeConfig.from_file(kubeconfig), field_manager="other") as other:
        other.apply(Deployment.from_dict(theirs))
    ours = manifest(plain(replicas=3), patch={"metadata": {"name": "shared"}})
    with pytest.raises(OutsideError, match="another manager owns a field"):
        cluster.apply(ours)
    assert cluster.apply(ours, force=True)["spec"]["replicas"] == 3


def test_kserve_fields__as_in_its_definition():
    """Each field that mlci adds to the pod's for KServe is in KServe's own definition, with its type."""
    version = real_server.kserve_definition()["spec"]["versions"][0]
    assert version["name"] == "v1beta1"
    names = {str: "string", int: "integer", bool: "boolean", dict: "object", list: "array"}

    pod_fields = typing.get_type_hints(PodSpec).keys() | typing.get_type_hints(Container).keys()

    def compare(ours, theirs, path):
        for name in ours.keys() - pod_fields:
            kind = ours[name]
            place = f"{path}.{name}"
            assert name in theirs, place
            if isinstance(kind, Fields):
                compare(kind, theirs[name]["properties"], place)
                continue
            expected = names.get(typing.get_origin(kind) or kind)
            if expected and "type" in theirs[name]:
                assert theirs[name]["type"] == expected, place

    spec = _kinds()["serving.kserve.io/v1beta1 InferenceService"]["spec"]
    compare(spec, version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"], "spec")
