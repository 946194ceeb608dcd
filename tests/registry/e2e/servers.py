"""Real servers for the registry's tests: Azurite from npm, versitygw built by Go; :mod:`tests.registry.e2e.google` has
Google's. ``make registry-e2e`` brings them."""

import base64
import contextlib
import hashlib
import hmac
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from tests.support.registry.buckets import Bucket

ROOT = Path(__file__).parents[3]
VERSITY = ROOT / ".tools" / "bin" / "versitygw"
AZURITE = ROOT / "tests" / "registry" / "node" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
ACCOUNT = "devstoreaccount1"
# The account and key that every Azurite starts with; Microsoft's documentation of Azurite gives them.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_VERSION = "2021-12-02"


@contextlib.contextmanager
def serving(command: list[str], port: int, **more) -> Iterator[int]:
    """Run a server until the block ends; it is there when it takes connections."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, **more) as process:
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
                time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@dataclass(frozen=True)
class Azure(Bucket):
    """A container of Azurite, with direct access by signed requests, without obstore."""

    key: str = KEY

    scheme = "az"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": self.key,
            "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{self.port}/{ACCOUNT}",
        }

    def made(self) -> "Azure":
        self._ask("PUT", "", query="restype=container")
        return self

    def put(self, name: str, data: bytes) -> None:
        self._ask("PUT", f"/{name}", data=data, **{"x-ms-blob-type": "BlockBlob"})

    def get(self, name: str) -> bytes:
        return self._ask("GET", f"/{name}")

    def delete(self, name: str) -> None:
        self._ask("DELETE", f"/{name}")

    def _ask(self, method: str, path: str, *, query: str = "", data: bytes = b"", **fields: str) -> bytes:
        """Sign by the account's key: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key."""
        fields |= {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _VERSION}
        kind = "application/octet-stream" if data else ""
        said = "".join(f"{name}:{fields[name]}\n" for name in sorted(fields))
        place = f"/{ACCOUNT}/{ACCOUNT}/{self.name}{path}" + (f"\n{query.replace('=', ':')}" if query else "")
        text = f"{method}\n\n\n{len(data) or ''}\n\n{kind}\n\n\n\n\n\n\n{said}{place}"
        signed = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
        headers = {**fields, "Authorization": f"SharedKey {ACCOUNT}:{signed}"} | (
            {"Content-Type": kind} if kind else {}
        )
        address = f"http://127.0.0.1:{self.port}/{ACCOUNT}/{self.name}{path}" + (f"?{query}" if query else "")
        asked = urllib.request.Request(address, data=data or None, method=method, headers=headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - loopback
            return answer.read()
