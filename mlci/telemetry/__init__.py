"""Events as OpenTelemetry spans and metrics, sent by its own SDK (extra ``telemetry``)."""
