"""Workflow files of GitHub Actions: events, jobs, steps, and the parts of mlci that they use."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mlci.config.types import Path
from mlci.operations.doctor.checks.finding import LineInsertion
from mlci.operations.doctor.matrix import Combination, combinations
from mlci.operations.doctor.yaml_nodes import YamlNodes, read_nodes

FOLDER = ".github/workflows"
PULL_REQUESTS = ("pull_request", "pull_request_target")
_USE = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?P<path>/[^@\s]+)?@(?P<ref>\S+)")
_SAME_REPOSITORY = re.compile(
    r"\$/(?P<path>\.|actions/[\w-]+|\.github/workflows/(model-ci(-oidc)?|sealed-(train|gate))\.yml)"
)
_COMMAND = re.compile(
    r"""(?:\bmlci["']?|\$\{?MLCI\}?["']?)[ \t]+"""
    r"(run|train|evaluate|gate|publish|promote|rollback|sealed[ \t]+(?:predict|gate))\b"
)
_REUSABLE = re.compile(r"/\.github/workflows/(?P<name>model-ci(-oidc)?|sealed-train|sealed-gate)\.ya?ml")
_STAGES = {"sealed-train": frozenset({"sealed-predict"}), "sealed-gate": frozenset({"sealed-gate"})}
_COMMIT = re.compile(r"[0-9a-f]{40}")
_OWN_COMMIT = "$"
_CHECKOUT, _UPLOAD, _DOWNLOAD = "actions/checkout", "actions/upload-artifact", "actions/download-artifact"
_HEAD = re.compile(r"github\.head_ref|github\.event\.(pull_request\.head|workflow_run\.head|pull_request\.number)")
_FETCH_HEAD = re.compile(r"gh\s+pr\s+checkout|refs/pull/|\bpull/\$")


@dataclass(frozen=True)
class ActionUse:
    """Content of a `uses:`: repository, path inside it, and the reference."""

    repository: str
    path: str
    ref: str

    @property
    def is_mlci(self) -> bool:
        """Whether it is an action or a workflow of mlci, also in a fork or a mirror."""
        return self.repository.lower().endswith("/mlci")

    def is_of(self, repository: str) -> bool:
        """Whether it is of a repository; GitHub ignores the case of its owner and name."""
        return self.repository.lower() == repository.lower()

    @property
    def is_pinned(self) -> bool:
        """Whether it is pinned by a full commit hash, or is of the workflow's own commit."""
        return self.ref == _OWN_COMMIT or _COMMIT.fullmatch(self.ref) is not None


def parse_use(text: object) -> ActionUse | None:
    """Return the action of a `uses:`, also mlci's own in its repository; ``None`` for other local ones, containers."""
    if isinstance(text, str) and (own := _SAME_REPOSITORY.fullmatch(text)):
        return ActionUse("mlci/mlci", "" if own["path"] == "." else f"/{own['path']}", _OWN_COMMIT)
    found = _USE.fullmatch(text.strip()) if isinstance(text, str) else None
    return ActionUse(found["repository"], found["path"] or "", found["ref"]) if found else None


@dataclass(frozen=True)
class WorkflowStep:
    """A step of a job."""

    job: "WorkflowJob"
    index: int
    data: Mapping[str, Any]

    @cached_property
    def use(self) -> ActionUse | None:
        """The action that it uses; ``None`` for a script."""
        return parse_use(self.data.get("uses"))

    @cached_property
    def script(self) -> str:
        """Its script; empty for an action."""
        run = self.data.get("run")
        return run if isinstance(run, str) else ""

    @cached_property
    def stages(self) -> frozenset[str]:
        """Commands of mlci that it runs, such as ``run`` or ``publish``; ``open`` is `mlci publish --open`."""
        if self.use is None:
            opens = "publish --open" in self.script
            found = ("-".join(one.split()) for one in _COMMAND.findall(self.script))
            return frozenset("open" if one == "publish" and opens else one for one in found)
        if not self.use.is_mlci:
            return frozenset()
        if self.use.path == "":
            return frozenset({"run"} if str(self.input("publish", "true")).lower() == "false" else {"run", "publish"})
        if self.use.path == "/actions/publish" and str(self.input("open")).lower() == "true":
            return frozenset({"open"})
        return frozenset({self.use.path.removeprefix("/actions/")})

    @property
    def path(self) -> Path:
        """Path of the step in its file."""
        return ("jobs", self.job.id, "steps", self.index)

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Content of `with:`."""
        return _mapping(self.data.get("with"))

    @property
    def is_checkout(self) -> bool:
        """Whether it checks a repository out."""
        return self.use is not None and self.use.is_of(_CHECKOUT)

    @property
    def uploads(self) -> bool:
        """Whether it uploads an artifact."""
        return self.use is not None and self.use.is_of(_UPLOAD)

    @property
    def downloads(self) -> bool:
        """Whether it downloads an artifact."""
        return self.use is not None and self.use.is_of(_DOWNLOAD)

    @property
    def fetches_head(self) -> bool:
        """Whether it checks the head of a pull request out by name."""
        if self.is_checkout:
            return any(_HEAD.search(str(self.input(key))) for key in ("ref", "repository"))
        return _FETCH_HEAD.search(self.script) is not None

    def input(self, key: str, default: object = "") -> Any:  # noqa: ANN401 - any YAML scalar
        """Return an input of the action."""
        return self.inputs.get(key, default)


@dataclass(frozen=True)
class WorkflowJob:
    """A job of a workflow."""

    workflow: "WorkflowFile"
    id: str
    data: Mapping[str, Any]

    @cached_property
    def steps(self) -> tuple[WorkflowStep, ...]:
        """Its steps; empty for a job that calls a reusable workflow."""
        steps = self.data.get("steps")
        entries = steps if isinstance(steps, list) else []
        return tuple(WorkflowStep(self, index, one) for index, one in enumerate(entries) if isinstance(one, dict))

    @cached_property
    def use(self) -> ActionUse | None:
        """The reusable workflow that it calls."""
        return parse_use(self.data.get("uses"))

    @property
    def calls_mlci(self) -> bool:
        """Whether it calls a reusable workflow of mlci."""
        return self._called is not None

    @property
    def _called(self) -> str | None:
        found = _REUSABLE.fullmatch(self.use.path) if self.use is not None and self.use.is_mlci else None
        return found["name"] if found else None

    @cached_property
    def stages(self) -> frozenset[str]:
        """Commands of mlci that it runs."""
        if self._called is not None:
            return _STAGES.get(self._called, frozenset({"evaluate", "gate", "publish"}))
        return frozenset().union(*(step.stages for step in self.steps))

    @property
    def evaluates(self) -> bool:
        """Whether it runs the training or the prediction of the checked-out code."""
        return bool(self.stages & {"run", "train", "evaluate", "sealed-predict"})

    @property
    def trains_sealed(self) -> bool:
        """Whether it is the half of sealed mode that runs the code of pull requests from anyone."""
        return "sealed-predict" in self.stages

    @property
    def judges_sealed(self) -> bool:
        """Whether it is the half of sealed mode that judges and publishes."""
        return "sealed-gate" in self.stages

    @property
    def promotes(self) -> bool:
        """Whether it changes which version is in production."""
        return bool(self.stages & {"promote", "rollback"})

    @property
    def matrix(self) -> bool:
        """Whether it has a matrix."""
        return "matrix" in _mapping(self.data.get("strategy"))

    @property
    def environment(self) -> str:
        """Environment that it deploys to; empty without one."""
        written = self.data.get("environment")
        name = written.get("name") if isinstance(written, dict) else written
        return name if isinstance(name, str) else ""

    @cached_property
    def combinations(self) -> list[Combination] | None:
        """Combinations of its matrix: one without values if it has none; ``None`` if an expression computes them."""
        return combinations(self.data.get("strategy"))

    @property
    def permissions(self) -> Mapping[str, str] | None:
        """Permissions of its token, from the job or else the workflow; ``None`` if neither has any."""
        for owner in (self.data, self.workflow.data):
            if "permissions" in owner:
                return _permissions(owner["permissions"])
        return None

    @property
    def path(self) -> Path:
        """Path of the job in its file."""
        return ("jobs", self.id)

    def step_with(self, stage: str) -> WorkflowStep | None:
        """Return the first step that runs a command of mlci."""
        return next((step for step in self.steps if stage in step.stages), None)


@dataclass(frozen=True)
class WorkflowFile:
    """A workflow file.

    Attributes:
        path: From the top of the repository.
        text: Its content.
    """

    path: str
    text: str

    @cached_property
    def nodes(self) -> YamlNodes:
        """The content as data with positions."""
        return read_nodes(self.text)

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """The content; empty if it can't be read."""
        return _mapping(self.nodes.data)

    @cached_property
    def events(self) -> Mapping[str, Mapping[str, Any]]:
        """Events that start it, each with its filters."""
        written = self.data.get("on", self.data.get("true"))
        if isinstance(written, str):
            return {written: {}}
        if isinstance(written, list):
            return {str(name): {} for name in written}
        return {name: _mapping(filters) for name, filters in _mapping(written).items()}

    @cached_property
    def jobs(self) -> tuple[WorkflowJob, ...]:
        """Its jobs."""
        entries = _mapping(self.data.get("jobs")).items()
        return tuple(WorkflowJob(self, name, data) for name, data in entries if isinstance(data, dict))

    @property
    def uses_mlci(self) -> bool:
        """Whether one of its jobs uses mlci."""
        return any(job.stages or (job.use and job.use.is_mlci) for job in self.jobs)

    @property
    def evaluates(self) -> bool:
        """Whether one of its jobs evaluates."""
        return any(job.evaluates for job in self.jobs)

    @property
    def promotes(self) -> bool:
        """Whether one of its jobs promotes or rolls back."""
        return any(job.promotes for job in self.jobs)

    @property
    def is_gate(self) -> bool:
        """Whether it evaluates pull requests."""
        return self.evaluates and any(name in self.events for name in PULL_REQUESTS)

    def line(self, *path: str | int) -> int:
        """Return the line of a path."""
        return self.nodes.line(*path)

    def insert_key(self, place: Path, key: str, value: object, written: str) -> LineInsertion | None:
        """Return the insertion of a key before the first one of a mapping; ``None`` unless each key has its own line.

        Args:
            place: Path of the mapping.
            key: The new key.
            value: Its value.
            written: The entry's line without its indentation.
        """
        known = _mapping(self._at(place))
        position = self.nodes.positions.get((*place, next(iter(known), "")))
        if position is None or self._before(position.line, position.column).strip():
            return None
        line = " " * position.column + written
        return LineInsertion(path=self.path, after=position.line - 1, lines=(line,), place=(*place, key), value=value)

    def insert_after(self, place: Path, key: str, value: object, written: tuple[str, ...]) -> LineInsertion | None:
        """Return the insertion of a key after another one whose value is on the same line; ``None`` if it is not."""
        position = self.nodes.positions.get(place)
        if position is None or position.raw is None or self._before(position.line, position.column).strip(" -"):
            return None
        if not re.match(r"\s*\S+\s*:\s+[^|>\s]", self._lines[position.line - 1].replace("- ", "  ", 1)):
            return None
        lines = tuple(" " * position.column + line for line in written)
        return LineInsertion(path=self.path, after=position.line, lines=lines, place=(*place[:-1], key), value=value)

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.splitlines()

    def _before(self, line: int, column: int) -> str:
        return self._lines[line - 1][:column]

    def _at(self, place: Path) -> object:
        found: Any = self.data
        for part in place:
            found = found.get(part) if isinstance(found, dict) else _entry(found, part)
        return found


def _entry(found: object, part: str | int) -> object:
    return found[part] if isinstance(found, list) and isinstance(part, int) and part < len(found) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_ALL = ("contents", "checks", "statuses", "pull-requests", "actions", "id-token", "packages")


def _permissions(written: object) -> Mapping[str, str]:
    if written == "write-all":
        return dict.fromkeys(_ALL, "write")
    if written == "read-all":
        return dict.fromkeys(_ALL, "read")
    return {name: str(level) for name, level in _mapping(written).items()}


def find_environments(workflows: Iterable[WorkflowFile]) -> tuple[str, ...]:
    """Return the environments of the jobs of mlci that do not run the code of a pull request, by their names."""
    jobs = [job for workflow in workflows if workflow.uses_mlci for job in workflow.jobs if not job.evaluates]
    names = [job.environment for job in jobs]
    return tuple(dict.fromkeys(name for name in names if name and "${{" not in name))
