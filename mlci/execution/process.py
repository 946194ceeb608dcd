"""Run steps as processes, with bounded memory for their output, and explain failed ones.

A step runs in its own session under a small launcher (:mod:`mlci.execution.launcher`), with no input, stdout and stderr
merged. Its output is streamed: sanitized, shown and dropped, except for the last lines. When the command has ended,
remaining descendants are ended too; at the time-out its group gets SIGTERM, and after a grace period every descendant
gets SIGKILL. The message of a failed step has its cause, its last lines, the usual reason and a remedy.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlci.errors import StepError, StepTimeoutError
from mlci.events.events import Emit, StepFinished, StepLine, StepProgress, StepResultWord, StepStarted
from mlci.events.step_logs import one_line, step_duration
from mlci.execution.environment import child_environment, list_withheld
from mlci.execution.interface import Step, StepResult
from mlci.execution.sanitize import LineSplitter, RawOutput, sanitize

KEPT_LINES = 50


class StepOutput:
    """Output of a step: shows its lines and keeps only the last ones."""

    def __init__(self, emit: Emit, shown_bytes: int) -> None:
        """Emit at most ``shown_bytes`` of output."""
        self._emit = emit
        self._left = shown_bytes
        self._splitter = LineSplitter()
        self._kept: deque[RawOutput] = deque(maxlen=KEPT_LINES)
        self._skipped = 0
        self._ticked = 0.0
        self.lines = 0

    def take(self, chunk: bytes) -> None:
        """Show the lines that the chunk completes."""
        for line in self._splitter.feed(chunk):
            self._line(line)

    def _line(self, line: RawOutput) -> None:
        self.lines += 1
        self._kept.append(line)
        self._left -= len(line.data) + 1
        if self._left >= 0:
            self._emit(StepLine(text=line.text()))
        else:
            self._skipped += 1

    def tick(self, seconds: float) -> None:
        """Report progress, at most once a second."""
        if seconds - self._ticked >= 1:
            self._ticked = seconds
            newest = self._splitter.peek() if self._splitter.pending or not self._kept else self._kept[-1]
            self._emit(StepProgress(seconds=seconds, last=newest.text()))

    def finish(self) -> None:
        """Show an unfinished line, and the last lines if the output was too long to be shown completely."""
        if self._splitter.pending:
            self._line(self._splitter.take())
        if self._skipped:
            hidden = max(0, self._skipped - KEPT_LINES)
            last = f"the last {min(self._skipped, KEPT_LINES)} of {self.lines:,}"
            self._emit(StepLine(text=f"… {hidden:,} lines are not shown; {last}:"))
            for line in list(self._kept)[-self._skipped :]:
                self._emit(StepLine(text=line.text()))

    def tail(self) -> tuple[str, ...]:
        """Return the last lines, sanitized."""
        return tuple(line.text() for line in self._kept)


_LAUNCHER = str(Path(__file__).with_name("launcher.py"))
_CHUNK = 1 << 16
_KIBIBYTE, _MEGABYTE = 1024, 1_000_000


@dataclass(frozen=True, kw_only=True)
class ProcessLimits:
    """Time limits of the runner, in seconds, and the limit of shown output.

    Attributes:
        grace: Between SIGTERM and SIGKILL.
        drain: For output of processes that the command left running.
        close: For all processes to end after SIGKILL.
        shown_bytes: Limit of shown output; beyond it, only the last lines are shown.
    """

    grace: float = 5.0
    drain: float = 1.0
    close: float = 5.0
    shown_bytes: int = 16_000_000


class ProcessRunner:
    """Runs steps; implements :class:`mlci.execution.interface.Runner`."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        emit: Emit,
        limits: ProcessLimits | None = None,
        credentials: tuple[str, ...] = (),
    ) -> None:
        """Create a runner with mlci's environment, which is filtered for every step, and the receiver of events.

        ``credentials`` are prefixes of variables that a step gets only if it names them; the withheld ones are listed
        at the first step.
        """
        self._environment = environment
        self._credentials = credentials
        self._said = False
        self._emit = emit
        self._limits = limits or ProcessLimits()

    def run(self, step: Step) -> StepResult:
        """Run the step to its end.

        Raises:
            StepError: if it could not be started, ended with another status than 0, by a signal, or not in time.
        """
        command = ("/bin/sh", "-e", "-c", step.command) if isinstance(step.command, str) else step.command
        shown = step.command if isinstance(step.command, str) else step.name
        self._emit(StepStarted(name=step.name, command=shown))
        begun = time.monotonic()
        ending, result = "stopped", step_result(None)
        try:
            self._log_withheld(step)
            environment = child_environment(
                self._environment, step.env, credentials=self._credentials, named=step.named
            )
            with _launch(command, step, environment) as watch:
                ran = watch.follow(self._emit, self._limits)
            ending, result = step_outcome(ran), step_result(ran)
        finally:  # an error printed inside an open group would be folded
            seconds = time.monotonic() - begun
            self._emit(StepFinished(name=step.name, seconds=seconds, outcome=ending, result=result))
        if ran.status != 0 or ran.timed_out:
            raise (StepTimeoutError if ran.timed_out else StepError)(explain_failure(step, ran))
        return ran

    def _log_withheld(self, step: Step) -> None:
        names = list_withheld(self._environment, self._credentials, step.named)
        if names and not self._said:
            self._said = True
            listed = sanitize(", ".join(names))
            named = f"a step gets those that it names, e.g. `train: {{env: [{sanitize(names[0])}]}}`"
            self._emit(
                StepLine(text=f"mlci withholds credentials of registry and collector from steps: {listed}; {named}")
            )


