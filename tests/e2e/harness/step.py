"""One process of a step: the files that it is given, how it ends, and what is read from it afterwards."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.harness.job import Job, Ran
from tests.e2e.harness.process import run
from tests.support.workflow_commands import SUMMARY_LIMIT, read_log, read_pairs

FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a step: if it goes on in a cancelled run, and its end on the monotonic clock."""

    kept: bool
    deadline: float

    def stopped(self, job: Job) -> str:
        """Return why the step has to end now; empty if it need not."""
        if time.monotonic() > self.deadline:
            return "failure"
        return "cancelled" if job.cancelled() and not self.kept else ""


MESSAGES = {"failure": "##[error]The action has timed out.\n", "cancelled": "##[error]The operation was canceled.\n"}


def perform(job: Job, command: list[str], *, ran: Ran, place: Path, env: Mapping[str, str], limits: Limits) -> None:
    """Run ``command`` as the body of ``ran``, unless a limit is over already."""
    if ended := limits.stopped(job):
        ran.outcome, ran.log = ended, MESSAGES[ended]
        return
    folder = job.fresh("step")
    folder.mkdir()
    files = {name: folder / name for name in FILES}
    for path in files.values():
        path.touch()
    full = job.environment() | env | {name: str(path) for name, path in files.items()}
    code, ended, ran.log = run(command, folder=place, env=full, log=folder / "log", stopped=lambda: limits.stopped(job))
    ran.outcome = ended or ("success" if code == 0 else "failure")
    _read(job, ran, files)
    ran.log += MESSAGES.get(ended, "")


def _read(job: Job, ran: Ran, files: Mapping[str, Path]) -> None:
    said = read_log(ran.log)
    ran.annotations = said.annotations
    try:
        ran.outputs = said.outputs | read_pairs(files["GITHUB_OUTPUT"])
        ran.set_env = read_pairs(files["GITHUB_ENV"])
    except ValueError as error:
        ran.outcome, ran.log = "failure", f"{ran.log}\nUnable to process file command: {error}\n"
    job.env |= ran.set_env
    ran.set_path = files["GITHUB_PATH"].read_text("utf-8")
    for line in ran.set_path.splitlines():
        job.machine["PATH"] = os.pathsep.join([line, job.machine["PATH"]])
    ran.summary = files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
    if len(ran.summary.encode()) > SUMMARY_LIMIT:
        ran.summary, ran.log = "", f"{ran.log}\n$GITHUB_STEP_SUMMARY upload aborted, supports content up to 1024k\n"
