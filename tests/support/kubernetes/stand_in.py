"""Stand-in for a Kubernetes API server: reads, and server-side apply, of the two kinds of resources that mlci deploys.

It refuses what the API server refuses: a wrong token, another media type, no field manager, another name than the
path's, an unknown namespace, a field or type that the resource's definition does not have, and a field of another
manager. KServe's controller is not here, so no traffic is split. The tests in `tests/kubernetes/e2e` ask a real one.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema

from tests.support.local_server import LocalServer

TOKEN = "t0ken"  # noqa: S105 - of this stand-in
NAMESPACE = "models"
Path = tuple[str, ...]
"""Names that lead to a field."""
_PATH = re.compile(r"/apis/(?P<api>[^/]+/[^/]+)/namespaces/(?P<namespace>[^/]+)/(?P<plural>[^/]+)/(?P<name>[^/]+)")


def fields(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """Return the schema of a mapping with these fields and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
METADATA = fields(("name",), name=TEXT, namespace=TEXT, labels=TEXTS, annotations=TEXTS)
# An excerpt of config/crd/full/serving.kserve.io_inferenceservices.yaml, v1beta1, of github.com/kserve/kserve
# (Apache-2.0): fields that mlci writes, with their types; `required` is the definition's.
MODEL = fields(modelFormat=fields(("name",), name=TEXT, version=TEXT), runtime=TEXT, storageUri=TEXT)
PREDICTOR = fields(
    canaryTrafficPercent=NUMBER, minReplicas=NUMBER, maxReplicas=NUMBER, serviceAccountName=TEXT, model=MODEL
)
DEFINITIONS = {
    ("serving.kserve.io/v1beta1", "inferenceservices"): (
        "InferenceService",
        fields(("predictor",), predictor=PREDICTOR),
    ),
}


class ApiServer(LocalServer):
    """Resources by path, for each the manifest of every field manager; ``requests`` are (method, path)."""

    def __init__(self) -> None:
        """Start with an empty namespace."""
        self.applied: dict[str, dict[str, dict[str, Any]]] = {}
        self.changes = 0
        self.requests: list[tuple[str, str]] = []
        super().__init__(Handler)

    @property
    def kubeconfig(self) -> str:
        """Return the text of a kubeconfig; JSON is YAML."""
        cluster = {"server": f"http://127.0.0.1:{self.server_address[1]}"}
        return json.dumps(
            {
                "current-context": "one",
                "clusters": [{"name": "one", "cluster": cluster}],
                "contexts": [{"name": "one", "context": {"cluster": "one", "user": "mlci"}}],
                "users": [{"name": "mlci", "user": {"token": TOKEN}}],
            }
        )

    def live(self, path: str) -> dict[str, Any] | None:
        """Return a resource: the manifests of its managers together."""
        managers = self.applied.get(path)
        if managers is None:
            return None
        found: dict[str, Any] = {}
        for manifest in managers.values():
            merge(found, copy.deepcopy(manifest))
        found["metadata"]["resourceVersion"] = str(self.changes)
        found["metadata"]["managedFields"] = [{"manager": name, "operation": "Apply"} for name in managers]
        return found

    def apply(self, path: str, manager: str, manifest: dict[str, Any], *, force: bool, dry_run: bool) -> dict[str, Any]:
        """Apply a manifest: fields that the manager no longer names go, those of others stay."""
        others = {name: copy.deepcopy(one) for name, one in self.applied.get(path, {}).items() if name != manager}
        mine = dict(leaves(manifest))
        for other, theirs in others.items():
            taken = [where for where, value in leaves(theirs) if where in mine and mine[where] != value]
            if taken and not force:
                raise Refused(409, "Conflict", f'conflict with "{other}": .{".".join(taken[0])}')
            for where in taken:
                remove(theirs, where)
        before = self.applied.get(path), self.changes
        self.applied[path], self.changes = {**others, manager: manifest}, self.changes + 1
        found = self.live(path)
        if dry_run:
            self.changes = before[1]
            self.applied.pop(path) if before[0] is None else self.applied.update({path: before[0]})
        assert found is not None
        return found


