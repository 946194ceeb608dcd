"""Starts a step's process and ends it as the runner does when a run is cancelled."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    "sh": ["sh", "-e"],
    "python": ["python3"],
}
"""docs.github.com, "Workflow syntax", ``jobs.<job_id>.steps[*].shell``."""

GRACE = ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, 10.0))
"""docs.github.com, "Workflow cancellation reference": what is sent, and the seconds until the next one."""


def run(
    command: list[str], *, folder: Path, env: Mapping[str, str], log: Path, stopped: Callable[[], str]
) -> tuple[int, str, str]:
    """Return the exit code, why ``stopped`` ended it, and everything that was written to either stream."""
    ended = ""
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=folder, env=dict(env), stdout=stream, stderr=subprocess.STDOUT)
        while process.poll() is None:
            if why := stopped():
                ended = why
                _end(process)
            time.sleep(0.02)
    return process.returncode, ended, log.read_bytes().decode("utf-8", "replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    for number, seconds in GRACE:
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
