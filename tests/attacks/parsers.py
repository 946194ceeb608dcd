"""Every parser of bytes from outside, as one function from bytes, with seeds: for the corpus and for fuzzing.

A parser may refuse its input with an error of mlci's own; any other exception, and more than the allowed time, is a
defect.
"""

import base64
import contextlib
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from mlci.commands.grammar import parse_command
from mlci.config.read import load_text
from mlci.config.url_credentials import hide_credentials, holds_credentials
from mlci.engine import sql
from mlci.engine.tables.labelled_tables import open_table
from mlci.errors import MlciError
from mlci.execution import behaviour_stage, metric_stage
from mlci.execution.metric_stage import ANSWER, VALUES
from mlci.execution.metrics_file import read_metrics_file
from mlci.execution.sanitize import LineSplitter
from mlci.execution.skops_stage import require_skops
from mlci.github.client import parse_check_run, parse_comment, parse_head_commit, parse_items
from mlci.github.rest import form_reader
from mlci.github.retry import decode_json
from mlci.github.transport import Answer
from mlci.github.workflow_runs import _Artifacts, _Changed, _Home, _Pull, _Run
from mlci.inference.serialization import dump_evaluation, parse_evaluation
from mlci.metrics import catalogue
from mlci.metrics.row_metrics import RowMetric
from mlci.operations import bundle
from mlci.operations.commands import head_report
from mlci.publish.event import event_facts, parse_payload
from mlci.registry.ledger import parse_entry
from mlci.registry.stores.interface import parse_checkpoint
from mlci.registry.stores.snapshot import INDEX, SnapshotReader
from mlci.report.serialization import dump_report, parse_report
from mlci.sealed.archive import read_archive
from mlci.sealed.label_seal import dump_seal, open_seal, parse_seal, public_key_of, seal_labels
from mlci.sealed.manifest import read_manifest
from mlci.sealed.predictions import SealedColumns, parse_predictions
from mlci.util.digests import sha256_of
from tests.attacks.families import log
from tests.fake_github.events import PAYLOADS
from tests.support.comparisons import compare, group, result, spread
from tests.support.project import predictions, small_files
from tests.support.publish.scene import bad
from tests.support.registry.histories import history
from tests.support.workflow_commands import read_log

Parse = Callable[[bytes], object]
LIMITS = {"predictions.csv": 1 << 20, "manifest.json": 1 << 16}
COLUMNS = SealedColumns(key="id", names=("id", "p"), numbers=frozenset({"p"}))


@dataclass(frozen=True)
class Parser:
    """A parser with inputs that it accepts, or nearly."""

    parse: Parse
    seeds: tuple[bytes, ...]


def _event(data: bytes) -> None:
    payload = parse_payload(data, path="event.json")
    for name in ("pull_request", "pull_request_target", "merge_group", "push"):
        event_facts(name, payload, sha="a" * 40)


