"""Sink that sends spans and metrics by OpenTelemetry's own SDK; whatever a collector does, the run goes on.

The SDK sends in its own threads. At the end of a command what is left is delivered for at most ``SECONDS``; then the
command ends, and a note has the number of batches that the collector did not take.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from mlci.events.events import RunEvent, RunStarted
from mlci.events.run_identity import RunIdentity
from mlci.telemetry.metrics import RunMetrics
from mlci.telemetry.settings import TelemetrySettings
from mlci.telemetry.spans import RunSpans

_NO_SPANS, _NO_METRICS = SpanExportResult.FAILURE, MetricExportResult.FAILURE
SECONDS = 3.0
"""Most time that the end of a command waits for a collector."""


class Telemetry:
    """Sink of one run."""

    def __init__(self, settings: TelemetrySettings) -> None:
        """Take the settings, without opening a connection."""
        self._settings = settings
        self._spans: RunSpans | None = None
        self._metrics: RunMetrics | None = None
        self._ends: list[Callable[[], object]] = []
        self._stops: list[Callable[[], object]] = []
        self._problem: str | None = None
        self._failures: list[str] = []
        _silence_sdk()

    def __call__(self, event: RunEvent, at: float) -> None:
        """Pass an event on; a failure of the SDK ends telemetry and not the run."""
        if self._problem is not None:
            return
        try:
            if isinstance(event, RunStarted):
                self._start(event, at)
            if self._spans is not None:
                self._spans.add(event, at)
            if self._metrics is not None:
                self._metrics.add(event)
        except Exception as error:  # noqa: BLE001 (a fault of telemetry never fails a gate)
            self._problem = f"telemetry stopped: {type(error).__name__}"

    def close(self) -> str | None:
        """Deliver what is left, within the time; return what was lost."""
        threads = [threading.Thread(target=end, daemon=True) for end in self._ends]
        waiter = threading.Event()
        counter = threading.Thread(target=_join_all, args=(threads, waiter), daemon=True)
        counter.start()
        if not waiter.wait(SECONDS):
            for stop in self._stops:
                threading.Thread(target=stop, daemon=True).start()
            return f"telemetry: the collector did not answer within {SECONDS:.0f} s; some of it is lost"
        if self._failures:
            return f"telemetry: the collector did not take {', '.join(sorted(set(self._failures)))}; that is lost"
        return self._problem

    def _start(self, event: RunStarted, at: float) -> None:
        if "traces" in self._settings.signals:
            tracing = TracerProvider(
                resource=self._resource(event, run=True),
                id_generator=_OneTrace(event.run),
                shutdown_on_exit=False,
            )
            exporter = _SpanExporter(self._failures)
            tracing.add_span_processor(BatchSpanProcessor(exporter))
            self._stops.append(exporter.shutdown)
            self._spans = RunSpans(tracing, event.run, event.command, at)
            self._ends.append(tracing.shutdown)
        if "metrics" in self._settings.signals:
            sender = _MetricExporter(self._failures)
            self._stops.append(sender.shutdown)
            reader, about = PeriodicExportingMetricReader(sender), self._resource(event, run=False)
            metering = MeterProvider([reader], about, shutdown_on_exit=False)
            self._metrics = RunMetrics(metering, event.command)
            self._ends.append(metering.shutdown)

    def _resource(self, event: RunStarted, *, run: bool) -> Resource:
        """Return the origin of the data; metrics leave the run out, as the conventions demand."""
        about = {"service.version": event.version, "vcs.repository.url.full": event.run.repository}
        if not self._settings.names_service:
            about["service.name"] = "mlci"
        if run:
            about |= {
                "cicd.pipeline.run.id": event.run.id,
                "cicd.pipeline.run.url.full": event.run.url,
                "vcs.ref.head.revision": event.run.commit,
            }
        return Resource.create({name: value for name, value in about.items() if value is not None})


class _OneTrace(RandomIdGenerator):
    """Trace id of the run, for all of its spans."""

    def __init__(self, run: RunIdentity) -> None:
        super().__init__()
        self._trace = int(run.trace, 16)

    def generate_trace_id(self) -> int:
        return self._trace


class _SpanExporter(OTLPSpanExporter):
    """Exporter that notes failures."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__()
        self._failures = failures

    def export(self, *batch: Any, **named: Any) -> SpanExportResult:  # noqa: ANN401 (the SDK's signature)
        result: SpanExportResult = _guarded(lambda: super(_SpanExporter, self).export(*batch, **named), _NO_SPANS)
        if result is not SpanExportResult.SUCCESS:
            self._failures.append("spans")
        return result


class _MetricExporter(OTLPMetricExporter):
    """Exporter that notes failures."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__()
        self._failures = failures

    def export(self, *batch: Any, **named: Any) -> MetricExportResult:  # noqa: ANN401 (the SDK's signature)
        result: MetricExportResult = _guarded(lambda: super(_MetricExporter, self).export(*batch, **named), _NO_METRICS)
        if result is not MetricExportResult.SUCCESS:
            self._failures.append("metrics")
        return result


def _guarded(export: Callable[[], Any], failure: Any) -> Any:  # noqa: ANN401 (a result of the SDK)
    try:
        return export()
    except Exception:  # noqa: BLE001 (an address that no client can use, for one)
        return failure


def _join_all(threads: list[threading.Thread], done: threading.Event) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()


def _silence_sdk() -> None:
    """Keep the SDK's own messages, with tracebacks and addresses, out of the job's log."""
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
