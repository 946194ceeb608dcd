"""A translator from Google's XML API to fake-gcs-server's JSON API.

obstore uses the XML API, in which fake-gcs-server cannot write. Its JSON API can, with generations, and enforces
preconditions in one step. So each request is translated as Google's documentation relates the two APIs; nothing is
stored here, and the server alone decides whether a write is refused. Parts of a large file are objects until they are
composed: that Google composes parts is documented, and not tested by this.

- preconditions: https://docs.cloud.google.com/storage/docs/request-preconditions
- uploads in parts: https://docs.cloud.google.com/storage/docs/multipart-uploads
- errors: https://docs.cloud.google.com/storage/docs/xml-api/reference-status
"""

import contextlib
import http.server
import json
import re
import threading
import uuid
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.registry.e2e.google import PROGRAM, Answer, Server
from tests.registry.e2e.servers import free_port, serving


class Front(http.server.BaseHTTPRequestHandler):
    """Takes requests of the XML API."""

    protocol_version = "HTTP/1.1"
    server_behind: Server

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # who asked may be gone
            super().handle()

    def do_GET(self) -> None:
        if not self.name:
            self._list()
            return
        found = self._read("GET")
        if found.status < 300:
            self._answer(found.status, found.body, found.fields)
        else:
            self._refuse(found)

    def do_HEAD(self) -> None:
        found = self._read("HEAD")
        self._answer(found.status, b"", found.fields)

    def do_PUT(self) -> None:
        sent, number = self._sent(), self.query.get("partNumber")
        if number is not None and not self._begun():
            return
        found = self._up(self._part(number) if number else self.name, sent)
        if found.status < 300:
            fields = found.json
            self._answer(200, b"", {"ETag": f'"{fields["etag"]}"', "X-Goog-Generation": str(fields["generation"])})
        else:
            self._refuse(found)

    def do_POST(self) -> None:
        sent = self._sent().decode()
        if "uploads" in self.query:
            upload = uuid.uuid4().hex
            self._up(f".parts/{upload}/", b"")
            self._xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
        elif self._begun():
            self._compose(re.findall(r"<PartNumber>(\d+)</PartNumber>", sent))

    def do_DELETE(self) -> None:
        if "uploadId" in self.query:
            self._forget()
            self._answer(204)
            return
        found = self.server_behind.ask("DELETE", self.server_behind.about(self.bucket, self.name))
        if found.status < 300:
            self._answer(204)
        else:
            self._refuse(found)

    @property
    def query(self) -> dict[str, str]:
        return {key: value[0] for key, value in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}

    @property
    def bucket(self) -> str:
        return unquote(urlsplit(self.path).path.split("/")[1])

    @property
    def name(self) -> str:
        return unquote("/".join(urlsplit(self.path).path.split("/")[2:]))

    def _up(self, name: str, data: bytes) -> Answer:
        return self.server_behind.upload(self.bucket, name, data, self.headers.get("x-goog-if-generation-match"))

    def _read(self, method: str) -> Answer:
        return self.server_behind.ask(method, f"/download{self.server_behind.about(self.bucket, self.name)}")

    def _part(self, number: str) -> str:
        return f".parts/{self.query['uploadId']}/{number}"

    def _begun(self) -> bool:
        """Tell whether the upload is under way, and refuse if it is not."""
        behind = self.server_behind
        found = behind.ask("GET", behind.about(self.bucket, self._part(""))).status == 200
        if not found:
            self._xml("Error", "<Code>NoSuchUpload</Code>", status=404)
        return found

    def _compose(self, numbers: list[str]) -> None:
        behind = self.server_behind
        asked = {"sourceObjects": [{"name": self._part(number)} for number in numbers], "destination": {}}
        found = behind.ask("POST", behind.about(self.bucket, self.name, "/compose"), json.dumps(asked).encode())
        if found.status < 300:
            self._forget()
            self._xml("CompleteMultipartUploadResult", f'<ETag>"{found.json["etag"]}"</ETag>')
        else:
            self._refuse(found)

    def _forget(self) -> None:
        behind = self.server_behind
        found = behind.ask("GET", behind.about(self.bucket, more="/o"), prefix=self._part(""))
        for item in found.json.get("items") or []:
            behind.ask("DELETE", behind.about(self.bucket, item["name"]))

    def _list(self) -> None:
        """``start-after`` names the last one that is not wanted, ``startOffset`` the first one that is."""
        query, behind = self.query, self.server_behind
        after, token = query.get("start-after"), query.get("continuation-token")
        asked = {"prefix": query.get("prefix"), "startOffset": after, "pageToken": token, "maxResults": "1000"}
        found = behind.ask("GET", behind.about(self.bucket, more="/o"), **asked)
        if found.status >= 300:
            self._refuse(found)
            return
        items = "".join(
            f"<Contents><Key>{escape(item['name'])}</Key><LastModified>{item['updated']}</LastModified>"
            f'<ETag>"{escape(item["etag"])}"</ETag><Size>{item["size"]}</Size></Contents>'
            for item in found.json.get("items") or []
            if item["name"] != after
        )
        if more := found.json.get("nextPageToken"):
            items += f"<NextContinuationToken>{escape(more)}</NextContinuationToken>"
        self._xml("ListBucketResult", items)

    def _refuse(self, found: Answer) -> None:
        there = self.server_behind.ask("GET", self.server_behind.about(self.bucket)).status < 300
        codes = {404: "NoSuchKey", 412: "PreconditionFailed"}
        code = codes.get(found.status, "InternalError") if there else "NoSuchBucket"
        self._xml("Error", f"<Code>{code}</Code>", status=found.status if there else 404)

    def _sent(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def _xml(self, element: str, inside: str, *, status: int = 200) -> None:
        self._answer(status, f"<?xml version='1.0' encoding='UTF-8'?><{element}>{inside}</{element}>".encode())

    def _answer(self, status: int, body: bytes = b"", fields: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(fields or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Write nothing."""


class _Taking(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # many connect at once


@contextlib.contextmanager
def running() -> Iterator[tuple[int, Server]]:
    """Run both; the port to ask, and the server behind it."""
    port = free_port()
    command = [str(PROGRAM), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    with serving([*command, "-log-level", "error"], port):
        front = _Taking(("127.0.0.1", 0), type("Handler", (Front,), {"server_behind": Server(port)}))
        threading.Thread(target=front.serve_forever, daemon=True).start()
        yield front.server_port, Server(port)
        front.shutdown()
        front.server_close()
