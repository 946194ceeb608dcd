"""Samples of Every Eval Ever (schema 0.3): ``*_samples.jsonl``, a line for each sample and aggregate result.

The lines of one sample are one item with a score for each ``evaluation_result_id``. The schema has no repeat, so the
same sample and result again is the next repeat.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mlci.scores.formats.answers import build_item, scorers_of, settings_of
from mlci.scores.formats.log_file import LogFile, flattened, number, text
from mlci.scores.outages import ItemAnswer
from mlci.scores.score_log import ItemId, ItemText, ScoredItem, ScoreLog, Usage

NAME = "Every Eval Ever"
_KEYS = {"schema_version", "evaluation_id", "sample_id", "evaluation", "input"}
_MILLISECONDS = 1_000
Record = Mapping[str, Any]


def recognises(file: LogFile) -> bool:
    """Return whether the first line is a sample."""
    return file.names(*(_KEYS - {"evaluation"}))


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log.

    Raises:
        InputError: if a line is not a sample, or the lines are of several runs; the message has the line's number.
    """
    answers: dict[ItemId, dict[str, Record]] = {}
    first: Record = {}
    for line, item, scorer, record in _samples(file):
        first = first or record
        if record["evaluation_id"] != first["evaluation_id"]:
            raise file.problem("has samples of two runs: evaluation_id differs from the first line's", line=line)
        answers.setdefault(item, {})[scorer] = record
    items = tuple(_item(item, records) for item, records in answers.items())
    return ScoreLog(
        tool=f"{NAME} {first['schema_version']}",
        task=str(first["evaluation_id"]).partition("/")[0],
        items=items,
        scorers=scorers_of(items),
        settings=settings_of({}, {"model": first.get("model_id")}),
    )


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers."""
    found: dict[ItemId, ItemText] = {}
    for _, item, _, record in _samples(file):
        if item in wanted and item not in found:
            found[item] = ItemText(
                input=text(_part(record, "input").get("formatted") or _part(record, "input").get("raw")),
                output=_answer(record),
                target=_target(record),
            )
    return found


def _samples(file: LogFile) -> Iterator[tuple[int, ItemId, str, Record]]:
    """Yield line, item, scorer and record of each line."""
    seen: dict[tuple[str, str], int] = {}
    for line, record in file.lines():
        if not record.keys() >= _KEYS or not isinstance(record["evaluation"], dict):
            raise file.problem("has a line that is not a sample of Every Eval Ever", line=line)
        scorer = str(record.get("evaluation_result_id") or record.get("evaluation_name"))
        key = str(record["sample_id"])
        seen[key, scorer] = seen.get((key, scorer), 0) + 1
        yield line, (key, str(seen[key, scorer])), scorer, record


def _item(item: ItemId, records: Mapping[str, Record]) -> ScoredItem:
    first = next(iter(records.values()))
    tokens, latency = _part(first, "token_usage"), number(_part(first, "performance").get("latency_ms"))
    output_tokens = number(tokens.get("output_tokens"))
    error = next((one["error"] for one in records.values() if one.get("error")), None)
    return build_item(
        item,
        {scorer: record["evaluation"].get("score") for scorer, record in records.items()},
        answer=ItemAnswer(text=_answer(first), target=_target(first), output_tokens=output_tokens),
        error=error,
        metadata=flattened(_part(first, "metadata"), "metadata"),
        usage=Usage(
            input_tokens=number(tokens.get("input_tokens")),
            output_tokens=output_tokens,
            latency_seconds=None if latency is None else latency / _MILLISECONDS,
        ),
        content=text(first.get("sample_hash")),
    )


def _part(record: Record, name: str) -> Record:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _answer(record: Record) -> str | None:
    """Return the answer: the only one, all of several, or the last message of a conversation."""
    raw = _part(record, "output").get("raw")
    if isinstance(raw, list):
        return text(raw[0] if len(raw) == 1 else raw)
    messages = [one for one in record.get("messages") or [] if isinstance(one, dict) and one.get("role") == "assistant"]
    return text(messages[-1].get("content")) if messages else None


def _target(record: Record) -> str | None:
    reference = _part(record, "input").get("reference")
    return text(reference[0] if isinstance(reference, list) and len(reference) == 1 else reference)
