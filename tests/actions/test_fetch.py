"""Downloading uv from an index: only the locked file, and no file if anything is unexpected."""

import hashlib
import http.server
import importlib
import io
import json
import ssl
import sys
import zipfile
from pathlib import Path

import pytest
import trustme

from tests.support.local_server import LocalServer

LIB = Path(__file__).parents[2] / "actions/lib"
PROGRAM = b"#!/bin/sh\necho uv 9.9.9\n"


def wheel(*, member="uv-9.9.9.data/scripts/uv"):
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, PROGRAM)
        archive.writestr("uv/__init__.py", "")
    return kept.getvalue()


@pytest.fixture
def fetch_uv(monkeypatch, tmp_path):
    """Import the script as its folder's other scripts do, with a lock file of the test's own."""
    monkeypatch.syspath_prepend(str(LIB))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # another worker looks for changed files
    for name in ("command", "fetch_uv"):
        sys.modules.pop(name, None)
    module = importlib.import_module("fetch_uv")
    monkeypatch.setattr(module, "REQUIREMENTS", tmp_path)
    yield module
    for name in ("command", "fetch_uv"):
        sys.modules.pop(name, None)


@pytest.fixture
def index(monkeypatch, tmp_path):
    """Serve files under https, as an index does; `serve(path, body)` adds one."""
    served = {}

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = served.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_arguments):
            pass

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server = LocalServer(Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with server:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"https://localhost:{server.server_port}/simple")
        yield served


def publish(index, folder, body, *, listed=None, locked=None, platform=None):
    from packaging.tags import sys_tags  # noqa: PLC0415 (the machine's own)

    digest = hashlib.sha256(body).hexdigest()
    name = f"uv-9.9.9-py3-none-{platform or next(tag.platform for tag in sys_tags())}.whl"
    files = [
        {"filename": "uv-9.9.9.tar.gz", "url": "../../files/uv.tar.gz", "hashes": {"sha256": digest}},
        {"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": listed or digest}},
    ]
    index["/simple/uv/"] = json.dumps({"files": files}).encode()
    index[f"/files/{name}"] = body
    (folder / "uv.txt").write_text(f"uv==9.9.9 \\\n    --hash=sha256:{locked or listed or digest}\n", "utf-8")


def test_fetch__locked_wheel(fetch_uv, index, tmp_path):
    publish(index, tmp_path, wheel())
    program = fetch_uv.fetch(tmp_path / "bin")
    assert program == tmp_path / "bin/uv"
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (tmp_path / "bin").iterdir()] == ["uv"]


@pytest.mark.parametrize(
    "odd",
    [
        {"body": wheel(), "listed": "0" * 64},
        {"body": wheel(), "locked": "0" * 64},
        {"body": wheel(), "platform": "plan9_mips"},
        {"body": wheel(member="../../uv")},
        {"body": b"no archive"},
    ],
    ids=["another file than listed", "not locked", "for another machine", "without the program", "no archive"],
)
def test_fetch__unexpected_index(fetch_uv, index, tmp_path, odd):
    publish(index, tmp_path, **odd)
    assert fetch_uv.fetch(tmp_path / "bin") is None
    assert not (tmp_path / "bin/uv").exists()


def test_fetch__index_without_https(fetch_uv, index, tmp_path, monkeypatch):
    publish(index, tmp_path, wheel())
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://localhost:1/simple")
    assert fetch_uv.fetch(tmp_path / "bin") is None