@contextlib.contextmanager
def _launch(command: tuple[str, ...], step: Step, environment: Mapping[str, str]) -> Iterator["_Watch"]:
    """Start the launcher, and make sure that no process of it remains."""
    if sys.platform == "win32":
        raise StepError(f"{step.name}: commands run on Linux and macOS only; on Windows run mlci inside WSL")
    if not step.cwd.is_dir():
        raise StepError(f"{step.name}: the folder {step.cwd} does not exist")
    report, write_end = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, from their configuration
            [sys.executable, "-I", "-S", _LAUNCHER, str(write_end), *command],
            cwd=step.cwd,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(write_end,),
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        os.close(report)
        raise StepError(f"{step.name} could not be started: {error}") from error
    finally:
        os.close(write_end)
    watch = _Watch(process, report, step.timeout)
    try:
        yield watch
    finally:
        watch.close()


class _Watch:
    """Watch over one launcher in its phases: running, terminating, draining, closing."""

    def __init__(self, process: "subprocess.Popen[bytes]", report: int, timeout: float) -> None:
        self._process = process
        self._report = report
        self._begun = time.monotonic()
        self._until = self._begun + timeout
        self._phase = "running"
        self._ended: float | None = None
        self._facts = b""
        self._timed_out = False

    def follow(self, emit: Emit, limits: ProcessLimits) -> StepResult:
        """Read until command and output have ended; enter the next phase when the time of one is over."""
        output = StepOutput(emit, limits.shown_bytes)
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - asked for above
        with selectors.DefaultSelector() as selector:
            selector.register(stdout.fileno(), selectors.EVENT_READ, output.take)
            selector.register(self._report, selectors.EVENT_READ, self._listen)
            while selector.get_map():
                now = time.monotonic()
                if now >= self._until and not self._advance(now, limits):
                    break
                for key, _ in selector.select(min(1.0, max(0.0, self._until - now))):
                    chunk = os.read(key.fd, _CHUNK)
                    key.data(chunk)
                    if not chunk:
                        selector.unregister(key.fd)
                        if key.fd == self._report:
                            self._enter("draining", limits.drain)
                output.tick(time.monotonic() - self._begun)
        output.finish()
        return self._result(output)

    def _listen(self, chunk: bytes) -> None:
        self._facts += chunk
        if not chunk and self._ended is None:
            self._ended = time.monotonic()

    def _enter(self, phase: str, seconds: float) -> None:
        self._phase, self._until = phase, time.monotonic() + seconds

    def _advance(self, now: float, limits: ProcessLimits) -> bool:
        """Enter the next phase; return ``False`` after the last one."""
        if self._phase == "running":
            self._timed_out, self._ended = True, now
            with contextlib.suppress(OSError):
                assert self._process.stdin is not None  # noqa: S101 - asked for above
                self._process.stdin.write(b"T")
            self._enter("terminating", limits.grace)
        elif self._phase in {"terminating", "draining"}:
            self._close_input()
            self._enter("closing", limits.close)
        else:
            return False
        return True

    def _close_input(self) -> None:
        """Close the launcher's input, so that it kills all remaining processes."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def close(self) -> None:
        """End the launcher and close its files."""
        self._close_input()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._report)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _result(self, output: StepOutput) -> StepResult:
        ended = self._ended if self._ended is not None else time.monotonic()
        try:
            facts = json.loads(self._facts)
            code = os.waitstatus_to_exitcode(facts["status"])
            unit = 1 if sys.platform == "darwin" else _KIBIBYTE  # getrusage(2): bytes on macOS, KiB on Linux
            peak = facts["maxrss"] * unit / _MEGABYTE
            seconds = float(facts["seconds"])
        except (ValueError, KeyError, TypeError):  # the launcher was killed: the step's end is unknown, so it failed
            code, peak, seconds = -9, None, ended - self._begun
        return StepResult(
            status=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            timed_out=self._timed_out,
            seconds=ended - self._begun if self._timed_out else seconds,
            tail=output.tail(),
            lines=output.lines,
            peak_megabytes=peak,
        )


QUOTED_LINES = 20  # last lines quoted in an error

_BY_STATUS = {
    126: "the shell found the command but may not run it: is it executable (`chmod +x`), does it begin with `#!`?",
    127: "the shell did not find the command: is it installed in this job, on PATH, spelled correctly?",
}
_BY_SIGNAL = {
    9: "the system killed it, mostly because memory ran out: use less data or a smaller batch, or a larger runner",
    6: "the program aborted, mostly because of a failed assertion or a memory error in native code",
    11: "a crash in native code (segmentation fault), mostly because of incompatible libraries or a damaged model",
    15: "it was asked to end: the job was cancelled, or the command ends its own process group",
    24: "it reached a limit of CPU time (`ulimit -t`)",
    25: "it reached a limit of file size (`ulimit -f`)",
}
_BY_WORDS = (
    (
        "ModuleNotFoundError",
        "a Python package is missing in this job: install the project's requirements before mlci runs",
    ),
    ("No space left on device", "the disk is full"),
    ("MemoryError", "memory ran out: use less data or a smaller batch, or a larger runner"),
    ("[[: not found", "commands run under /bin/sh; for bash write `bash -euo pipefail -c '…'`"),
    ("source: not found", "commands run under /bin/sh: write `. file` for `source file`"),
)


def step_outcome(ran: StepResult) -> str:
    """Return how a step ended in a few words."""
    if ran.timed_out:
        return "timed out"
    if ran.signal is not None:
        return f"ended by {_signal(ran.signal)}"
    return "ended well" if ran.status == 0 else f"exit status {ran.status}"


def step_result(ran: StepResult | None) -> StepResultWord:
    """Return how a step ended as one word; ``None`` if mlci was stopped, or could not start it."""
    if ran is None:
        return "error"
    if ran.timed_out:
        return "timeout"
    return "success" if ran.status == 0 else "failure"


def explain_failure(step: Step, ran: StepResult) -> str:
    """Return the error message for a step that failed."""
    command = f"`{one_line(step.command)}` " if isinstance(step.command, str) else ""
    parts = [f"{step.name} failed: {command}{_ending(step, ran)}"]
    if ran.tail:
        lines = ran.tail[-QUOTED_LINES:]
        parts.append("the last line it printed:" if len(lines) == 1 else f"the last {len(lines)} lines it printed:")
        parts += [f"    {line}" for line in lines]
    else:
        parts.append("it printed nothing")
    reason = _reason(ran)
    if reason:
        parts.append(f"usual reason: {reason}")
    if step.fix:
        parts.append(f"to change: {step.fix}")
    return "\n".join(parts)


def _ending(step: Step, ran: StepResult) -> str:
    if ran.timed_out:
        return f"was ended because it took longer than its time-out of {step_duration(step.timeout)}"
    if ran.signal is not None:
        return f"was ended by {_signal(ran.signal)} after {step_duration(ran.seconds)}{_memory(ran)}"
    return f"ended with exit status {ran.status} after {step_duration(ran.seconds)}"


def _memory(ran: StepResult) -> str:
    return f", at a peak of {ran.peak_megabytes:,.0f} MB" if ran.peak_megabytes is not None else ""


def _reason(ran: StepResult) -> str:
    """Return the usual reason for this end; empty if none is known."""
    if ran.timed_out:
        return "it hangs, waits for input (there is none), or needs a longer `timeout:`"
    output = "\n".join(ran.tail[-QUOTED_LINES:])
    for sign, reason in _BY_WORDS:
        if sign in output:
            return reason
    status = ran.status or 0
    number = ran.signal or (status - 128 if status > 128 else 0)  # a shell reports its command's signal as 128 + n
    return _BY_SIGNAL.get(number, "") or _BY_STATUS.get(status, "")


def _signal(number: int) -> str:
    """Return ``SIGKILL (9)``, or ``signal 77`` for one without a name."""
    try:
        return f"{signal.Signals(number).name} ({number})"
    except ValueError:
        return f"signal {number}"
