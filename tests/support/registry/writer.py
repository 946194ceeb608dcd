"""Writers for tests, each a separate process: they put a file, append an entry, and may be killed on the way.

``python -m tests.support.registry.writer`` reads one command a line and answers each with a line. It imports everything
once and forks for every writer, so that hundreds of them can be killed in the time that one start of Python takes.

- ``{"folder": F, "kill": null | [n, "before" | "after"]}``: one writer, which kills itself at its n-th change to the
  disk; the answer is its exit status and its changes.
- ``{"folder": F, "writers": n}``: n writers that start at once; the answer is their exit statuses.
"""

import gc
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from tests.support.registry.histories import sha, stamp, verdict

CHANGES = ("mkdir", "open", "write", "fsync", "link", "rename", "replace", "unlink")
DATA = b"model " * 200_000


def watch(kill):
    """Record every call that changes the disk; exit at the given one."""
    seen = []
    for name in CHANGES:
        setattr(os, name, wrap_call(name, getattr(os, name), kill, seen))
    return seen


def wrap_call(name, real, kill, seen):
    def call(*arguments, **named):
        if name == "open" and not arguments[1] & os.O_CREAT:
            return real(*arguments, **named)
        seen.append(name)
        mine = kill is not None and kill[0] == len(seen) - 1
        if mine and kill[1] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if mine and name == "write" and len(arguments[1]) > 1:
            real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])  # killed in the middle of it
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return real(*arguments, **named)
        finally:
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)

    return call


def put_and_append(folder, kill):
    folder.mkdir(exist_ok=True)
    (folder / "model.bin").write_bytes(DATA)
    seen = watch(kill)
    store = FolderStore(folder / "registry", "model")
    store.put(folder / "model.bin", sha(DATA))
    Registry(store, stamp()).append(lambda _: verdict())
    return list(seen)


def fork(work):
    """Fork a process that runs ``work``; return its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def wait_for_exit(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def one(folder, kill):
    outlet, says = os.pipe()

    def work():
        seen = put_and_append(folder, kill)
        with os.fdopen(says, "w") as log:
            json.dump(seen, log)

    code = wait_for_exit(fork(work))
    os.close(says)
    with os.fdopen(outlet) as log:
        changes = log.read()
    return {"code": code, "changes": json.loads(changes or "[]")}


def many(folder, writers):
    gate, together = os.pipe()

    def work(writer):
        os.close(together)
        os.read(gate, 1)  # returns when the other end is closed
        Registry(FolderStore(folder, "model"), stamp(actor=f"{writer}")).append(lambda _: verdict())

    children = [fork(lambda writer=writer: work(writer)) for writer in range(writers)]
    os.close(together)
    os.close(gate)
    return [wait_for_exit(child) for child in children]


def main():
    os.fsync = lambda _: None  # a killed process loses nothing that was written; only a power cut would
    with tempfile.TemporaryDirectory() as folder:  # pydantic builds its models here, and not in every child
        Registry(FolderStore(Path(folder), "model"), stamp()).append(lambda _: verdict())
    gc.disable()
    gc.freeze()  # a collection in a child would copy every page
    for line in sys.stdin:
        command = json.loads(line)
        folder = Path(command["folder"])
        answer = many(folder, command["writers"]) if "writers" in command else one(folder, command["kill"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
