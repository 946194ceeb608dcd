"""Port that runs a user's command, and the runner that refuses every command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mlci.errors import UserCodeError


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command to run.

    Attributes:
        name: What reports, logs and errors call it: ``train``, ``predict``, ``baseline train``.
        command: As the user wrote it, for ``/bin/sh -e -c``: ``-e`` as GitHub's own ``run:`` does, so that a failing
            line in the middle of several fails the step. A tuple is run as it is, without a shell.
        cwd: Folder that it runs in; it has to exist.
        env: Variables on top of the cleaned environment (:mod:`mlci.execution.environment`).
        named: Variables of the registry's credentials that it gets all the same.
        timeout: Seconds of wall time after which the step is ended and counts as failed.
        fix: What a user could change when it fails, e.g. ``train.run`` in mlci.yml; ends the error text.
    """

    name: str
    command: str | tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    timeout: float = 3600
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """How a step ended and what it cost.

    Attributes:
        status: Exit status; ``None`` when a signal ended it.
        signal: Number of the signal that ended it.
        timed_out: Whether it was ended because its time was up.
        seconds: Wall time.
        cpu_seconds: User and system time of the command and of every descendant that was waited for (wait4(2)).
        peak_megabytes: Largest resident set of any **single** process among them, in 10⁶ bytes (``ru_maxrss``); the sum
            over processes that run side by side is not known to the kernel and may be larger.
        tail: Last lines of output, cleaned.
        lines: Lines of output in all.
    """

    status: int | None
    signal: int | None = None
    timed_out: bool = False
    seconds: float
    cpu_seconds: float | None = None
    peak_megabytes: float | None = None
    tail: tuple[str, ...] = ()
    lines: int = 0


class Runner(Protocol):
    """Anything that can run a step."""

    def run(self, step: Step) -> StepResult:
        """Run the step to its end; :class:`mlci.errors.StepError` unless it ends with status 0 in time."""
        ...


class RefusingRunner:
    """Implements :class:`mlci.execution.interface.Runner` where the job's token can write the registry."""

    def run(self, step: Step) -> StepResult:
        """Refuse the step.

        Raises:
            UserCodeError: if it is called at all.
        """
        raise UserCodeError(f"the step `{step.name}` would have to run")
