"""Settings of OpenTelemetry: which signals the environment asks for. The SDK itself reads the others.

Source: opentelemetry.io, "Environment Variable Specification" and "OpenTelemetry Protocol Exporter".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Signal = Literal["traces", "metrics"]
_SIGNALS: tuple[Signal, ...] = ("traces", "metrics")
_ENDPOINT, _PROTOCOL = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"


@dataclass(frozen=True, kw_only=True)
class TelemetrySettings:
    """Settings.

    Attributes:
        signals: Signals to send; none without a collector.
        names_service: Whether the environment names the service.
        problem: A variable with a value that mlci does not support.
    """

    signals: tuple[Signal, ...] = ()
    names_service: bool = False
    problem: str | None = None


def read_settings(environment: Mapping[str, str]) -> TelemetrySettings:
    """Read the settings; a signal is sent if a variable names its endpoint or its exporter."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return TelemetrySettings()
    signals, problems = [], []
    for signal in _SIGNALS:
        wanted, problem = _read_signal(environment, signal)
        signals += [signal] * wanted
        problems += [problem] * (problem is not None)
    names_service = bool(environment.get("OTEL_SERVICE_NAME")) or "service.name=" in environment.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    return TelemetrySettings(
        signals=tuple(signals), names_service=names_service, problem=next(iter(filter(None, problems)), None)
    )


def _read_signal(environment: Mapping[str, str], signal: Signal) -> tuple[bool, str | None]:
    """Return whether a signal is sent, and what is wrong with its variables."""
    upper = signal.upper()
    exporter = environment.get(f"OTEL_{upper}_EXPORTER", "").strip().lower()
    endpoint = environment.get(f"OTEL_EXPORTER_OTLP_{upper}_ENDPOINT") or environment.get(_ENDPOINT)
    if exporter == "none" or not (exporter or endpoint):
        return False, None
    if exporter not in {"", "otlp"}:
        return False, f"OTEL_{upper}_EXPORTER is {exporter!r}; mlci sends to a collector only: `otlp` or `none`"
    protocol = environment.get(f"OTEL_EXPORTER_OTLP_{upper}_PROTOCOL") or environment.get(_PROTOCOL)
    if protocol not in {None, "", "http/protobuf"}:
        return False, f"{_PROTOCOL} is {protocol!r}; mlci sends `http/protobuf`, which a collector takes on port 4318"
    return True, None
