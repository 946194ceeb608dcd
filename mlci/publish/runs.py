"""Workflow runs by id and attempt, and the hidden comment marker that names one."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

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
_RUN = re.compile(r"\brun=[0-9.]+")
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
    return f"{_RUN.sub('run=', first)}\n{_LINK.sub('/actions/runs/', rest)}"
