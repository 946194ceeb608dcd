"""Spans and metrics as a collector receives them, and gates that pass whatever a collector does."""

import sys
import threading

import pytest

from mlci.events.events import GateEvaluated, RunFinished, RunStarted
from mlci.events.run_identity import RunIdentity
from mlci.telemetry.settings import TelemetrySettings, read_settings
from mlci.telemetry.telemetry import Telemetry
from tests.support.otlp_receiver import attributes, collector
from tests.support.project import mlci, small_files, write

WORKFLOW = {
    "GITHUB_RUN_ID": "1842",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "octo/model",
    "GITHUB_SHA": "a" * 40,
}
TRACE = "0fbfa9861699cfbb810ae89540ebfe30"  # the first digits that sha256sum prints for 18422t
URL = "https://github.com/octo/model/actions/runs/1842"
SECRET = "hunter2-hunter2"  # noqa: S105 - planted


STEPS = {
    "train": "train: {run: 'echo $A_TOKEN; cp new.csv made.csv'}\n",
    "predict": "predict: {run: 'cp made.csv $MLCI_PREDICTIONS', decision: p}\n",
}


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, small_files(**STEPS))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run without telemetry."""
    return mlci("run", cwd=write(tmp_path_factory.mktemp("plain"), small_files(**STEPS)))


def by_name(received):
    return {span.name: span for span in received.spans}


def test_telemetry__spans_of_a_run(project):
    with collector() as (endpoint, received):
        ended = mlci("run", cwd=project, **endpoint, **WORKFLOW)
    spans = by_name(received)
    assert (ended.code, "telemetry" in ended.err) == (1, False)
    assert set(spans) == {"train", "predict", "evaluate", "run planted"}
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    root = spans["run planted"]
    assert attributes(root) == {
        "mlci.command": "run",
        "cicd.pipeline.name": "planted",
        "cicd.pipeline.result": "failure",
        "error.type": "gate_blocks",
        "process.exit.code": 1,
    }
    assert root.kind == root.SPAN_KIND_SERVER
    train = spans["train"]
    assert train.parent_span_id == root.span_id
    assert attributes(train) == {
        "cicd.pipeline.task.name": "train",
        "cicd.pipeline.task.run.id": "1842.2/1",
        "cicd.pipeline.task.run.url.full": URL,
        "cicd.pipeline.task.run.result": "success",
    }
    assert (
        root.start_time_unix_nano <= train.start_time_unix_nano <= train.end_time_unix_nano <= root.end_time_unix_nano
    )
    (gate,) = root.events
    assert (gate.name, attributes(gate)["mlci.outcome"]) == ("mlci.gate_evaluated", "failed")
    about = received.resource()
    assert about["cicd.pipeline.run.id"] == "1842.2"
    assert (about["cicd.pipeline.run.url.full"], about["service.name"]) == (URL, "mlci")
    assert (about["vcs.repository.url.full"], about["vcs.ref.head.revision"]) == (
        URL.partition("/actions")[0],
        "a" * 40,
    )


def test_telemetry__metrics_without_the_run(project):
    with collector() as (endpoint, received):
        mlci("run", cwd=project, **endpoint, **WORKFLOW, OTEL_SERVICE_NAME="gates")
    run = {"cicd.pipeline.name": "planted", "mlci.command": "run"}
    assert received.points["cicd.pipeline.run.duration"] == [
        {
            **run,
            "cicd.pipeline.run.state": "executing",
            "cicd.pipeline.result": "failure",
            "error.type": "gate_blocks",
        }
    ]
    assert received.points["cicd.pipeline.run.errors"] == [{**run, "error.type": "gate_blocks"}]
    assert received.points["mlci.gates"] == [{**run, "mlci.outcome": "failed", "mlci.blocks": True}]
    steps = {point["cicd.pipeline.task.name"] for point in received.points["mlci.step.duration"]}
    assert steps == {"train", "predict"}
    about = received.resource("metrics")
    assert about["service.name"] == "gates"
    assert not [name for name in about if name.startswith("cicd.pipeline.run")]


@pytest.mark.parametrize(
    ("command", "code", "result", "error"),
    [
        ("experiment", 5, "success", None),
        ("experiment", 1, "failure", "roll_back"),
        ("experiment", 6, "failure", "could_not_tell"),
        ("monitor", 1, "failure", "alarm"),
        ("promote", 1, "failure", "gate_blocks"),
        ("monitor", 4, "error", "outside"),
    ],
)
def test_telemetry__result_of_an_exit_code(monkeypatch, command, code, result, error):
    about = {"cicd.pipeline.name": "mlci", "mlci.command": command, **({"error.type": error} if error else {})}
    with collector() as (endpoint, received):
        for name, value in endpoint.items():
            monkeypatch.setenv(name, value)
        telemetry = Telemetry(read_settings(endpoint))
        telemetry(RunStarted(command=command, run=RunIdentity(id="7", trace="a" * 32), version="1"), 1.0)
        telemetry(RunFinished(code=code, seconds=2.0), 3.0)
        assert telemetry.close() is None
    [root] = received.spans
    assert attributes(root).get("error.type") == error
    assert (root.status.code == root.status.STATUS_CODE_ERROR) == (error is not None)
    duration = {**about, "cicd.pipeline.run.state": "executing", "cicd.pipeline.result": result}
    assert received.points["cicd.pipeline.run.duration"] == [duration]
    assert received.points.get("cicd.pipeline.run.errors", []) == ([about] if error else [])


def test_telemetry__failed_step_and_secrets(project):
    config = (project / "mlci.yml").read_text().replace("cp made.csv", "exit 7;")
    (project / "mlci.yml").write_text(config.replace("model: planted", f"model: {SECRET}"))
    headers = "authorization=Bearer%20" + SECRET
    with collector() as (endpoint, received):
        ended = mlci("run", cwd=project, **endpoint, A_TOKEN=SECRET, OTEL_EXPORTER_OTLP_HEADERS=headers)
    assert ended.code == 3
    spans = by_name(received)
    assert attributes(spans["predict"])["error.type"] == "exit status 7"
    assert spans["predict"].status.code == spans["predict"].status.STATUS_CODE_ERROR
    assert attributes(spans["run ***"])["error.type"] == "step_failed"
    assert received.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert SECRET.encode() not in received.bytes
    assert b"made.csv" not in received.bytes  # no command line, no output
    assert SECRET not in ended.err


@pytest.mark.parametrize(
    ("behaviour", "note"),
    [
        ("hangs", "did not answer within"),
        ("drips", "did not answer within"),
        ("garbage", "did not"),
        ("overloaded", "did not answer within"),
        ("breaks off", "did not take metrics, spans"),
        ("refuses", "did not take metrics, spans"),
    ],
)
def test_telemetry__collector_fails(project, plain, monkeypatch, behaviour, note):
    monkeypatch.setattr("mlci.telemetry.telemetry.SECONDS", 0.3)
    with collector(behaviour) as (endpoint, _):
        ended = mlci("run", cwd=project, **endpoint)
    *others, last = ended.err.splitlines()
    assert (ended.code, ended.out.splitlines()[:5]) == (plain.code, plain.out.splitlines()[:5])
    assert "telemetry" not in "".join(others)
    assert note in last


def test_telemetry__nothing_listens(project, monkeypatch):
    monkeypatch.setattr("mlci.telemetry.telemetry.SECONDS", 0.3)
    ended = mlci("run", cwd=project, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert ended.code == 1
    assert "mlci: telemetry: the collector did not" in ended.err


def test_telemetry__collector_killed_during_the_run(project, monkeypatch):
    monkeypatch.setattr("mlci.telemetry.telemetry.SECONDS", 0.3)
    config = (project / "mlci.yml").read_text()
    wait = "while [ ! -e killed ]; do sleep 0.02; done; cp made.csv"
    (project / "mlci.yml").write_text(config.replace("cp made.csv", wait))
    with collector() as (endpoint, received):
        killer = threading.Thread(target=kill, args=(received, project / "killed"))
        killer.start()
        ended = mlci("run", cwd=project, **endpoint, OTEL_BSP_SCHEDULE_DELAY="20")
        killer.join()
    assert ended.code == 1
    assert set(by_name(received)) == {"train"}
    assert "mlci: telemetry: the collector did not" in ended.err


def kill(received, mark):
    """Stop the collector when it has its first spans, and let the run go on."""
    assert received.arrived.wait(20)
    received.server.stop()
    mark.touch()


def test_telemetry__fault_of_the_sdk(monkeypatch):
    telemetry = Telemetry(TelemetrySettings(signals=("traces",)))
    monkeypatch.setattr("mlci.telemetry.spans.RunSpans.add", lambda *_: 1 / 0)
    telemetry(RunStarted(command="run", run=RunIdentity(id="1", trace="1" * 32), version="1"), 1.0)
    telemetry(GateEvaluated(gate="g", metric="m", outcome="passed", blocks=False), 2.0)
    telemetry(RunFinished(code=0, seconds=1), 3.0)
    assert telemetry.close() == "telemetry stopped: ZeroDivisionError"


@pytest.mark.parametrize(
    ("environment", "signals", "problem"),
    [
        ({}, (), None),
        ({"OTEL_SERVICE_NAME": "x"}, (), None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, ("traces", "metrics"), None),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, ("traces",), None),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, ("metrics",), None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_METRICS_EXPORTER": "none"}, ("traces",), None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "TRUE"}, (), None),
        ({"OTEL_TRACES_EXPORTER": "console"}, (), "OTEL_TRACES_EXPORTER is 'console'"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, (), "port 4318"),
    ],
)
def test_read_settings__variables(environment, signals, problem):
    found = read_settings(environment)
    assert found.signals == signals
    assert (found.problem is None) if problem is None else (problem in found.problem)


def test_telemetry__missing_extra(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlci.telemetry.telemetry", None)
    ended = mlci("run", cwd=project, OTEL_TRACES_EXPORTER="otlp")
    assert ended.code == 1
    assert "pip install 'mlci[telemetry]'" in ended.err.splitlines()[0]
