"""GitHub's runner: the environment of a workflow run, step outputs and the job summary.

Source: GitHub's documentation, "Workflow commands for GitHub Actions", *Setting an output parameter* and *Adding a job
summary*. Nothing is ever written to ``GITHUB_ENV`` or ``GITHUB_PATH``.

Outside of a workflow the runner's variables are not set, and nothing is written.
"""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

from mlci.errors import InputError, Problem
from mlci.execution.sanitize import sanitize
from mlci.publish import event as publish_event
from mlci.publish.event import Event, event_facts
from mlci.publish.runs import Invocation, Run, parse_run, read_invocation
from mlci.publish.training_request import is_training_requested
from mlci.report.comment import SUMMARY_BUDGET, render_summary
from mlci.report.document import Report
from mlci.report.text.escape import plain_text
from mlci.report.text.markup import Links, Markdown
from mlci.util.safe_files import append_bounded, read_bounded

_TOKEN = re.compile(r"[!-~]+")
GUIDE = "https://github.com/mlci/mlci/blob/main/docs/explanation/how-gates-decide.md"
NO_ROOM = "The report does not fit into the rest of this step's summary; the artifact contains all of it.\n"
_LONGEST = 2_500  # of a line; the longest is a note or a reason from the ledger


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """Environment of a workflow run; each part may be missing, as on a developer's machine.

    Attributes:
        event, event_path: ``GITHUB_EVENT_NAME``, ``GITHUB_EVENT_PATH``.
        repository, sha, actor: ``GITHUB_REPOSITORY``, ``GITHUB_SHA``, ``GITHUB_ACTOR``.
        run: ``GITHUB_RUN_ID`` and ``GITHUB_RUN_ATTEMPT``.
        api, server: ``GITHUB_API_URL``, ``GITHUB_SERVER_URL``.
        summary, output: ``GITHUB_STEP_SUMMARY``, ``GITHUB_OUTPUT``.
        file, base, job: ``GITHUB_WORKFLOW_REF`` or else ``GITHUB_WORKFLOW``, ``GITHUB_BASE_REF``, ``GITHUB_JOB``.
        matrix: ``MLCI_MATRIX``, the values of the job's matrix as JSON.
        page: ``MLCI_PAGE``, the address of the artifact with the page, if it belongs to the repository.
        temp: ``RUNNER_TEMP``, which the runner empties before each job.
        token: ``MLCI_TOKEN``, else ``GITHUB_TOKEN``.
        wrong: Variables with impossible values; they count as missing, and the command that needs one reports it.
    """

    event: str | None
    event_path: Path | None
    repository: str | None
    sha: str | None
    actor: str | None
    run: Run | None
    api: str
    server: str
    summary: Path | None
    output: Path | None
    temp: Path | None
    token: str | None = field(repr=False)
    file: str | None = None
    base: str | None = None
    job: str | None = None
    matrix: str | None = None
    page: str | None = None
    wrong: InputError | None = None

    def links(self, head: str | None) -> Links:
        """Return the links of a report on a commit."""
        if self.repository is None:
            return Links(guide=GUIDE)
        root = f"{self.server}/{self.repository}"
        page = self.page if (self.page or "").startswith(f"{root}/") else None
        return Links(repository=root, commit=head, report=self.run_url, page=page, guide=GUIDE)

    @property
    def run_url(self) -> str | None:
        """Return the run's page."""
        known = self.repository is not None and self.run is not None
        return f"{self.server}/{self.repository}/actions/runs/{self.run.id}" if known and self.run else None

    @property
    def invocation(self) -> Invocation:
        """Return the invocation: workflow file, event, job and matrix values."""
        return read_invocation(
            workflow=self.file or "",
            event=self.event or "",
            base=self.base or "",
            job=self.job or "",
            matrix=self.matrix,
        )

    def facts(self) -> Event:
        """Read the event.

        Raises:
            InputError: if the payload is missing or can't be parsed.
        """
        if self.event is None:
            return Event(name="", why="this is not a workflow run: GITHUB_EVENT_NAME is not set")
        return event_facts(self.event, self.payload(), sha=self.sha, actor=self.actor)

    def payload(self) -> publish_event.Object:
        """Return the event's payload; an empty one without a file.

        Raises:
            InputError: if it can't be read or parsed.
        """
        if self.event_path is None:
            return {}
        try:
            data = read_bounded(self.event_path, publish_event.MOST_BYTES)
        except OSError as error:
            raise InputError(Problem(f"the event can't be read: {error.strerror}", str(self.event_path))) from error
        return publish_event.parse_payload(data, path=str(self.event_path))


def read_workflow(environment: Mapping[str, str]) -> Workflow:
    """Read the environment."""

    def said(name: str) -> str | None:
        return environment.get(name, "").strip() or None

    def place(name: str) -> Path | None:
        return Path(value) if (value := said(name)) else None

    secret = "MLCI_TOKEN" if said("MLCI_TOKEN") else "GITHUB_TOKEN"
    wrong = _wrong(said("GITHUB_REPOSITORY"), secret, said(secret))
    return Workflow(
        event=said("GITHUB_EVENT_NAME"),
        event_path=place("GITHUB_EVENT_PATH"),
        repository=publish_event.payload_repository({"full_name": said("GITHUB_REPOSITORY")}),
        sha=said("GITHUB_SHA"),
        actor=said("GITHUB_ACTOR"),
        run=parse_run(f"{said('GITHUB_RUN_ID')}.{said('GITHUB_RUN_ATTEMPT') or 1}"),
        api=(said("GITHUB_API_URL") or "https://api.github.com").rstrip("/"),
        server=(said("GITHUB_SERVER_URL") or "https://github.com").rstrip("/"),
        summary=place("GITHUB_STEP_SUMMARY"),
        output=place("GITHUB_OUTPUT"),
        temp=place("RUNNER_TEMP"),
        token=said(secret),
        file=said("GITHUB_WORKFLOW_REF") or said("GITHUB_WORKFLOW"),
        base=said("GITHUB_BASE_REF"),
        job=said("GITHUB_JOB"),
        matrix=said("MLCI_MATRIX"),
        page=said("MLCI_PAGE"),
        wrong=InputError(*wrong) if wrong else None,
    )


