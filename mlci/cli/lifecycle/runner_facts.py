"""Facts about the runner of this job, for the price of its minutes, and the time since the job began."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mlci.cli.github_actions import read_workflow
from mlci.cost.runner import RunnerFacts
from mlci.errors import InputError
from mlci.publish.event import payload_part

_GPU = Path("/dev/nvidia0")
_LONGEST_JOB = 35 * 86_400
"""Seconds; a job of GitHub Actions ends after 35 days at the latest (documentation page "Actions limits")."""


def read_runner(environment: Mapping[str, str]) -> RunnerFacts | None:
    """Return the runner of this job; ``None`` outside of a workflow."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return None
    return RunnerFacts(
        environment=environment.get("RUNNER_ENVIRONMENT", ""),
        name=environment.get("RUNNER_NAME", ""),
        system=environment.get("RUNNER_OS", ""),
        architecture=environment.get("RUNNER_ARCH", ""),
        cores=os.cpu_count() or 0,
        gpu=_GPU.exists(),
        private=_is_private(environment),
    )


def _is_private(environment: Mapping[str, str]) -> bool | None:
    """Check if the repository is private; ``None`` if the event does not say so."""
    try:
        repository = payload_part(read_workflow(environment).payload(), "repository")
    except InputError:
        return None
    private = (repository or {}).get("private")
    return private if isinstance(private, bool) else None


def clock_since_start(environment: Mapping[str, str]) -> Callable[[], float]:
    """Return a clock of the seconds since this job began, or this process outside of a job.

    The runner writes the event's file when a job begins, before its first step.
    """
    begun, path = time.monotonic(), read_workflow(environment).event_path
    before = 0.0
    if path is not None and environment.get("GITHUB_ACTIONS") == "true" and path.exists():
        since = time.time() - path.stat().st_mtime
        before = since if 0 <= since <= _LONGEST_JOB else 0.0
    return lambda: before + time.monotonic() - begun
