"""Events: their union, identity of a run, masks, and JSON lines."""

import hashlib
import inspect
import io
import json
import typing

import pytest

from mlci.events import events
from mlci.events.events import (
    EvaluationFinished,
    ModelSelected,
    NoteShown,
    RowsRead,
    RunEvent,
    RunStarted,
    StepLine,
    StepProgress,
)
from mlci.events.json_lines import JsonLines, LinesAsNotes
from mlci.events.masks import mask_values
from mlci.events.run_identity import RunIdentity, read_identity
from mlci.events.step_logs import PlainLog, text_sink
from mlci.events.stream import EventStream

RUNNER = {
    "GITHUB_RUN_ID": "1842",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "octo/model",
    "GITHUB_SHA": "a" * 40,
}


def test_run_event__every_class_is_a_member():
    classes = {item for _, item in inspect.getmembers(events, inspect.isclass) if item.__module__ == events.__name__}
    assert classes == set(typing.get_args(RunEvent))
    assert all(item.__dataclass_params__.frozen for item in classes)


def test_read_identity__workflow():
    found = read_identity(RUNNER, lambda: pytest.fail("not random"))
    assert found == RunIdentity(
        id="1842.2",
        trace=hashlib.sha256(b"18422t").hexdigest()[:32],
        url="https://github.com/octo/model/actions/runs/1842",
        repository="https://github.com/octo/model",
        commit="a" * 40,
    )
    head = read_identity({**RUNNER, "MLCI_HEAD_SHA": "b" * 40, "GITHUB_RUN_ATTEMPT": ""}, str)
    assert (head.commit, head.id) == ("b" * 40, "1842.1")


@pytest.mark.parametrize("run", ["", "x", "١٨٤", "1842.1"])
def test_read_identity__not_a_workflow(run):
    assert read_identity({"GITHUB_RUN_ID": run}, lambda: "0f" * 16) == RunIdentity(id="0f" * 16, trace="0f" * 16)


@pytest.mark.parametrize(
    ("name", "value", "text", "masked"),
    [
        ("HF_TOKEN", "hf_12345678", "using hf_12345678!", "using ***!"),
        ("hf_token", "hf_12345678", "hf_12345678", "***"),
        ("DB_PASSWORD", "short", "short", "short"),
        ("HOME", "/home/runner", "/home/runner", "/home/runner"),
        ("DEPLOY_PRIVATE_KEY", "-----BEGIN-----\nabcdefgh\n", "k: abcdefgh", "k: ***"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20s3cr3tvalue,x=1", "s3cr3tvalue x=1", "*** x=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=0123456789", "0123456789", "***"),
        ("AWS_SECRET_ACCESS_KEY", "abcdefgh+/", "abcdefgh+/ij", "***ij"),
    ],
)
def test_mask_values__secrets_of_the_environment(name, value, text, masked):
    assert mask_values({name: value})(text) == masked


def test_mask_values__longer_value_first():
    assert mask_values({"A_TOKEN": "abcdefgh", "B_TOKEN": "abcdefghij"})("abcdefghij") == "***"


def test_event_stream__masks_every_text_for_every_sink():
    seen, also = [], []
    stream = EventStream(
        lambda event, at: seen.append((event, at)),
        lambda event, _: also.append(event),
        now=lambda: 7.0,
        mask=mask_values({"A_TOKEN": "hunter2-hunter2"}),
    )
    stream.emit(events.StepStarted(name="a hunter2-hunter2", command="x hunter2-hunter2 y"))
    stream.note("plain")
    assert seen == [(events.StepStarted(name="a ***", command="x *** y"), 7.0), (NoteShown(text="plain"), 7.0)]
    assert also == [event for event, _ in seen]


def json_lines(*emitted):
    stream = io.StringIO()
    lines = EventStream(JsonLines(stream), now=lambda: 1_700_000_000.25)
    for event in emitted:
        lines.emit(event)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines__run_in_every_line():
    started = RunStarted(command="run", run=read_identity(RUNNER, str), version="1")
    first, second, third = json_lines(
        started,
        ModelSelected(model="m"),
        StepProgress(seconds=1, last="x"),
        EvaluationFinished(seconds=1.23456, rows=None),
    )
    assert first == {
        "time": "2023-11-14T22:13:20.250Z",
        "run": "1842.2",
        "event": "run_started",
        "trace": started.run.trace,
        "url": "https://github.com/octo/model/actions/runs/1842",
        "repository": "https://github.com/octo/model",
        "commit": "a" * 40,
        "command": "run",
        "version": "1",
    }
    assert (second["run"], second["event"], second["model"]) == ("1842.2", "model_selected", "m")
    assert third == {"time": third["time"], "run": "1842.2", "event": "evaluation_finished", "seconds": 1.235}


def test_json_lines__no_command_for_the_runner():
    (line,) = json_lines(NoteShown(text="a\n::set-output name=x::1\nb ##[group]c"))
    assert line["text"] == "a\n: :set-output name=x::1\nb ## [group]c"


def test_lines_as_notes__any_pieces():
    seen = []
    stream = LinesAsNotes(seen.append)
    for piece in ("on", "e\n", "two\n\nthr", "ee"):
        stream.write(piece)
    assert seen == [NoteShown(text="one"), NoteShown(text="two")]
    stream.finish()
    assert seen[2:] == [NoteShown(text="three")]


def test_event_stream__event_without_texts_is_passed_on_as_it_is():
    seen = []
    line = StepLine(text="epoch 1")
    EventStream(lambda event, _: seen.append(event), now=lambda: 0.0, mask=lambda text: text).emit(line)
    assert seen[0] is line


def test_text_sink__rows_read():
    shown = []
    text_sink(PlainLog(io.StringIO()), shown.append)(
        RowsRead(stage="reading rows", done=3000, rows=9000, seconds=1.5), 0.0
    )
    assert shown == ["evaluate: reading rows, 3,000 of 9,000 rows, 2,000 a second"]
