"""Metrics of a run: its duration, its errors, its gates by outcome.

They carry model and command, and not the run: one time series a run is what metric stores can't afford.

Source: opentelemetry.io, "Semantic conventions for CICD metrics" (status: development).
"""

from opentelemetry.sdk.metrics import MeterProvider

from mlci.events.events import (
    GateEvaluated,
    ModelSelected,
    RequestDelayed,
    RunEvent,
    RunFinished,
    StepFinished,
)
from mlci.telemetry.results import error_type, result_word


class RunMetrics:
    """Metrics of one run, from its events."""

    def __init__(self, provider: MeterProvider, command: str) -> None:
        """Create the instruments."""
        meter = provider.get_meter("mlci")
        self._command = command
        self._about = {"cicd.pipeline.name": "mlci", "mlci.command": command}
        self._duration = meter.create_histogram(
            "cicd.pipeline.run.duration", "s", "Duration of a run, by pipeline, state and result."
        )
        self._errors = meter.create_counter("cicd.pipeline.run.errors", "{error}", "Errors that ended runs.")
        self._steps = meter.create_histogram("mlci.step.duration", "s", "Duration of a step, by step and result.")
        self._gates = meter.create_counter("mlci.gates", "{gate}", "Judged gates, by outcome.")
        self._delays = meter.create_counter("mlci.request.delays", "{delay}", "Waits before a request is repeated.")

    def add(self, event: RunEvent) -> None:
        """Count an event."""
        match event:
            case ModelSelected():
                self._about["cicd.pipeline.name"] = event.model
            case StepFinished():
                about = {"cicd.pipeline.task.name": event.name, "cicd.pipeline.task.run.result": event.result}
                self._steps.record(event.seconds, {**self._about, **about})
            case GateEvaluated():
                self._gates.add(1, {**self._about, "mlci.outcome": event.outcome, "mlci.blocks": event.blocks})
            case RequestDelayed():
                self._delays.add(1, {**self._about, "peer.service": event.service})
            case RunFinished():
                self._finish(event)
            case _:
                pass

    def _finish(self, event: RunFinished) -> None:
        failed = error_type(self._command, event.code)
        about = {**self._about, **({} if failed is None else {"error.type": failed})}
        result = {"cicd.pipeline.run.state": "executing", "cicd.pipeline.result": result_word(event.code)}
        self._duration.record(event.seconds, {**about, **result})
        if failed is not None:
            self._errors.add(1, about)
