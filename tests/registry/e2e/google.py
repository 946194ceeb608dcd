"""fake-gcs-server, an emulator of Google Cloud Storage, and direct access to its buckets by the JSON API."""

import contextlib
import http.client
import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from tests.registry.e2e.servers import ROOT
from tests.support.registry.buckets import Bucket

PROGRAM = ROOT / ".tools" / "bin" / "fake-gcs-server"
_KEPT = ("Content-Length", "Content-Type", "ETag", "Last-Modified", "X-Goog-Generation")


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    fields: dict[str, str]

    @property
    def json(self) -> dict:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """fake-gcs-server, accessed by its JSON API."""

    port: int

    def ask(self, method: str, path: str, data: bytes = b"", **query: str | None) -> Answer:
        given = urlencode({name: value for name, value in query.items() if value is not None})
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, f"{path}?{given}", body=data, headers={"Content-Type": "application/json"})
            found = connection.getresponse()
            fields = {name: found.headers[name] for name in _KEPT if name in found.headers}
            return Answer(found.status, found.read(), fields)

    def upload(self, bucket: str, name: str, data: bytes, generation: str | None = None) -> Answer:
        path = f"/upload/storage/v1/b/{bucket}/o"
        return self.ask("POST", path, data, uploadType="media", name=name, ifGenerationMatch=generation)

    def about(self, bucket: str, name: str = "", more: str = "") -> str:
        return f"/storage/v1/b/{bucket}" + (f"/o/{quote(name, safe='')}{more}" if name else more)


@dataclass(frozen=True)
class Google(Bucket):
    """A bucket, with direct access by the server's JSON API."""

    server: Server = Server(0)

    scheme = "gs"

    @property
    def environment(self) -> dict[str, str]:
        return {"STORAGE_EMULATOR_HOST": f"127.0.0.1:{self.port}"}

    def made(self) -> "Google":
        assert self.server.ask("POST", "/storage/v1/b", json.dumps({"name": self.name}).encode()).status == 200
        return self

    def names(self) -> list[str]:
        """Return the names of visible objects; parts of an aborted upload are not visible."""
        found = self.server.ask("GET", self.server.about(self.name, more="/o")).json.get("items") or []
        return [item["name"] for item in found if not item["name"].startswith(".parts/")]

    def put(self, name: str, data: bytes) -> None:
        assert self.server.upload(self.name, name, data).status == 200

    def get(self, name: str) -> bytes:
        return self.server.ask("GET", f"/download{self.server.about(self.name, name)}").body

    def delete(self, name: str) -> None:
        assert self.server.ask("DELETE", self.server.about(self.name, name)).status < 300
