"""HTTP: connections, the request log, and faults where they happen."""

import socket
import ssl
import struct
import sys
import time
import traceback
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.fake_github import admin, faults, links, page, storage
from tests.fake_github.api import Request
from tests.fake_github.faults import Fault
from tests.fake_github.serving import Reply
from tests.support.local_server import LocalServer

if TYPE_CHECKING:
    from tests.fake_github.fake import Fake

MOST_BODY = 200_000_000


@dataclass
class Entry:
    """One line of the request log."""

    n: int
    method: str
    path: str
    query: str
    status: int | None = None
    fault: str | None = None
    token: str | None = None


class Server(LocalServer):
    """A server that belongs to a fake."""

    request_queue_size = 256

    def __init__(self, fake: "Fake", port: int) -> None:
        self.fake = fake
        super().__init__(Handler, port=port)

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that disconnect; any other error is a failure of the fake."""
        if not isinstance(sys.exception(), OSError):
            self.fake.failures.append(traceback.format_exc())


class Dropped(Exception):  # noqa: N818 - on purpose, and no error
    """The connection was closed on purpose."""


class Handled(Exception):  # noqa: N818 - the same
    """A fault has answered."""


class Handler(BaseHTTPRequestHandler):
    """Requests to every host that the fake stands for."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "github.com", ""
    disable_nagle_algorithm = True
    wbufsize = -1
    secure = False
    server: Server

    def log_message(self, *_: Any) -> None:
        """Write nothing: the request log has more."""

    def do_CONNECT(self) -> None:
        """Speak TLS under the real name, from this connection on: so clients that use this proxy get here."""
        host = self.path.partition(":")[0]
        authority = self.server.fake.authority
        if authority is None or host not in links.REAL:
            self.send_error(403, f"the fake stands for {', '.join(sorted(links.REAL))} and needs --https for it")
            return
        self.send_response_only(200, "Connection Established")
        self.end_headers()
        self.wfile.flush()
        self.connection = authority.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.secure = True
        self.close_connection = False

    def finish(self) -> None:
        """The TLS connection is not the one that the server knows of and closes."""
        super().finish()
        if self.secure:
            self.connection.close()

    def do_GET(self) -> None:
        try:
            self.route()
        except Handled:
            pass
        except (Dropped, OSError, ssl.SSLError):
            self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - http.server looks for these names

    def route(self) -> None:
        fake, address = self.server.fake, urlsplit(self.path)
        host = self.headers.get("Host", "").partition(":")[0]
        data = self.body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        at = fake.links_for(secure=self.secure)
        if self.server is not fake.main or host in {links.STORAGE, links.ASSETS}:
            self.send(storage.answer(fake.state, self.command, address.path, address.query, headers))
        elif address.path.startswith("/_fake"):
            self.send(admin.answer(fake, self.command, address.path, address.query, data))
        elif page.is_page(fake.state, self.command, address.path, host):
            self.send(page.answer(fake, address.path, at))
        else:
            uploads = host == links.UPLOADS or address.path.startswith("/api/uploads/")
            path = address.path.removeprefix("/api/uploads")
            self.api(Request(self.command, path, address.query, headers, data, at, uploads))

    def api(self, request: Request) -> None:
        fake = self.server.fake
        with fake.log_lock:
            entry = Entry(len(fake.log) + 1, request.method, request.path, request.query)
            entry.token = request.headers.get("authorization", "").partition(" ")[2][-6:] or None
            fake.log.append(entry)
            fault = fake.faults.met_by(request.method, request.path)
        fake.faults.wait()
        if fault and fault.when == "before":
            entry.fault = f"{fault.kind} before"
            self.misbehave(fault, None, entry)
        reply = fake.api.answer(request)
        if fault and fault.kind == "stale":
            reply = faults.stale(reply, fault.size)
        if fault and fault.when == "after":
            entry.fault = f"{fault.kind} after"
            self.misbehave(fault, reply, entry)
        if fault:
            entry.fault = f"{fault.kind} {fault.when}"
        entry.status = reply.status
        self.send(reply, fault)

    def misbehave(self, fault: Fault, reply: Reply | None, entry: Entry) -> None:
        """Apply a fault instead of an answer; end the request unless the fault only changes the answer."""
        if fault.call:
            fault.call()
        if fault.kind == "timeout":
            self.server.fake.faults.sleep(fault.seconds)
        if fault.kind in {"drop", "timeout"}:
            self.drop()
        other = faults.instead(fault)
        if other is not None:
            entry.status = other.status
            headers = reply.headers if reply else {"Content-Type": "application/json; charset=utf-8"}
            self.send(Reply(other.status, other.body, headers | other.headers, other.raw))
            raise Handled

    def drop(self) -> None:
        """Reset the connection: nothing is sent, not even an end."""
        self.wfile.flush()
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            self.connection.close()
        raise Dropped

    def body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self.chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BODY:
            raise Dropped
        return self.rfile.read(length)

    def chunks(self) -> bytes:
        found = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(found)

    def send(self, reply: Reply, fault: Fault | None = None) -> None:
        data = reply.data()
        kind = fault.kind if fault else None
        if kind == "oversized":
            data = b" " * fault.size + data
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **reply.headers}.items():
            self.send_header(name, value)
        if reply.status not in {204, 304}:
            self.send_header("Content-Length", str(len(data) + (1 if kind == "truncated" else 0)))
        self.end_headers()
        if self.command != "HEAD":
            self.write(data, fault.seconds if kind in {"slow", "delay"} else 0.0, piecewise=kind == "slow")
        self.wfile.flush()
        if kind == "truncated":
            self.close_connection = True

    def write(self, data: bytes, seconds: float, *, piecewise: bool) -> None:
        if not piecewise:
            self.server.fake.faults.sleep(seconds)
            self.wfile.write(data)
            return
        self.wfile.flush()
        step, began = max(1, len(data) // 20), time.monotonic()
        for i in range(0, len(data), step):
            self.server.fake.faults.sleep(began + seconds * i / len(data) - time.monotonic())
            self.wfile.write(data[i : i + step])
            self.wfile.flush()
