"""A log that records its calls, and a runner for tests that does not wait."""

import os
import time
from pathlib import Path

from mlci.events.step_logs import text_sink
from mlci.events.stream import EventStream
from mlci.execution.interface import Step
from mlci.execution.process import ProcessLimits, ProcessRunner

QUICK = ProcessLimits(grace=0.3, drain=0.3, close=1)


class Recording:
    """Implements mlci.events.step_logs.StepLog."""

    def __init__(self):
        self.lines, self.events, self.ticks = [], [], []

    def start(self, *, name, command):
        self.events.append(("start", name, command))

    def line(self, text):
        self.lines.append(text)

    def tick(self, *, seconds, last):
        self.ticks.append(last)
        assert seconds > 0

    def end(self, *, seconds, outcome):
        self.events.append(("end", outcome))
        assert seconds > 0


def log_events(log):
    """Return the receiver of events that shows steps in a log."""
    return EventStream(text_sink(log, print), now=time.time).emit


def runner(log=None, *, environment=None, limits=QUICK):
    environment = os.environ if environment is None else environment
    return ProcessRunner(environment=environment, emit=log_events(log or Recording()), limits=limits)


def step(command, cwd: Path, **more):
    return Step(**{"name": "train", "command": command, "cwd": cwd, "timeout": 20, **more})


def has_ended(pid: int) -> bool:
    """Return true if a process has ended (a zombie that waits for init has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
