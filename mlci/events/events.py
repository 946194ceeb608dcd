"""Kinds of events: what a run did, in the order in which it happened.

A new kind is a class here and a member of :data:`RunEvent`. Renderers ignore kinds that they do not show.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mlci.events.run_identity import RunIdentity

StepResultWord = Literal["success", "failure", "timeout", "error"]


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """A command began."""

    command: str
    run: RunIdentity
    version: str


@dataclass(frozen=True, kw_only=True)
class ModelSelected:
    """The configuration was read; it names the model."""

    model: str


@dataclass(frozen=True, kw_only=True)
class StepStarted:
    """A command of the user began."""

    name: str
    command: str


@dataclass(frozen=True, kw_only=True)
class StepLine:
    """A step printed a line; it is sanitized."""

    text: str


@dataclass(frozen=True, kw_only=True)
class StepProgress:
    """A step is still running; ``last`` is its newest output, finished line or not."""

    seconds: float
    last: str


@dataclass(frozen=True, kw_only=True)
class StepFinished:
    """A step ended; ``outcome`` is ``ended well``, ``exit status 1``, ``timed out`` and the like."""

    name: str
    seconds: float
    outcome: str
    result: StepResultWord


@dataclass(frozen=True, kw_only=True)
class EvaluationFinished:
    """Tables were reduced to estimates of every metric."""

    seconds: float
    rows: int | None


@dataclass(frozen=True, kw_only=True)
class RowsRead:
    """Rows of a large table were read, ``done`` of ``rows``; ``stage`` is what for."""

    stage: str
    done: int
    rows: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RequestSent:
    """A request to a server was answered, or failed; ``problem`` is set if there was no answer."""

    service: str
    verb: str
    path: str
    seconds: float
    status: int | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class RequestDelayed:
    """A request to a server failed, and is repeated after a pause of ``seconds``."""

    service: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class GateEvaluated:
    """A gate was judged."""

    gate: str
    metric: str
    outcome: str
    blocks: bool


@dataclass(frozen=True, kw_only=True)
class EntryAppended:
    """An entry was appended to the ledger of a registry."""

    registry: str
    number: int
    kind: str
    intent: str | None


@dataclass(frozen=True, kw_only=True)
class ReportPublished:
    """Check and comment show the report."""

    verdict: str
    check_url: str | None
    comment_url: str | None


@dataclass(frozen=True, kw_only=True)
class NoteShown:
    """A line of progress for the user."""

    text: str


@dataclass(frozen=True, kw_only=True)
class ProblemFound:
    """An error that ends the command."""

    message: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunFinished:
    """A command ended with its exit code."""

    code: int
    seconds: float


RunEvent = (
    RunStarted
    | ModelSelected
    | StepStarted
    | StepLine
    | StepProgress
    | StepFinished
    | EvaluationFinished
    | RowsRead
    | RequestSent
    | RequestDelayed
    | GateEvaluated
    | EntryAppended
    | ReportPublished
    | NoteShown
    | ProblemFound
    | RunFinished
)
Emit = Callable[[RunEvent], None]


def ignore_event(_event: RunEvent) -> None:
    """Drop an event, where no stream is given."""
