"""A job on an imagined runner: contexts, environment, status, and the steps that it has run."""

import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.harness.language import Language
from tests.support.workflow_commands import Annotation


@dataclass
class Ran:
    """One step that ran or was skipped. ``outcome`` is before ``continue-on-error``, ``conclusion`` after it."""

    name: str
    outcome: str = "skipped"
    conclusion: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    set_env: dict[str, str] = field(default_factory=dict)
    set_path: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    steps: list["Ran"] = field(default_factory=list)

    def every(self) -> list["Ran"]:
        """The step itself and all that ran inside it, in order."""
        return [self, *(inner for step in self.steps for inner in step.every())]

    def outline(self) -> str:
        """One line for each step."""
        return "\n".join(f"{'  ' * (step is not self)}{step.outcome:9} {step.name}" for step in self.every())


@dataclass
class Job:
    """The state of one job.

    ``env`` is that of the workflow, which expressions see; ``machine`` is the runner's own, which only processes see;
    ``standins`` maps ``owner/repository`` to a folder that takes that action's place.
    """

    language: Language
    scratch: Path
    github: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    standins: dict[str, Path] = field(default_factory=dict)
    stop: Callable[[], bool] = lambda: False
    status: str = "success"
    made: int = 0

    def __post_init__(self) -> None:
        self.workspace = self.scratch / "workspace"
        self.temp = self.scratch / "temp"
        for folder in (self.workspace, self.temp):
            folder.mkdir(parents=True, exist_ok=True)
        self.github = {"workspace": str(self.workspace), "job": "job", **self.github}

    def fresh(self, name: str) -> Path:
        """A path below the job's temporary folder that nothing has used."""
        self.made += 1
        return self.temp / f"{self.made:03}-{name}"

    def cancelled(self) -> bool:
        """Return true if the run was cancelled by now; the status keeps it."""
        if self.stop():
            self.status = "cancelled"
        return self.status == "cancelled"

    def contexts(self) -> dict[str, Any]:
        """The contexts of a step at the level of the job."""
        self.cancelled()
        return {
            "github": dict(self.github),
            "job": {"status": self.status},
            "runner": {"os": platform.system().replace("Darwin", "macOS"), "arch": "X64", "temp": str(self.temp)},
            "env": dict(self.env),
            "strategy": {},
            "matrix": {},
        }

    def environment(self) -> dict[str, str]:
        """Return the environment of the job's processes. No token: a step gets one only by an action's input."""
        hidden = {"token", "event"}
        default = {f"GITHUB_{key.upper()}": str(value) for key, value in self.github.items() if key not in hidden}
        runner = {"RUNNER_TEMP": str(self.temp), "RUNNER_OS": platform.system().replace("Darwin", "macOS")}
        return {**self.machine, **default, **runner, "CI": "true", "GITHUB_ACTIONS": "true", **self.env}
