"""One cold process: its wall time, processor time, peak memory and last words."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
_KEPT = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"}


class SubjectError(Exception):
    """A subject did not do its work; the message is its last line."""


@dataclass(frozen=True)
class Usage:
    """Resources of a process: seconds of wall time and of processor time (user and system), bytes at the peak."""

    wall: float
    cpu: float
    peak: float
    output: str = ""


def run(argv: Sequence[str], *, folder: Path, timeout: float) -> Usage:
    """Run a command from a small launcher and return what it used.

    Raises:
        SubjectError: if the subject failed, or took longer than ``timeout`` seconds.
    """
    environment = {name: value for name, value in os.environ.items() if name in _KEPT} | {"NO_COLOR": "1"}
    with tempfile.TemporaryDirectory(prefix="mlci-cost-", ignore_cleanup_errors=True) as scratch:
        log = Path(scratch) / "log"
        command = [sys.executable, "-I", "-S", str(LAUNCHER), str(log), *argv]
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            try:
                said, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                raise SubjectError(f"stopped after {timeout:,.0f} s") from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        output = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    figures = json.loads(said)
    if figures["status"] != 0:
        raise SubjectError(last_line(output) or f"exit status {figures['status']}")
    return Usage(figures["wall"], figures["cpu"], figures["peak"], output)


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def fastest(usages: Sequence[Usage]) -> Usage:
    """Return the least of each time, and the largest peak."""
    return Usage(
        min(one.wall for one in usages),
        min(one.cpu for one in usages),
        max(one.peak for one in usages),
        usages[-1].output,
    )
