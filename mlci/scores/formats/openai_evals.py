"""Event logs of openai/evals: a line with the run's ``spec``, one with its ``final_report``, and one for each event.

A sample's ``match`` events are its score ``match``, its ``metrics`` events scores by name; the same event of a sample
again is a repeat.
"""

from collections.abc import Collection, Mapping
from typing import Any

from mlci.scores.formats.answers import build_item, digest, scorers_of, settings_of
from mlci.scores.formats.log_file import LogFile, number, text
from mlci.scores.outages import ItemAnswer
from mlci.scores.score_log import ItemId, ItemText, ScoredItem, ScoreLog, Usage

NAME = "openai/evals"
_EVENT = {"run_id", "event_id", "sample_id", "type"}
_READ = ("sampling", "match", "metrics", "error")
Events = dict[str, dict[str, list[Mapping[str, Any]]]]
"""Data of the events by sample and type, in the file's order."""


def recognises(file: LogFile) -> bool:
    """Return whether the first line is the specification of a run."""
    return file.head.lstrip(b" \t\r\n{").startswith(b'"spec"') and file.names("eval_name", "completion_fns")


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log.

    Raises:
        InputError: if a line is not an event, or no sample has one.
    """
    events, spec, ended = _events(file)
    items = tuple(_item(sample, index, one) for sample, one in events.items() for index in range(_repeats(one)))
    config = spec.get("run_config") or {}
    evaluated = config.get("eval_spec") or {}
    models = [str(one) for one in spec.get("completion_fns") or []]  # a scorer that asks a model takes the last one
    return ScoreLog(
        tool=NAME,
        task=text(spec.get("eval_name")),
        items=items,
        scorers=scorers_of(items),
        settings=settings_of(
            {
                "task": spec.get("eval_name"),
                "scorer": evaluated.get("cls"),
                "arguments": evaluated.get("args"),
                "judge": models[-1] if len(models) > 1 else None,
            },
            {"model": ", ".join(models[:-1] or models) or None, "seed": config.get("seed")},
        ),
        incomplete=None if ended else "it has no final report: the run was stopped, or is still going on",
    )


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers."""
    events, _, _ = _events(file)
    return {
        (sample, str(index + 1)): _text(one, index)
        for sample, one in events.items()
        for index in range(_repeats(one))
        if (sample, str(index + 1)) in wanted
    }


def _events(file: LogFile) -> tuple[Events, Mapping[str, Any], bool]:
    """Return the events of each sample, the specification, and whether the run came to its end."""
    events: Events = {}
    spec: Mapping[str, Any] = {}
    ended = False
    for line, record in file.lines():
        if "spec" in record:
            spec = record["spec"]
        elif "final_report" in record:
            ended = True
        elif not record.keys() >= _EVENT or not isinstance(record.get("data"), dict | None):
            raise file.problem("has a line that is not an event of openai/evals", line=line)
        elif record["type"] in _READ:
            of_sample = events.setdefault(str(record["sample_id"]), {})
            of_sample.setdefault(record["type"], []).append(record["data"] or {})
    if not events:
        raise file.problem("has no event of a sample: no sample was evaluated")
    return events, spec, ended


def _repeats(events: Mapping[str, list[Mapping[str, Any]]]) -> int:
    return max(len(events.get(name, ())) for name in ("match", "metrics")) or 1


def _nth(events: Mapping[str, list[Mapping[str, Any]]], name: str, index: int) -> Mapping[str, Any]:
    found = events.get(name, [])
    return found[index] if index < len(found) else {}


def _item(sample: str, index: int, events: Mapping[str, list[Mapping[str, Any]]]) -> ScoredItem:
    matched, sampled = _nth(events, "match", index), _nth(events, "sampling", index)
    usage = sampled.get("usage") or {}
    tokens, expected = number(usage.get("completion_tokens")), matched.get("expected")
    failed = _nth(events, "error", index)
    return build_item(
        (sample, str(index + 1)),
        {**({"match": matched["correct"]} if "correct" in matched else {}), **_nth(events, "metrics", index)},
        answer=ItemAnswer(text=_answer(sampled), target=text(expected), output_tokens=tokens),
        error=failed.get("message") or ("error" if failed else None),
        usage=Usage(input_tokens=number(usage.get("prompt_tokens")), output_tokens=tokens),
        content=None if expected is None else digest(expected),
        prompt=digest(sampled["prompt"]) if "prompt" in sampled else None,
    )


def _answer(sampled: Mapping[str, Any]) -> str | None:
    """Return the completion; the only one of a list."""
    found = sampled.get("sampled")
    return text(found[0] if isinstance(found, list) and len(found) == 1 else found)


def _text(events: Mapping[str, list[Mapping[str, Any]]], index: int) -> ItemText:
    sampled, matched = _nth(events, "sampling", index), _nth(events, "match", index)
    return ItemText(input=text(sampled.get("prompt")), output=_answer(sampled), target=text(matched.get("expected")))
