"""Writers for MLflow, each a separate process that puts a file and appends an entry; each line of JSON starts some.

``{"uri": U, "model": M, "writers": n, "kill": null | [k, "before" | "after"]}``: with ``kill``, a writer kills itself
at its k-th request. MLflow is loaded once, in seconds, and forked for each. The answer is a line with their exit
statuses.
"""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # before MLflow is loaded

import mlflow  # noqa: F401 - loaded before the writers are forked
import requests

from mlci.registry import entry_kinds, registry
from mlci.registry.registry import Registry
from tests.registry.e2e.mlflow_server import open_store
from tests.support.registry.histories import sha, verdict
from tests.support.registry.writer import fork, wait_for_exit


def watch(kill) -> None:
    """Die at a request."""
    real, seen = requests.Session.request, []

    def request(*arguments, **named):
        seen.append(1)
        mine = len(seen) - 1 == kill[0]
        if mine and kill[1] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*arguments, **named)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    requests.Session.request = request


def write(order, number: int) -> None:
    if order["kill"] is not None:
        watch(order["kill"])
    store = open_store(order["uri"], order["model"])
    with tempfile.TemporaryDirectory() as room:
        (Path(room) / "model.bin").write_bytes(b"model")
        store.put(Path(room) / "model.bin", sha(b"model"))
    stamp = registry.Author(
        by=entry_kinds.Actor(actor=f"writer {number}"),
        now=lambda: "2026-05-01T10:00:00+00:00",
        nonce=lambda: f"nonce {number}",
    )
    Registry(store, stamp).append(lambda _: verdict())


def many(order) -> list[int]:
    gate, together = os.pipe()

    def work(number):
        os.close(together)
        os.read(gate, 1)  # returns when the other end is closed
        write(order, number)

    children = [fork(lambda number=number: work(number)) for number in range(order["writers"])]
    os.close(together)
    os.close(gate)
    return [wait_for_exit(child) for child in children]


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(many(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