def _metrics(suffix: str) -> Parse:
    def parse(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"metrics{suffix}"
            path.write_bytes(data)
            read_metrics_file(path, shown="metrics")

    return parse


def _output(data: bytes) -> None:
    """No line of a child's output holds a command after it was sanitized."""
    splitter = LineSplitter()
    lines = [line.text() for line in splitter.feed(data)]
    said = read_log("\n".join([*lines, splitter.take().text()]))
    assert (said.outputs, said.masks, said.others, said.annotations) == ({}, [], [], []), said


def _addresses(data: bytes) -> None:
    """Nothing that was hidden is still found."""
    text = hide_credentials(data.decode("utf-8", "replace"))
    assert not holds_credentials(text), text


def _archive(data: bytes) -> None:
    archive = read_archive(data, LIMITS)
    assert set(archive.entries) == set(LIMITS)
    for name, most in LIMITS.items():
        assert sum(map(len, archive.read(name))) <= most


def _table(data: bytes) -> None:
    for cells in parse_predictions([data[:7], data[7:]], [COLUMNS], rows=100):
        assert len(cells) == 2


def _model(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        path.write_bytes(data)
        require_skops(path, "model")


def _member(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "artifact.zip"
        path.write_bytes(data)
        head_report._member(path)


def _metric_answer(data: bytes) -> None:
    """Read what the process of a custom metric left; every value is finite, or has a reason."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ANSWER).write_bytes(data)
        (Path(folder) / VALUES).write_bytes(bytes(16))
        shape = metric_stage.AnswerShape(models=2, scopes=(1,), classes=2, draws=0)
        metric_stage._read(Path(folder), [RowMetric(name="mine:f", function="mine:f")], shape)


def _test_results(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results-1.json"
        path.write_bytes(data)
        behaviour_stage._read_records(path, "tests")


def _bundle(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.json"
        path.write_bytes(data)
        path.with_name(bundle.DIGEST).write_bytes(bundle.seals_labels(data))
        bundle._content(path)


def _rows(suffix: str) -> Parse:
    def parse(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"rows{suffix}"
            path.write_bytes(data)
            with sql.session() as (connection, scratch):
                open_table(connection, str(path), scratch)

    return parse


def _copy(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / INDEX).write_bytes(data)
        SnapshotReader(Path(folder), sha256_of(data))


def _answer(data: bytes) -> None:
    """Read answers of GitHub's API about runs, pull requests, files, artifacts, checks and comments."""
    text = data.decode("utf-8", "replace")
    for form in FORMS:
        with contextlib.suppress(ValueError):
            form_reader(form)(Answer(status=200, headers={}, body=text))
    for parse in (parse_check_run, parse_comment, parse_head_commit, lambda found: parse_items(found, "check_runs")):
        with contextlib.suppress(ValueError):
            parse(decode_json(text))


def _zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


ENTRY = history([("promotion", 0)]).kept[1]
SEALED = {"predictions.csv": predictions(1, rows=20).encode(), "manifest.json": b'{"schema": 1, "model": "m"}'}
EVALUATION = result(compare(), group("north"), disparities=(spread(compare().change),))
LABEL_KEY = "mlci-label-key-" + base64.b64encode(bytes(range(32))).decode()
SEAL = seal_labels(b"PAR1", public_key_of(LABEL_KEY))
FORMS: tuple[Any, ...] = (_Home, _Run, list[_Pull], _Artifacts, list[_Changed])
SIDE = {"ref": "main", "sha": "a" * 40, "repo": {"full_name": "o/r", "owner": {"login": "o"}}}
API_ANSWERS = tuple(
    json.dumps(one).encode()
    for one in (
        {"full_name": "o/r", "private": False, "default_branch": "main"},
        [{"number": 1, "head": SIDE, "base": SIDE}],
        [{"filename": "mlci.yml", "previous_filename": None}],
        {
            "artifacts": [
                {"id": 1, "name": "a", "size_in_bytes": 9, "expired": False, "created_at": "x", "digest": None}
            ]
        },
        {"id": 1, "run_attempt": 1, "path": "x", "event": "push", "status": "completed", "head_sha": "a" * 40},
        {"id": 1, "name": "mlci / m", "app": {"slug": "s"}, "output": {"title": "t"}, "user": {"login": "l"}},
        {"check_runs": [{"id": 1}], "head": {"sha": "a" * 40}},
    )
)
STORED = {"name": "a.csv", "digest": "0" * 64, "bytes": 1}
BUNDLE = {
    "schema": "mlci/bundle/1",
    "model": "m",
    "files": [STORED],
    "predictions": {"fingerprint": "sha256:x", "file": STORED, "score": "p"},
    "report": STORED,
    "recipe": {"commit": None, "config_path": "mlci.yml", "config": STORED, "seed": 1},
    "environment": {"python": "3", "platform": "x", "packages": {"a": "1"}},
    "data": {"fingerprint": "sha256:x", "rows": 1},
    "metrics": {"auc": 0.5},
}
CONFIG = small_files()["mlci.yml"].encode()
PARSERS: dict[str, Parser] = {
    "event": Parser(_event, (*(path.read_bytes()[:6_000] for path in sorted(PAYLOADS.glob("p*.json"))[:3]), b'{"pull_request": {"head": {"sha": "x", "repo": null}, "number": 1}}')),
    "configuration": Parser(lambda data: load_text(data, catalogue, path="mlci.yml"), (CONFIG, CONFIG.replace(b"key: id", b"slices: [a, {column: b, cut: [1, 2]}]"))),
    "metrics-json": Parser(_metrics(".json"), (b'{"test": {"auc": 0.9, "n": 3}, "x": [1], "y": null}', b'{"log_history": [{"step": 1, "loss": 0.5}]}')),
    "metrics-yaml": Parser(_metrics(".yaml"), (b"test:\n  auc: 0.9\n  f1: 1e-3\nx: &a {b: 1}\ny: *a\n",)),
    "metrics-toml": Parser(_metrics(".toml"), (b"[test]\nauc = 0.9\nday = 2026-01-01\nx = [1, 2]\n",)),
    "report": Parser(parse_report, (dump_report(bad()).encode(), b'{"schema": "mlci/report/1", "model": "m", "verdict": "pass", "gates": []}')),
    "output": Parser(_output, tuple(text.encode("utf-8", "surrogatepass") for text in log.PAYLOADS.values())),
    "addresses": Parser(_addresses, (b"https://u:p@h/x?token=abc&sig=1", b"s3://k:s@b postgres://u:p@h")),
    "archive": Parser(_archive, (_zipped(SEALED), _zipped(SEALED, zipfile.ZIP_STORED))),
    "predictions": Parser(_table, (b"id,p\na,0.5\nb,1\n", b'id,p\n"a,b",-1e-3\n')),
    "manifest": Parser(read_manifest, (SEALED["manifest.json"],)),
    "model": Parser(_model, (_zipped({"schema.json": b"{}", "x.npy": b"\x93NUMPY"}), b"\x80\x04K\x01.")),
    "entry": Parser(lambda data: parse_entry(data, number=1, shown="x"), (ENTRY, b'{"schema": "mlci/ledger/1", "number": 1}')),
    "checkpoint": Parser(lambda data: parse_checkpoint(data, shown="x"), (json.dumps({"number": 1, "digest": "0" * 64}).encode(),)),
    "seal": Parser(lambda data: open_seal(parse_seal(data), LABEL_KEY), (dump_seal(SEAL), dump_seal(replace(SEAL, leaked="a" * 40, source="holdout.csv")))),
    "evaluation": Parser(lambda data: parse_evaluation(data, path="evaluation.json"), (dump_evaluation(EVALUATION).encode(),)),
    "report-artifact": Parser(_member, (_zipped({"report.json": b"{}"}), _zipped({"report.json": b"{}", "mlci.html": b"x"}, zipfile.ZIP_STORED))),
    "registry-copy": Parser(_copy, (b'{"schema": "mlci/copy/1", "shown": "r", "tail": 1, "witness": {"number": 1, "digest": "' + b"0" * 64 + b'"}, "entries": {"1": "{}"}}',)),
    "api-answer": Parser(_answer, API_ANSWERS),
    "metric-answer": Parser(_metric_answer, (b'{"on": ["decision"], "reasons": [[0, 0, "x"]], "guessed": [], "random": [], "methods": ["group jackknife"], "unweighted": []}', b'{"problems": ["x"]}')),
    "test-results": Parser(_test_results, (b'{"status": 0, "tests": [{"name": "t.py::t", "outcome": "passed"}]}', b'{"status": 1, "tests": []}')),
    "bundle": Parser(_bundle, (json.dumps(BUNDLE).encode(),)),
    "csv": Parser(_rows(".csv"), (b"id,p\na,0.5\nb,1\n", b'id;p\r\n"a;""b",\r\n')),
    "json-rows": Parser(_rows(".jsonl"), (b'{"id": "a", "p": 0.5}\n{"id": "b"}\n', b'[{"id": 1, "p": 1e3}]')),
    "command": Parser(lambda data: parse_command(data.decode("utf-8", "replace")), (b'/mlci waive "recall.min" --until 2026-12-31 --reason "x" ' + b"a" * 40, b"/mlci run")),
}  # fmt: skip


def try_input(name: str, data: bytes) -> str:
    """Parse an input; return how it ended, without its numbers and quotations, for telling inputs apart.

    Raises:
        Exception: if the parser fails in another way than by an error of mlci.
    """
    try:
        PARSERS[name].parse(data)
    except MlciError as error:
        return str(error)
    return "accepted"
