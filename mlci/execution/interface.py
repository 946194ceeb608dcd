"""Port that runs a user's command, and the runner that refuses every command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mlci.cost.energy import Energy
from mlci.errors import UserCodeError


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command to run.

    Attributes:
        name: Name in reports, logs and errors: ``train``, ``predict``, ``baseline train``.
        command: As the user wrote it, for ``/bin/sh -e -c``: ``-e`` as GitHub's own ``run:`` does, so that a failing
            line in the middle of several fails the step. A tuple is run directly, without a shell.
        cwd: Folder that it runs in; it has to exist.
        env: Variables on top of the cleaned environment (:mod:`mlci.execution.environment`).
        named: Variables of the registry's credentials that it gets because the configuration names them.
        timeout: Seconds of wall time after which the step is ended and counts as failed.
        fix: Setting to change if it fails, e.g. ``train.run`` in mlci.yml; ends the error message.
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
    """Outcome and cost of a step.

    Attributes:
        status: Exit status; ``None`` if a signal ended it.
        signal: Number of the signal that ended it.
        timed_out: Whether it was ended by its time-out.
        seconds: Wall time.
        peak_megabytes: Largest resident set of any **single** process of it, in 10⁶ bytes (``ru_maxrss``); the sum
            over concurrent processes may be larger, and the kernel does not report it.
        tail: Last lines of output, sanitized.
        lines: Number of lines of output.
        energy: Energy of the machine while it ran; ``None`` if it was not to be read.
    """

    status: int | None
    signal: int | None = None
    timed_out: bool = False
    seconds: float
    peak_megabytes: float | None = None
    tail: tuple[str, ...] = ()
    lines: int = 0
    energy: Energy | None = None


class Runner(Protocol):
    """Port that runs steps."""

    def run(self, step: Step) -> StepResult:
        """Run the step to its end; :class:`mlci.errors.StepError` unless it ends with status 0 in time."""
        ...


class RefusingRunner:
    """Implements :class:`mlci.execution.interface.Runner` for jobs whose token can write the registry."""

    def run(self, step: Step) -> StepResult:
        """Refuse the step.

        Raises:
            UserCodeError: if it is called, for any step.
        """
        raise UserCodeError(f"the step `{step.name}` would have to run")
