"""A process that forks children to run commands and kills them, by SIGKILL, at any write below a folder.

Every system call that changes a file there counts: a file created, written to, linked, renamed, removed,
a folder created. The child dies right before the n-th of them, or with half of the bytes of a write on the way.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from mlci.cli.commands import run
from mlci.cli.commands.lifecycle import backup
from mlci.cli.commands.registry import promote, rollback
from mlci.cli.main import main

LOADED = (backup, promote, rollback, run)  # before the first fork, so that children start at once
CHANGES = ("link", "mkdir", "rename", "replace", "unlink")
DEAD, ENDED = "killed", "ended"


class Killer:
    """Stands in for the functions of :mod:`os` in a child."""

    def __init__(self, below, at, *, half):
        self.below, self.at, self.half = str(below), at, half
        self.count, self.own = 0, set()
        self.write = os.write
        for name in CHANGES:
            setattr(os, name, self.counted(getattr(os, name)))
        os.open, os.write = self.opened(os.open), self.written

    def step(self):
        self.count += 1
        if self.count == self.at and not self.half:
            os.kill(os.getpid(), signal.SIGKILL)

    def inside(self, path):
        return not isinstance(path, int) and str(Path(path).absolute()).startswith(self.below)

    def counted(self, real):
        def call(*arguments, **named):
            if any(isinstance(item, str | os.PathLike) and self.inside(item) for item in arguments):
                self.step()
            return real(*arguments, **named)

        return call

    def opened(self, real):
        def call(path, flags, *arguments, **named):
            own = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and self.inside(path)
            if own:
                self.step()
            found = real(path, flags, *arguments, **named)
            (self.own.add if own else self.own.discard)(found)
            return found

        return call

    def written(self, descriptor, data):
        if descriptor in self.own:
            self.step()
            if self.count == self.at:
                self.write(descriptor, bytes(data)[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
        return self.write(descriptor, data)


def serve():
    """Read one order a line from standard input, answer each with one line."""
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            with open(os.devnull, "w") as silent:  # noqa: PTH123 - descriptors for a child
                os.dup2(silent.fileno(), 1)
            os.chdir(order["cwd"])
            killer = Killer(order["below"], order["at"], half=order["half"])
            code = 70
            with contextlib.suppress(BaseException):
                try:
                    main(order["arguments"])
                except SystemExit as end:
                    code = end.code
            killer.write(writing, json.dumps({"how": ENDED, "code": code, "count": killer.count}).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            said = stream.read()
        os.waitpid(child, 0)
        sys.stdout.write((said.decode() or json.dumps({"how": DEAD})) + "\n")
        sys.stdout.flush()


class Deaths:
    """Runs a command with a death at every write, one after the other."""

    def __init__(self):
        root = Path(__file__).parents[3]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.registry.killed"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
        )

    def run(self, folder, *arguments, below, at=0, half=False):
        """Run a command; return ``{"how": "killed"}`` or how it ended and how many writes there were."""
        order = {"cwd": str(folder), "arguments": list(arguments), "below": str(below), "at": at, "half": half}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.communicate(timeout=60)


if __name__ == "__main__":
    serve()
