"""A Kubernetes API server of our own: etcd and kube-apiserver as processes, with KServe's resource definition.

`MLCI_KUBE_APISERVER` is the path of the binary, `MLCI_ETCD` that of etcd (by default on the search path), and
`MLCI_KSERVE_CRD` KServe's file `serving.kserve.io_inferenceservices.yaml`.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx2
from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.core_v1 import Namespace
from ruamel.yaml import YAML

PATIENCE = 120


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def running(folder: Path):
    """Start both processes and yield the path of a kubeconfig."""
    peer, client, port = free_port(), free_port(), free_port()
    addresses = [f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"]
    (folder / "tokens.csv").write_text('t0ken,admin,admin,"system:masters"\n', "utf-8")
    key = folder / "service-account.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    etcd = [os.environ.get("MLCI_ETCD") or shutil.which("etcd") or "etcd", "--data-dir", str(folder / "etcd")]
    etcd += ["--listen-client-urls", addresses[0], "--advertise-client-urls", addresses[0]]
    etcd += ["--listen-peer-urls", addresses[1], "--initial-advertise-peer-urls", addresses[1]]
    etcd += ["--initial-cluster", f"default={addresses[1]}"]
    server = [os.environ["MLCI_KUBE_APISERVER"], "--etcd-servers", addresses[0], "--secure-port", str(port)]
    server += ["--cert-dir", str(folder / "certificates"), "--bind-address", "127.0.0.1"]
    server += ["--token-auth-file", str(folder / "tokens.csv"), "--authorization-mode", "RBAC"]
    server += ["--service-account-issuer", "https://localhost", "--service-account-signing-key-file", str(key)]
    server += ["--service-account-key-file", str(key), "--service-cluster-ip-range", "10.0.0.0/24"]
    server += ["--disable-admission-plugins", "ServiceAccount"]
    config = folder / "kubeconfig"
    config.write_text(json.dumps(kubeconfig(port)), "utf-8")
    with (folder / "log").open("wb") as log, contextlib.ExitStack() as stack:
        for words in (etcd, server):
            process = stack.enter_context(subprocess.Popen(words, stdout=log, stderr=log))
            stack.callback(process.kill)
        with Client(KubeConfig.from_file(config)) as client:
            prepare(client)
        yield config


def kubeconfig(port: int) -> dict:
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    return {
        "current-context": "one",
        "clusters": [{"name": "one", "cluster": cluster}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "admin"}}],
        "users": [{"name": "admin", "user": {"token": "t0ken"}}],
    }


def prepare(client: Client) -> None:
    """Wait for the server; make the namespace and KServe's kind of resource."""
    eventually(lambda: client.create(Namespace(metadata=ObjectMeta(name="models"))))
    definition = kserve_definition()
    client.create(CustomResourceDefinition.from_dict(definition))
    name = definition["metadata"]["name"]
    eventually(lambda: established(client.get(CustomResourceDefinition, name)))


def kserve_definition() -> dict:
    """Return KServe's definition, without the web hook that converts versions, which needs its controller."""
    definition = YAML(typ="safe", pure=True).load(Path(os.environ["MLCI_KSERVE_CRD"]).read_text("utf-8"))
    definition["spec"].pop("conversion", None)
    definition.pop("status", None)
    return definition


def established(found: CustomResourceDefinition) -> None:
    conditions = {condition.type: condition.status for condition in found.status.conditions or []}
    if conditions.get("Established") != "True":
        raise TimeoutError(conditions)


def eventually(ask) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            ask()
        except (ApiError, httpx2.HTTPError, TimeoutError) as error:
            if time.monotonic() > end:
                raise TimeoutError(str(error)) from error
            time.sleep(0.5)
        else:
            return
