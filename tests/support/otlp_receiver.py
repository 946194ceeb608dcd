"""Collector for tests: takes OTLP over HTTP, or fails in a chosen way."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.local_server import LocalServer


class Received:
    """What a collector took, and the headers of its requests."""

    def __init__(self):
        self.traces, self.metrics, self.headers = [], [], []
        self.bytes = b""
        self.server, self.arrived = None, threading.Event()

    @property
    def spans(self):
        return [
            span
            for request in self.traces
            for one in request.resource_spans
            for scope in one.scope_spans
            for span in scope.spans
        ]

    @property
    def points(self):
        """Return ``{name: [attributes, …]}`` of all metrics."""
        found = {}
        for request in self.metrics:
            for metric in (m for one in request.resource_metrics for scope in one.scope_metrics for m in scope.metrics):
                data = metric.histogram if metric.HasField("histogram") else metric.sum
                found.setdefault(metric.name, []).extend(attributes(point) for point in data.data_points)
        return found

    def resource(self, kind="traces"):
        request = getattr(self, kind)[0]
        return attributes((request.resource_spans if kind == "traces" else request.resource_metrics)[0].resource)


def attributes(item):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in item.attributes}


@contextmanager
def collector(behaviour="takes"):
    """Serve a collector; yields its environment variables and what it received.

    ``behaviour``: ``takes``; ``hangs``: reads and never answers; ``drips``: a byte now and then; ``breaks off``: ends
    within the answer; ``garbage``: bytes that are not HTTP; ``refuses``: status 400; ``overloaded``: status 503.
    """
    received, released = Received(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if behaviour == "takes":
                kind = "traces" if self.path.endswith("/traces") else "metrics"
                form = ExportTraceServiceRequest if kind == "traces" else ExportMetricsServiceRequest
                getattr(received, kind).append(form.FromString(body))
                received.headers.append(dict(self.headers))
                received.bytes += body
                received.arrived.set()
            answer(self, body, behaviour, released)  # last, because the sender goes on with the answer

        def log_message(self, *_):
            pass

    received.server = server = LocalServer(Handler).start()
    try:
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}"}, received
    finally:
        released.set()
        if not server.stopping.is_set():
            server.stop()


def answer(handler, body, behaviour, released):
    handler.close_connection = True
    match behaviour:
        case "hangs":
            released.wait(60)
        case "breaks off":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        case "garbage":
            handler.wfile.write(b"\x00\xffnot http\r\n\r\n" * 3)
        case "drips":
            while not released.wait(0.05):
                handler.wfile.write(b"H")
        case _:
            handler.send_response({"refuses": 400, "overloaded": 503}.get(behaviour, 200))
            handler.send_header("Content-Length", "0")
            handler.end_headers()