def read_members_token(environment: Mapping[str, str]) -> str | None:
    """Return the token that may read the members of the organization; ``None`` without one.

    Raises:
        InputError: if it has characters that no token has.
    """
    name = "MLCI_MEMBERS_TOKEN"
    token = environment.get(name, "").strip() or None
    if problems := _wrong(None, name, token):
        raise InputError(*problems)
    return token


def _wrong(repository: str | None, secret: str, token: str | None) -> list[str]:
    """Return problems with the values of variables; a token is never shown."""
    problems = []
    if repository is not None and publish_event.payload_repository({"full_name": repository}) is None:
        problems.append(
            f"GITHUB_REPOSITORY is {plain_text(repository)!r}, which is not OWNER/NAME; GitHub's runner sets it, and "
            "on a machine write `export GITHUB_REPOSITORY=owner/name`"
        )
    if token is not None and not _TOKEN.fullmatch(token):
        problems.append(
            f"{secret} has a line break, a space or another character in it that no token has, so it can't be sent; "
            f"in a workflow write `{secret}: ${{{{ github.token }}}}`, or store the secret again, the token alone"
        )
    return problems


def head_of_this_run(elsewhere: Callable[[frozenset[str]], str | None] = lambda _: None) -> str | None:
    """Return the commit that the candidate is made from, by the environment.

    ``MLCI_HEAD_SHA`` if it is set, else the event's head, else ``GITHUB_SHA`` in a workflow; ``None`` outside of one.

    Args:
        elsewhere: Returns the commit of a checkout that contains none of the run's commits, such as the base on
            ``pull_request_target``; that commit was measured, and not the head.
    """
    if given := os.environ.get("MLCI_HEAD_SHA"):
        return given
    workflow = read_workflow(os.environ)
    if workflow.event_path is None:
        return None
    try:
        event = workflow.facts()
    except InputError:  # `mlci publish` reports a payload that can't be read
        event = Event(name="")
    return elsewhere(event.commits(workflow.sha)) or event.head or workflow.sha


def is_public_repository(environment: Mapping[str, str]) -> bool:
    """Check if everyone can read what this workflow run writes; ``True`` if a run's repository is not known.

    Outside of a workflow, reports stay on this machine.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return False
    try:
        payload = read_workflow(environment).payload()
    except InputError:
        return True
    repository = publish_event.payload_part(payload, "repository")
    return repository is None or repository.get("private") is not True


def is_training_requested_here(environment: Mapping[str, str], label: str) -> bool:
    """Check if this run may train, if training has to be asked for; a payload that can't be read asks for nothing."""
    workflow = read_workflow(environment)
    try:
        payload = workflow.payload()
    except InputError:
        payload = {}
    attempt = workflow.run.attempt if workflow.run is not None else 1
    return is_training_requested(workflow.event, payload, attempt=attempt, label=label)


def write_outputs(path: Path | None, values: Mapping[str, str]) -> str | None:
    """Append outputs, each between random delimiters; return the problem, if there was one."""
    if path is None:
        return None
    return _append(path, "".join(_output(name, value) for name, value in values.items()))


def write_summary(path: Path | None, render: Callable[[int], str]) -> str | None:
    """Append ``render(bytes)`` to the job summary, given the bytes that are left; return the problem, if any."""
    if path is None:
        return None
    try:
        room = SUMMARY_BUDGET - (path.stat().st_size if path.exists() else 0)
        text = render(room)
    except OSError as error:
        return f"can't write to {path}: {error.strerror}"
    except ValueError:  # not even the verdict fits
        text = NO_ROOM
    if len(text.encode()) > room:
        text = NO_ROOM
    return _append(path, f"{text.rstrip()}\n\n") if len(text.encode()) + 2 <= room else None


def _output(name: str, value: str) -> str:
    delimiter = f"mlci-{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _append(path: Path, text: str) -> str | None:
    try:
        append_bounded(path, text.encode("utf-8", "replace"))
    except OSError as error:
        return f"can't write to {path}: {error.strerror}"
    return None


def write_step_result(outputs: Mapping[str, object], text: str, *, report: Report | None = None) -> None:
    """Write outputs, the decision, and the report if it is a new one.

    Args:
        outputs: By name; ``None`` is written as an empty text, a boolean as `true` or `false`.
        text: Lines as on the terminal.
        report: A report that no earlier step has shown.
    """
    workflow = read_workflow(os.environ)
    problems = [write_outputs(workflow.output, {name: _said(value) for name, value in outputs.items()})]
    written = Markdown()
    lines = [f"- {written.text(line, longest=_LONGEST)}" for line in text.splitlines()]
    problems.append(write_summary(workflow.summary, lambda _: "\n".join(lines)))
    if report is not None:
        links = workflow.links(report.candidate.commit)
        problems.append(write_summary(workflow.summary, lambda room: render_summary(report, links=links, budget=room)))
    for problem in filter(None, problems):
        click.echo(sanitize(problem), err=True)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