class Refused(Exception):  # noqa: N818 - an answer
    """A status that the server answers with."""

    def __init__(self, code: int, reason: str, message: str, *, name: str | None = None) -> None:
        super().__init__(message)
        details = {"details": {"name": name}} if name else {}
        base = {"apiVersion": "v1", "kind": "Status", "status": "Failure"}
        self.code, self.document = code, {**base, "code": code, "reason": reason, "message": message, **details}


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: ApiServer

    def do_GET(self) -> None:
        self.answer(self.read_resource)

    def do_PATCH(self) -> None:
        self.answer(self.apply_manifest)

    def answer(self, call: Any) -> None:
        """Answer with the resource, or with the reason for none."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self.server.requests.append((self.command, path))
        try:
            code, document = 200, call(path, self.kind_of(path), query, body)
        except Refused as refused:
            code, document = refused.code, refused.document
        data = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def kind_of(self, path: str) -> re.Match[str]:
        """Return the parts of a path of a known kind, in a namespace that exists."""
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "Unauthorized", "Unauthorized")
        found = _PATH.fullmatch(path)
        if found is None or (found["api"], found["plural"]) not in DEFINITIONS:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        return found

    def read_resource(self, path: str, at: re.Match[str], _query: object, _body: bytes) -> dict[str, Any]:
        found = self.server.live(path)
        if found is None:
            raise Refused(404, "NotFound", f'{at["plural"]} "{at["name"]}" not found', name=at["name"])
        return found

    def apply_manifest(
        self, path: str, at: re.Match[str], query: Mapping[str, list[str]], body: bytes
    ) -> dict[str, Any]:
        if self.headers.get("Content-Type") != "application/apply-patch+yaml":
            raise Refused(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        if at["namespace"] != NAMESPACE:
            raise Refused(404, "NotFound", f'namespaces "{at["namespace"]}" not found', name=at["namespace"])
        manager = query.get("fieldManager", [""])[0]
        if not manager:
            raise Refused(422, "Invalid", "fieldManager: Required value: is required for apply patch")
        manifest = checked(json.loads(body), at)
        force, dry_run = query.get("force") == ["true"], query.get("dryRun") == ["All"]
        return self.server.apply(path, manager, manifest, force=force, dry_run=dry_run)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def checked(manifest: dict[str, Any], at: re.Match[str]) -> dict[str, Any]:
    """Return a manifest that fits its path and its definition."""
    kind, spec = DEFINITIONS[at["api"], at["plural"]]
    found = (manifest.get("apiVersion"), manifest.get("kind"))
    place = tuple(manifest.get("metadata", {}).get(key) for key in ("namespace", "name"))
    if (found, place) != ((at["api"], kind), (at["namespace"], at["name"])):
        raise Refused(400, "BadRequest", f"{found} {place} does not match the address of the request")
    schema = fields(("metadata", "spec"), apiVersion=TEXT, kind=TEXT, metadata=METADATA, spec=spec)
    for error in jsonschema.Draft202012Validator(schema).iter_errors(manifest):
        words = f"failed to create typed patch object: {error.json_path.replace('$', '', 1)}: {error.message}"
        raise Refused(500, "InternalError", words)
    return manifest


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the fields of a manifest that are owned, without what identifies it; a list is one field."""
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from leaves(one, (*path, name))
    elif path not in {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}:
        yield path, value


def remove(manifest: dict[str, Any], path: Path) -> None:
    """Remove a field."""
    for name in path[:-1]:
        manifest = manifest[name]
    del manifest[path[-1]]


def merge(target: dict[str, Any], other: dict[str, Any]) -> None:
    """Add the fields of another mapping."""
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            merge(target[name], value)
        else:
            target[name] = value
