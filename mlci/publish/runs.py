"""Workflow runs, the hidden comment marker that names one, and the invocations that they belong to.

A new run or attempt of the same invocation replaces its earlier verdict. Different invocations all count.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from urllib.parse import unquote

from mlci.publish.check_content import shorten_text

_WRITTEN = re.compile(r"([0-9]{1,20})\.([0-9]{1,6})")


@dataclass(frozen=True, order=True)
class Run:
    """One attempt of one workflow run; GitHub numbers runs of a repository upwards.

    Attributes:
        id: ``GITHUB_RUN_ID``.
        attempt: ``GITHUB_RUN_ATTEMPT``, from 1.
    """

    id: int
    attempt: int

    def __str__(self) -> str:
        """Write ``1842.1``."""
        return f"{self.id}.{self.attempt}"


def parse_run(text: str | None) -> Run | None:
    """Read ``1842.1``; ``None`` for anything else."""
    match = _WRITTEN.fullmatch(text or "")
    return Run(int(match[1]), int(match[2])) if match else None


_MARKER = re.compile(r"<!-- mlci ((?:[a-z]+=[^\s<>]{1,400})(?: [a-z]+=[^\s<>]{1,400}){0,8}) -->")
_RUN_PART = re.compile(r"\brun=[0-9.]+")
_LINK = re.compile(r"/actions/runs/[0-9]+(?:/attempts/[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Marker:
    """Content of a marker.

    Attributes:
        model: The model's name.
        head: The commit.
        run: The run that wrote it; ``None`` is older than every run.
    """

    model: str
    head: str | None
    run: Run | None


def read_marker(body: str) -> Marker | None:
    """Read the marker; ``None`` unless it is the whole first line."""
    match = _MARKER.fullmatch(body.split("\n", 1)[0].rstrip("\r"))
    if match is None:
        return None
    facts = dict(fact.split("=", 1) for fact in match[1].split(" "))
    return Marker(
        model=unquote(facts.get("id", "")), head=unquote(facts.get("head", "")) or None, run=parse_run(facts.get("run"))
    )


def without_run(body: str) -> str:
    """Return a comment without the parts that differ between equal runs: run id, link to the run, line ends."""
    first, _, rest = body.replace("\r\n", "\n").rstrip().partition("\n")
    return f"{_RUN_PART.sub('run=', first)}\n{_LINK.sub('/actions/runs/', rest)}"


LONGEST_LABEL = 60
"""Characters of a label; it is shown in a table and in a commit status of 140 characters."""


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One invocation.

    Attributes:
        key: Digest of all its parts.
        label: Short text for people.
    """

    key: str
    label: str


def read_invocation(
    *, workflow: str = "", event: str = "", base: str = "", job: str = "", matrix: str | None = None
) -> Invocation:
    """Identify an invocation.

    Args:
        workflow: ``GITHUB_WORKFLOW_REF``, or a name; the ref after ``@`` does not count, for it differs by branch.
        event: ``GITHUB_EVENT_NAME``.
        base: ``GITHUB_BASE_REF``: pull requests of one commit into two branches are two invocations.
        job: ``GITHUB_JOB``.
        matrix: The values of the job's matrix as JSON, ``${{ toJSON(matrix) }}``.
    """
    path = _path(workflow)
    values = _values(matrix)
    written = json.dumps([path, event, base, job, values], sort_keys=True)
    return Invocation(key=hashlib.sha256(written.encode()).hexdigest()[:16], label=_label(path, event, job, values))


def _path(workflow: str) -> str:
    """Return `.github/workflows/mlci.yml` of `owner/name/.github/workflows/mlci.yml@refs/heads/main`."""
    whole, at, _ = workflow.partition("@")
    parts = whole.split("/", 2)
    return parts[2] if at and len(parts) == 3 else workflow


def _values(matrix: str | None) -> object:
    """Read the matrix; text that is not JSON is used as it is, so that it still distinguishes two jobs."""
    text = (matrix or "").strip()
    try:
        return json.loads(text) or None if text else None
    except (ValueError, RecursionError):
        return text


def _label(path: str, event: str, job: str, values: object) -> str:
    cells = list(values.values()) if isinstance(values, dict) else [values] if values is not None else []
    shown = ", ".join(one if isinstance(one, str) else json.dumps(one) for one in cells)
    parts = [f"{job} ({shown})" if shown else job, event, path.rpartition("/")[2]]
    return shorten_text(" · ".join(part for part in parts if part) or "unknown", LONGEST_LABEL)
