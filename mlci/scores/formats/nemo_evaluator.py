"""Results of NeMo Evaluator: ``results.jsonl``, with ``eval-*.json`` beside it for the settings of the run.

A problem that the solver or the judge could not do has a reward of zero in the file, and its error among the scoring
details: it is an errored item here, not a wrong answer.
"""

from collections.abc import Collection, Mapping
from typing import Any

from mlci.errors import InputError
from mlci.scores.formats.answers import build_item, digest, scorers_of, settings_of
from mlci.scores.formats.log_file import LogFile, flattened, number, text
from mlci.scores.outages import ItemAnswer
from mlci.scores.score_log import ItemId, ItemText, ScoredItem, ScoreLog, Usage

NAME = "NeMo Evaluator"
_KEYS = {"problem_idx", "reward", "model_response"}
_MOST_BUNDLES = 20
Record = Mapping[str, Any]


def recognises(file: LogFile) -> bool:
    """Return whether the first line is a result."""
    return file.head.lstrip().startswith(b"{") and file.names(*_KEYS)


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log.

    Raises:
        InputError: if a line is not a result; the message has its number.
    """
    items = tuple(_item(_result(file, line, record)) for line, record in file.lines())
    bundle = _bundle(file)
    benchmark, config = bundle.get("benchmark") or {}, bundle.get("config") or {}
    version = bundle.get("sdk_version")
    total = number(bundle.get("n_results"))
    return ScoreLog(
        tool=f"{NAME} {version}" if version else NAME,
        task=text(benchmark.get("name")),
        items=items,
        scorers=scorers_of(items),
        settings=settings_of(
            {"task": benchmark.get("name")},
            {name: value for name, value in config.items() if isinstance(value, str | int | float | bool)},
        ),
        incomplete=f"it has {len(items):,} of {int(total):,} samples" if total and total > len(items) else None,
    )


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers."""
    records = (_result(file, line, record) for line, record in file.lines())
    return {_id(record): _text(record) for record in records if _id(record) in wanted}


def _result(file: LogFile, line: int, record: Record) -> Record:
    if not record.keys() >= _KEYS or record["problem_idx"] is None:
        raise file.problem("has a line that is not a result of NeMo Evaluator", line=line)
    return record


def _id(record: Record) -> ItemId:
    return str(record["problem_idx"]), str(record.get("repeat", 0))


def _details(record: Record) -> Record:
    found = record.get("scoring_details")
    return found if isinstance(found, dict) else {}


def _item(record: Record) -> ScoredItem:
    details = _details(record)
    answer, expected = text(record.get("model_response")), text(record.get("expected_answer"))
    judge = details.get("judge")
    judged = judge.get("error") if isinstance(judge, dict) else None
    rewards = record.get("scorer_rewards") if isinstance(record.get("scorer_rewards"), dict) else {}
    latency = number(record.get("latency_ms"))
    return build_item(
        _id(record),
        {"reward": record["reward"], **(rewards or {})},
        answer=ItemAnswer(text=answer, target=expected, output_tokens=_tokens(record)),
        error=details.get("error") or judged,
        metadata=flattened(record.get("metadata") or {}, "metadata"),
        usage=Usage(latency_seconds=None if latency is None else latency / 1_000),
        content=digest([record.get("prompt"), record.get("expected_answer")]),
    )


def _tokens(record: Record) -> float | None:
    """Return the tokens of the question and the answer: none of both is a request without a response."""
    return number(record.get("tokens"))


def _text(record: Record) -> ItemText:
    return ItemText(
        input=text(record.get("prompt")),
        output=text(record.get("model_response")),
        target=text(record.get("expected_answer")),
    )


def _bundle(file: LogFile) -> Record:
    """Return the description of the run beside the results; empty if none or several are there."""
    beside = sorted(file.path.parent.glob("eval-*.json"))[:_MOST_BUNDLES]
    if len(beside) != 1:
        return {}
    try:
        found = LogFile(beside[0], beside[0].name).document
    except InputError:
        return {}
    return found if isinstance(found, dict) else {}
