"""An executor that is killed midway: its tasks run again elsewhere, and no row is lost or counted twice."""

import os
import signal
import threading
import time
from pathlib import Path

from tests.engine.spark.e2e.tables import binary_job

_EXECUTOR = "CoarseGrainedExecutorBackend"


def executors():
    """Return the process ids of the executors that this process's Spark has started."""
    parents, named = {}, []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has ended
                continue
            if _EXECUTOR in command:
                named.append(int(entry.name))
    return [pid for pid in named if os.getpid() in ancestors(pid, parents)]


def ancestors(pid, parents):
    while pid in parents:
        pid = parents[pid]
        yield pid


class Killer(threading.Thread):
    """Kills one executor as soon as some of a stage's tasks have ended and others run."""

    def __init__(self, session):
        super().__init__(daemon=True)
        self.tracker, self.killed, self.give_up = session.sparkContext.statusTracker(), None, threading.Event()

    def run(self):
        while self.killed is None and not self.give_up.is_set():
            for stage in self.tracker.getActiveStageIds():
                info = self.tracker.getStageInfo(stage)
                if info is not None and info.numCompletedTasks >= 1 and info.numActiveTasks >= 1:
                    self.killed = executors()[0]
                    os.kill(self.killed, signal.SIGKILL)
                    return
            time.sleep(0.005)


def test_engine__executor_killed_midway(engine, session, tmp_path):
    job = binary_job(tmp_path)
    whole = engine.observe(job)
    assert len(executors()) == 2
    killer = Killer(session)
    killer.start()
    after = engine.observe(job)
    killer.give_up.set()
    killer.join()
    assert killer.killed is not None
    assert killer.killed not in executors()
    assert after.fingerprint == whole.fingerprint
    assert [one.rows for one in after.statistics] == [one.rows for one in whole.statistics]
    for mine, theirs in zip(after.statistics, whole.statistics, strict=True):
        assert mine.decisions.count.tolist() == theirs.decisions.count.tolist()
        assert mine.moments["log"].sums.tolist() == theirs.moments["log"].sums.tolist()
        assert mine.scores.joint.tolist() == theirs.scores.joint.tolist()
