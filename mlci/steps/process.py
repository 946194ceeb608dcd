"""The adapter that runs steps as real processes.

A step runs in its own session under a small launcher (:mod:`mlci.steps.launcher`), with no input, stdout and stderr
merged. Its output is read as it comes, cleaned, shown, and let go: only the last lines are kept. When the command has
ended, whatever it left running is ended too; when its time is up, its group gets SIGTERM, and after a grace SIGKILL
goes to every descendant.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlci.errors import StepError
from mlci.steps.clean import clean
from mlci.steps.environment import child_environment, list_withheld
from mlci.steps.failure import explain, outcome
from mlci.steps.interface import Ran, Step
from mlci.steps.log import Log
from mlci.steps.output import Output

_LAUNCHER = str(Path(__file__).with_name("launcher.py"))
_CHUNK = 1 << 16
_KIBIBYTE, _MEGABYTE = 1024, 1_000_000


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the runner waits, in seconds, and how much it shows.

    Attributes:
        grace: Between SIGTERM and SIGKILL.
        drain: For output of processes that the command left behind.
        close: For everything to be gone after SIGKILL.
        shown_bytes: Output beyond this is not shown, only its last lines are.
    """

    grace: float = 5.0
    drain: float = 1.0
    close: float = 5.0
    shown_bytes: int = 16_000_000


class Processes:
    """Runs steps; implements :class:`mlci.steps.interface.Runner`."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        log: Log,
        patience: Patience | None = None,
        credentials: tuple[str, ...] = (),
    ) -> None:
        """Take our own environment, which is cleaned for every step, and the log that shows output.

        ``credentials`` are prefixes of variables that a step gets only if it names them; the log lists the withheld
        ones at the first step.
        """
        self._environment = environment
        self._credentials = credentials
        self._said = False
        self._log = log
        self._patience = patience or Patience()

    def run(self, step: Step) -> Ran:
        """Run the step to its end.

        Raises:
            StepError: It could not be started, ended with another status than 0, by a signal, or not in time.
        """
        command = ("/bin/sh", "-e", "-c", step.command) if isinstance(step.command, str) else step.command
        self._log.start(name=step.name, command=step.command if isinstance(step.command, str) else step.name)
        begun = time.monotonic()
        ending = "stopped"
        try:
            self._say_withheld(step)
            environment = child_environment(
                self._environment, step.env, credentials=self._credentials, named=step.named
            )
            with _started(command, step, environment) as watch:
                ran = watch.follow(self._log, self._patience)
            ending = outcome(ran)
        finally:  # an error printed inside of an open group would be folded away
            self._log.end(seconds=time.monotonic() - begun, outcome=ending)
        if ran.status != 0 or ran.timed_out:
            raise StepError(explain(step, ran))
        return ran

    def _say_withheld(self, step: Step) -> None:
        names = list_withheld(self._environment, self._credentials, step.named)
        if names and not self._said:
            self._said = True
            listed = clean(", ".join(names))
            self._log.line(
                f"mlci withholds the registry's credentials from steps: {listed}; a step gets those that it names, "
                f"e.g. `train: {{env: [{clean(names[0])}]}}`"
            )


@contextlib.contextmanager
def _started(command: tuple[str, ...], step: Step, environment: Mapping[str, str]) -> Iterator["_Watch"]:
    """Start the launcher, and see to it that nothing of it is left, whatever happens."""
    if sys.platform == "win32":
        raise StepError(f"{step.name}: commands run on Linux and macOS only; on Windows run mlci inside WSL")
    if not step.cwd.is_dir():
        raise StepError(f"{step.name}: the folder {step.cwd} does not exist")
    report, told = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, from their configuration
            [sys.executable, "-I", "-S", _LAUNCHER, str(told), *command],
            cwd=step.cwd,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(told,),
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        os.close(report)
        raise StepError(f"{step.name} could not be started: {error}") from error
    finally:
        os.close(told)
    watch = _Watch(process, report, step.timeout)
    try:
        yield watch
    finally:
        watch.close()


class _Watch:
    """Follows one launcher through its phases: running, terminating, draining, closing."""

    def __init__(self, process: "subprocess.Popen[bytes]", report: int, timeout: float) -> None:
        self._process = process
        self._report = report
        self._begun = time.monotonic()
        self._until = self._begun + timeout
        self._phase = "running"
        self._ended: float | None = None
        self._facts = b""
        self._timed_out = False

    def follow(self, log: Log, patience: Patience) -> Ran:
        """Read until command and output have ended; move on a phase whenever its time is up."""
        output = Output(log, patience.shown_bytes)
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - asked for above
        with selectors.DefaultSelector() as selector:
            selector.register(stdout.fileno(), selectors.EVENT_READ, output.take)
            selector.register(self._report, selectors.EVENT_READ, self._listen)
            while selector.get_map():
                now = time.monotonic()
                if now >= self._until and not self._advance(now, patience):
                    break
                for key, _ in selector.select(min(1.0, max(0.0, self._until - now))):
                    chunk = os.read(key.fd, _CHUNK)
                    key.data(chunk)
                    if not chunk:
                        selector.unregister(key.fd)
                        if key.fd == self._report:
                            self._enter("draining", patience.drain)
                output.tick(time.monotonic() - self._begun)
        output.finish()
        return self._result(output)

    def _listen(self, chunk: bytes) -> None:
        self._facts += chunk
        if not chunk and self._ended is None:
            self._ended = time.monotonic()

    def _enter(self, phase: str, seconds: float) -> None:
        self._phase, self._until = phase, time.monotonic() + seconds

    def _advance(self, now: float, patience: Patience) -> bool:
        """Go to the next phase; ``False`` when there is none."""
        if self._phase == "running":
            self._timed_out, self._ended = True, now
            with contextlib.suppress(OSError):
                assert self._process.stdin is not None  # noqa: S101 - asked for above
                self._process.stdin.write(b"T")
            self._enter("terminating", patience.grace)
        elif self._phase in {"terminating", "draining"}:
            self._let_go()
            self._enter("closing", patience.close)
        else:
            return False
        return True

    def _let_go(self) -> None:
        """Close the launcher's input, which makes it kill all that is left."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def close(self) -> None:
        """Leave no process and no open file behind."""
        self._let_go()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._report)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _result(self, output: Output) -> Ran:
        ended = self._ended if self._ended is not None else time.monotonic()
        try:
            facts = json.loads(self._facts)
            code = os.waitstatus_to_exitcode(facts["status"])
            unit = 1 if sys.platform == "darwin" else _KIBIBYTE  # getrusage(2): bytes on macOS, KiB on Linux
            costs = {"cpu_seconds": float(facts["cpu"]), "peak_megabytes": facts["maxrss"] * unit / _MEGABYTE}
            seconds = float(facts["seconds"])
        except (ValueError, KeyError, TypeError):  # somebody killed the launcher: nothing is known, so nothing is good
            code, costs, seconds = -9, {}, ended - self._begun
        return Ran(
            status=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            timed_out=self._timed_out,
            seconds=ended - self._begun if self._timed_out else seconds,
            tail=output.tail(),
            lines=output.lines,
            **costs,
        )
