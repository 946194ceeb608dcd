"""Error messages for a failed step: cause, last lines of output, usual reason, remedy."""

import signal

from mlci.execution.interface import Step, StepResult
from mlci.execution.logs import one_line, step_duration

SAID = 20  # last lines quoted in an error

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


def explain_failure(step: Step, ran: StepResult) -> str:
    """Return the error message for a step that failed."""
    command = f"`{one_line(step.command)}` " if isinstance(step.command, str) else ""
    parts = [f"{step.name} failed: {command}{_ending(step, ran)}"]
    if ran.tail:
        lines = ran.tail[-SAID:]
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
    output = "\n".join(ran.tail[-SAID:])
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
