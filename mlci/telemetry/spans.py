"""Spans of a run: one for the command, one for each step and each request below it.

Names and attributes are those of OpenTelemetry's semantic conventions for CI/CD, version control and HTTP clients;
attributes that begin with ``mlci.`` have no counterpart there. Output and command lines of steps are left out, because
a collector is read by more people than a job's log.

Source: opentelemetry.io, "Semantic conventions for CICD spans" (status: development) and "HTTP client span".
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from mlci.events.events import (
    EntryAppended,
    EvaluationFinished,
    GateEvaluated,
    ModelSelected,
    ReportPublished,
    RequestDelayed,
    RequestSent,
    RunEvent,
    RunFinished,
    StepFinished,
    StepStarted,
)
from mlci.events.json_lines import event_name
from mlci.events.run_identity import RunIdentity
from mlci.telemetry.results import error_type, result_word

Attributes = Mapping[str, str | int | float | bool | None]
_SHOWN = 1_000  # characters of one value


class RunSpans:
    """Spans of one run, from its events."""

    def __init__(self, provider: TracerProvider, run: RunIdentity, command: str, at: float) -> None:
        """Begin the span of the command."""
        self._tracer = provider.get_tracer("mlci")
        self._run, self._command, self._steps = run, command, 0
        self._root = self._begin(command, SpanKind.SERVER, at, {"mlci.command": command})
        self._parent = set_span_in_context(self._root)
        self._step: Any = None

    def add(self, event: RunEvent, at: float) -> None:
        """Add what an event adds: a span, an event on the command's span, or attributes of it."""
        match event:
            case ModelSelected():
                self._root.update_name(f"{self._command} {event.model}")
                self._root.set_attributes(_clean({"cicd.pipeline.name": event.model}))
            case StepStarted():
                self._start_step(event, at)
            case StepFinished():
                self._end_step(event, at)
            case EvaluationFinished():
                self._evaluated(event, at)
            case RequestSent():
                self._requested(event, at)
            case RunFinished():
                self._finish(event, at)
            case GateEvaluated() | EntryAppended() | ReportPublished() | RequestDelayed():
                self._root.add_event(f"mlci.{event_name(event)}", _clean(_own(event)), _nanoseconds(at))
            case _:
                pass

    def _begin(self, name: str, kind: SpanKind, at: float, attributes: Attributes, parent: Any = None) -> Any:  # noqa: ANN401 (a span or a context of the SDK)
        return self._tracer.start_span(
            name, context=parent, kind=kind, attributes=_clean(attributes), start_time=_nanoseconds(at)
        )

    def _task(self, name: str, at: float) -> Any:  # noqa: ANN401 (the same)
        """Begin the span of a task."""
        self._steps += 1
        attributes: Attributes = {
            "cicd.pipeline.task.name": name,
            "cicd.pipeline.task.run.id": f"{self._run.id}/{self._steps}",
            "cicd.pipeline.task.run.url.full": self._run.url,
        }
        return self._begin(name, SpanKind.SERVER, at, attributes, self._parent)

    def _start_step(self, event: StepStarted, at: float) -> None:
        self._step = self._task(event.name, at)

    def _end_step(self, event: StepFinished, at: float) -> None:
        span, self._step = self._step, None
        if span is None:
            return
        span.set_attribute("cicd.pipeline.task.run.result", event.result)
        if event.result != "success":
            span.set_attribute("error.type", event.outcome)
            span.set_status(Status(StatusCode.ERROR, event.outcome))
        span.end(_nanoseconds(at))

    def _evaluated(self, event: EvaluationFinished, at: float) -> None:
        span = self._task("evaluate", at - event.seconds)
        span.set_attributes(_clean({"cicd.pipeline.task.run.result": "success", "mlci.rows": event.rows}))
        span.end(_nanoseconds(at))

    def _requested(self, event: RequestSent, at: float) -> None:
        failed = event.problem or (str(event.status) if (event.status or 0) >= 400 else None)
        attributes: Attributes = {
            "http.request.method": event.verb,
            "http.response.status_code": event.status,
            "url.path": event.path,
            "peer.service": event.service,
            "error.type": failed,
        }
        span = self._begin(event.verb, SpanKind.CLIENT, at - event.seconds, attributes, self._parent)
        if failed is not None:
            span.set_status(Status(StatusCode.ERROR, failed))
        span.end(_nanoseconds(at))

    def _finish(self, event: RunFinished, at: float) -> None:
        failed = error_type(self._command, event.code)
        attributes: Attributes = {
            "cicd.pipeline.result": result_word(event.code),
            "error.type": failed,
            "process.exit.code": event.code,
        }
        self._root.set_attributes(_clean(attributes))
        if failed is not None:
            self._root.set_status(Status(StatusCode.ERROR, failed))
        self._root.end(_nanoseconds(at))


def _own(event: RunEvent) -> Attributes:
    return {f"mlci.{name}": value for name, value in vars(event).items()}


def _clean(attributes: Attributes) -> dict[str, str | int | float | bool]:
    """Leave out what is not known, and cut texts."""
    return {
        name: value[:_SHOWN] if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }


def _nanoseconds(at: float) -> int:
    return int(at * 1e9)
