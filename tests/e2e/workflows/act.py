"""Runs a workflow with nektos/act in host mode, and reads what it did from its log of JSON lines.

act is not the runner. Relevant differences (v0.2.87, read and tried):

- It takes no notice of `permissions:`, `concurrency:`, `environment:` and a job's `timeout-minutes`, and refuses a
  workflow whose `concurrency:` has a `queue:`, which GitHub knows since May 2026: it gets a copy without that line.
- Composite actions get `INPUT_` variables, and inside of them `job.status` tells about their own steps. The harness
  beside this folder does both as GitHub's runner does.
- It does not know `uses: $/path`, an action at the workflow's own commit. In the copy of this repository that is handed
  to it, such lines name the repository (machine.py).
- In a cancelled run it skips what an action holds, `always()` around it or not.
- It supports no forks: the caller passes the token that such a run would get.
"""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.machine import ACT, OURS, STANDINS, checkout, environment

_USES = re.compile(r"^\s*(?:-\s+)?uses:\s*([^\s#@]+)@(\S+)", re.MULTILINE)
_QUEUE = re.compile(r"^  queue: .*\n", re.MULTILINE)
LONGEST = 300.0


@dataclass(frozen=True, kw_only=True)
class Start:
    """GitHub's input for a workflow run."""

    workflow: Path
    event: str
    payload: Mapping[str, Any]
    token: str
    env: Mapping[str, str]
    scratch: Path
    actor: str = "octocat"
    uv: bool = True
    cancel_when: Callable[[], bool] | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Run:
    """A workflow that has ended."""

    code: int
    seconds: float
    lines: list[dict[str, Any]] = field(default_factory=list)
    errors: str = ""

    @property
    def log(self) -> str:
        """Return the log as GitHub shows it: one line of output after the other, under its job."""
        lines = [f"[{line.get('jobID', 'act')}] {line['msg'].rstrip()}" for line in self.lines]
        return "\n".join([*lines, self.errors])

    @property
    def output(self) -> str:
        """The output of steps alone."""
        return "\n".join(line["msg"].rstrip("\n") for line in self.lines if line.get("raw_output"))

    @property
    def summaries(self) -> list[str]:
        return [line["content"] for line in self.lines if line.get("command") == "summary"]

    @property
    def jobs(self) -> dict[str, str]:
        """Each job's result."""
        ended = [line for line in self.lines if "jobResult" in line]
        return {line["jobID"]: line["jobResult"] for line in ended}

    def outputs(self, step: str) -> dict[str, str]:
        """The outputs of the job's step of that id."""
        found = [line for line in self.lines if line.get("command") == "set-output" and line.get("stepID") == [step]]
        return {line["name"]: line["arg"] for line in found}

    def annotations(self, level: str) -> list[str]:
        """The messages of a level: ``notice``, ``warning`` or ``error``."""
        return [line["arg"] for line in self.lines if line.get("command") == level]


def run(start: Start) -> Run:
    """Run the workflow; GitHub's own actions are replaced, mlci's come from this checkout."""
    start.scratch.mkdir(parents=True, exist_ok=True)
    event = start.scratch / "event.json"
    event.write_text(json.dumps(start.payload), "utf-8")
    began = time.monotonic()
    with (
        (start.scratch / "act.jsonl").open("w+", encoding="utf-8") as log,
        (start.scratch / "act.err").open("w+") as err,
    ):
        process = subprocess.Popen(
            _command(start, event),
            cwd=_empty(start.scratch / "nothing"),
            env=environment(start.scratch.parent / "home", uv=start.uv)
            | {"E2E_ARTIFACTS": str(start.scratch.parent / "artifacts")},
            stdout=log,
            stderr=err,
        )
        try:
            _wait(process, start.cancel_when)
        except TimeoutError as error:
            log.seek(0)
            raise TimeoutError(f"{error}; the end of its log:\n{log.read()[-4_000:]}") from None
        log.seek(0)
        err.seek(0)
        lines = [json.loads(line) for line in log if line.startswith("{")]
        return Run(process.returncode, time.monotonic() - began, lines, err.read())


def _command(start: Start, event: Path) -> list[str]:
    workflow = start.scratch / start.workflow.name
    workflow.write_text(_QUEUE.sub("", start.workflow.read_text("utf-8")), "utf-8")
    words = [str(ACT), start.event, "--json", "--workflows", str(workflow), "--eventpath", str(event)]
    for label in ("ubuntu-latest", "self-hosted", "gpu"):
        words += ["--platform", f"{label}=-self-hosted"]
    words += ["--no-skip-checkout", "--no-cache-server"]
    words += ["--action-cache-path", str(start.scratch / "runner"), "--actor", start.actor]
    for name, value in {**start.secrets, "GITHUB_TOKEN": start.token}.items():
        words += ["--secret", f"{name}={value}"]
    for name, value in start.env.items():
        words += ["--env", f"{name}={value}"]
    for uses, folder in sorted(_mapped(start.workflow).items()):
        words += ["--local-repository", f"{uses}={folder}"]
    return words


def _mapped(workflow: Path) -> dict[str, Path]:
    """Every `owner/repository@ref` that the workflow or one of mlci's actions names, and the folder for it."""
    own = checkout()
    texts = [
        workflow,
        *own.glob("action.yml"),
        *own.glob("actions/*/action.yml"),
        *own.glob(".github/workflows/*.yml"),
    ]
    found = {match for text in texts for match in _USES.findall(text.read_text("utf-8"))}
    mapped = {}
    for uses, ref in found:
        repository = "/".join(uses.split("/")[:2])
        folder = own if repository == OURS else STANDINS / repository.removeprefix("actions/")
        mapped[f"{repository}@{ref.strip(chr(34))}"] = folder
    return mapped


def _wait(process: "subprocess.Popen[bytes]", cancel_when: Callable[[], bool] | None) -> None:
    ends = time.monotonic() + LONGEST
    while process.poll() is None and time.monotonic() < ends:
        if cancel_when is not None and cancel_when():
            process.send_signal(signal.SIGINT)
            cancel_when = None
        time.sleep(0.05)
    if process.poll() is None:
        process.kill()
        raise TimeoutError(f"act did not end within {LONGEST:.0f} s")


def _empty(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
