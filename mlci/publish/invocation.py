"""Invocations: the workflow file, event, job and matrix values that ask for a verdict on a commit.

A new run or attempt of the same invocation replaces its earlier verdict. Different invocations all count.
"""

import hashlib
import json
from dataclasses import dataclass

from mlci.publish.check import shorten_text

LONGEST = 60
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
    return shorten_text(" · ".join(part for part in parts if part) or "unknown", LONGEST)
