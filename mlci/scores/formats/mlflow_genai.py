"""Result tables of MLflow's ``genai.evaluate``: ``result_df`` as CSV or Parquet.

The key of a row is MLflow's digest of its inputs, else a digest of the request; the same inputs again are a repeat. The
row's ``trace`` shows which column is a scorer's and which an expected answer; errors and tags are there, too.
"""

import csv
import json
import sys
from collections.abc import Collection, Mapping
from typing import Any

from mlci.scores.formats.answers import build_item, digest, number_repeats, scorers_of, settings_of
from mlci.scores.formats.log_file import LogFile, flattened, number, text
from mlci.scores.outages import ItemAnswer
from mlci.scores.score_log import ItemId, ItemText, ScoredItem, ScoreLog, Usage

NAME = "MLflow"
_VALUE, _REQUEST_ID = "/value", "mlflow.eval.requestId"
_COLUMNS = ("trace_id", "trace")
_MOST_CELL = 64 << 20
Info = Mapping[str, Any]
"""The ``info`` of a trace."""


def recognises(file: LogFile) -> bool:
    """Return whether it is a table with traces and values of scorers."""
    if file.is_parquet:
        return set(_COLUMNS) <= set(file.parquet_columns)
    header = file.head.split(b"\n", 1)[0].strip().split(b",")
    return {name.encode() for name in _COLUMNS} <= set(header) and any(name.endswith(b"/value") for name in header)


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log.

    Raises:
        InputError: if the file is damaged, has no rows, or a row has no trace.
    """
    infos = _infos(file)
    items = tuple(_item(info, item) for info, item in zip(infos, _ids(infos), strict=True))
    return ScoreLog(
        tool=NAME, task=None, items=items, scorers=scorers_of(items), settings=settings_of(_judges(infos), {})
    )


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers."""
    infos = _infos(file)
    return {item: _text(info) for info, item in zip(infos, _ids(infos), strict=True) if item in wanted}


def _infos(file: LogFile) -> list[Info]:
    infos = []
    traces = [row[0] for row in file.parquet_rows(["trace"])] if file.is_parquet else _csv_traces(file)
    for row, trace in enumerate(traces, 1):
        try:
            found = trace if isinstance(trace, dict) else json.loads(trace or "")
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("info"), dict):
            raise file.problem(f"has no whole trace in row {row:,}; it ends early, or was not written by MLflow")
        infos.append(found["info"])
    if not infos:
        raise file.problem("has no rows: no item was evaluated")
    return infos


def _csv_traces(file: LogFile) -> list[str | None]:
    before = csv.field_size_limit(min(sys.maxsize, _MOST_CELL))  # the limit is the whole process's
    try:
        with file.path.open(encoding="utf-8-sig", newline="") as stream:
            return [row.get("trace") for row in csv.DictReader(stream, strict=True)]
    except (csv.Error, UnicodeDecodeError) as error:
        raise file.problem(f"is not a whole CSV table: {error}") from None
    finally:
        csv.field_size_limit(before)


def _tags(info: Info) -> Mapping[str, Any]:
    found = info.get("tags")
    return found if isinstance(found, dict) else {}


def _ids(infos: list[Info]) -> list[ItemId]:
    keys = [str(_tags(info).get(_REQUEST_ID) or digest(_asked(info)))[:16] for info in infos]
    return list(zip(keys, number_repeats(keys), strict=True))


def _asked(info: Info) -> str | None:
    metadata = info.get("trace_metadata") or {}
    return text(metadata.get("mlflow.traceInputs") or info.get("request_preview"))


def _answer(info: Info) -> str | None:
    """Return the answer; a text is in the trace as JSON."""
    metadata = info.get("trace_metadata") or {}
    found = metadata.get("mlflow.traceOutputs") or info.get("response_preview")
    try:
        return text(json.loads(found)) if isinstance(found, str) else text(found)
    except (ValueError, RecursionError):
        return text(found)


def _assessments(info: Info, kind: str) -> dict[str, Mapping[str, Any]]:
    """Return the assessments of a kind by name, the last of each; MLflow marks those that another one replaced."""
    found = [one for one in info.get("assessments") or [] if isinstance(one, dict) and isinstance(one.get(kind), dict)]
    return {str(one.get("assessment_name")): one for one in found if one.get("valid", True)}


def _expected(info: Info) -> str | None:
    values = {name: one["expectation"].get("value") for name, one in _assessments(info, "expectation").items()}
    return text(next(iter(values.values())) if len(values) == 1 else values or None)


def _item(info: Info, item: ItemId) -> ScoredItem:
    scored = _assessments(info, "feedback")
    state, expected = info.get("state"), _expected(info)
    failed = "the trace's state is ERROR" if state == "ERROR" else None
    latency = number(info.get("execution_duration_ms"))
    own_tags = {name: value for name, value in _tags(info).items() if not name.startswith("mlflow.")}
    return build_item(
        item,
        {name: _score(one["feedback"].get("value")) for name, one in scored.items()},
        answer=ItemAnswer(text=_answer(info), target=expected),
        error=failed,
        metadata=flattened(own_tags, "tags"),
        usage=Usage(latency_seconds=None if latency is None else latency / 1_000),
        content=digest([_asked(info), expected]),
    )


def _judges(infos: list[Info]) -> dict[str, object]:
    """Return the judges of each scorer that asks a model."""
    found: dict[str, dict[str, None]] = {}
    for name, one in (pair for info in infos for pair in _assessments(info, "feedback").items()):
        source = one.get("source")
        if isinstance(source, dict) and source.get("source_type") == "LLM_JUDGE":
            found.setdefault(f"judge of {name}", {})[str(source.get("source_id"))] = None
    return {name: ", ".join(judges) for name, judges in found.items()}


def _score(value: object) -> object:
    """Return a value; MLflow counts ``yes`` as 1 and ``no`` as 0."""
    return {"yes": 1.0, "no": 0.0}.get(value.lower()) if isinstance(value, str) else value


def _text(info: Info) -> ItemText:
    reasons = {name: one.get("rationale") for name, one in _assessments(info, "feedback").items()}
    return ItemText(
        input=_asked(info),
        output=_answer(info),
        target=_expected(info),
        explanations={name: str(reason) for name, reason in reasons.items() if reason},
    )
