"""Answers of an API server, as errors of mlci. Applying for real is in `tests/kubernetes/e2e`."""

import json
from http.server import BaseHTTPRequestHandler

import pytest

from mlci.errors import InputError, OutsideError
from mlci.kubernetes.cluster import Cluster
from tests.support.local_server import LocalServer

MANIFEST = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "m", "namespace": "models"},
    "spec": {"replicas": 1},
}


class Answering(BaseHTTPRequestHandler):
    """Answers every request with the server's `answer`, and notes it."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.asked.append((self.command, self.path, self.headers.get("Content-Type"), body))
        code, document = self.server.answer
        data = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_PATCH = do_GET  # noqa: N815 - http.server names it

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    with LocalServer(Answering) as found:
        found.asked = []
        yield found


@pytest.fixture
def cluster(server, tmp_path, monkeypatch):
    found = connect(server.server_address[1], tmp_path, monkeypatch)
    yield found
    found.close()


def connect(port, folder, monkeypatch):
    (folder / "kubeconfig").write_text(
        json.dumps(
            {
                "current-context": "one",
                "clusters": [{"name": "one", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
                "users": [{"name": "one", "user": {"token": "t0ken"}}],
            }
        ),
        "utf-8",
    )
    monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
    return Cluster()


def status(code, reason, message="because", **details):
    document = {"apiVersion": "v1", "kind": "Status", "code": code, "reason": reason, "message": message}
    return code, document | ({"details": details} if details else {})


def test_apply__server_side(server, cluster):
    server.answer = (200, MANIFEST)
    assert cluster.apply(MANIFEST, dry_run=True, force=True)["spec"] == {"replicas": 1}
    ((method, path, kind, body),) = server.asked
    assert (method, kind) == ("PATCH", "application/apply-patch+yaml")
    assert path.startswith("/apis/apps/v1/namespaces/models/deployments/m?")
    assert {"fieldManager=mlci", "force=true", "dryRun=All"} <= set(path.partition("?")[2].split("&"))
    assert json.loads(body) == MANIFEST


def test_get__missing_resource_and_missing_kind(server, cluster):
    server.answer = status(404, "NotFound", name="m", kind="deployments")
    assert cluster.get(MANIFEST) is None
    server.answer = status(404, "NotFound", "the server could not find the requested resource")
    with pytest.raises(OutsideError, match="is KServe installed"):
        cluster.get(MANIFEST)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            status(409, "Conflict", 'conflict with "kubectl": .spec.replicas'),
            OutsideError,
            "take it over with `--force`",
        ),
        (status(422, "Invalid", "spec.x: Required value"), InputError, "refused to apply Deployment models/m: spec.x"),
        (status(400, "BadRequest", "field not declared in schema"), InputError, "field not declared in schema"),
        (status(403, "Forbidden", "no rights"), OutsideError, "give the account the rights get and patch"),
        (status(404, "NotFound", 'namespaces "models" not found', name="models"), OutsideError, "create the namespace"),
        (
            status(500, "InternalError", "failed to create typed patch object: .x: field"),
            InputError,
            "refused to apply",
        ),
        (status(500, "InternalError", "etcd is gone"), OutsideError, "the cluster answered 500: etcd is gone"),
    ],
)
def test_apply__refused(server, cluster, answer, error, words):
    server.answer = answer
    with pytest.raises(error, match=words):
        cluster.apply(MANIFEST)


def test_get__no_answer(server, tmp_path, monkeypatch):
    cluster = connect(1, tmp_path, monkeypatch)
    with pytest.raises(OutsideError, match="no answer from the cluster"):
        cluster.get(MANIFEST)


@pytest.mark.parametrize("text", ["", "none", "[1]", "clusters: 1", "clusters: []\ncurrent-context: one"])
def test_cluster__file_is_not_a_kubeconfig(tmp_path, monkeypatch, text):
    (tmp_path / "kubeconfig").write_text(text, "utf-8")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with pytest.raises(InputError, match="no usable kubeconfig"):
        Cluster()


def test_cluster__unknown_context(cluster):
    with pytest.raises(InputError, match="no context `other`"):
        Cluster("other")
