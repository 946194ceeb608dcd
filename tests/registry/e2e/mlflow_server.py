"""MLflow's own server on this machine, with direct access to its database and artifacts."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlci.registry.stores.mlflow.store import MlflowStore
from mlci.registry.stores.request_limits import Limits
from tests.registry.e2e.servers import ROOT, free_port

PROGRAM = ROOT / ".venv-mlflow" / "bin" / "mlflow"
QUICK = Limits(connect=2, request=2, total=4, retries=1, tries=3)
PATIENT = Limits(request=300, total=300, tries=8)  # two busy cores, and twenty writers at once
_UP = 300  # seconds in which it has to be up; it takes 30 on a machine with nothing else to do


@dataclass
class Server:
    """A server whose records and artifacts are in a folder; it may be killed and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "mlflow.db"

    def start(self) -> "Server":
        command = [str(PROGRAM), "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self.database}", "--registry-store-uri"]
        command += [f"sqlite:///{self.database}", "--artifacts-destination", str(self.folder / "artifacts")]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **quiet}, cwd=self.folder, start_new_session=True
            )
        began = time.monotonic()
        while time.monotonic() - began < _UP:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=5):  # noqa: S310 - loopback
                return self
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.3)
        raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        """Kill the server and the processes that it started."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def sql(self, statement: str, *values) -> list[tuple]:
        with contextlib.closing(sqlite3.connect(self.database, timeout=60)) as found, found:
            return found.execute(statement, values).fetchall()

    def artifact(self, digest: str) -> Path:
        (path,) = (self.folder / "artifacts").rglob(digest)
        return path


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder)
    try:
        yield server.start()
    finally:
        server.kill()


def open_store(uri: str, model="model", limits=PATIENT, **more) -> MlflowStore:
    return MlflowStore(uri, model, os.environ, limits=limits, **more)
