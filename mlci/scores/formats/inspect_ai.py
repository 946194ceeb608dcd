"""Logs of Inspect (inspect-ai): ``.eval`` archives and ``.json`` files, schema 2.

An archive has a summary of every sample beside the whole samples, so that scores are read without conversations. Its
members are compressed by zstd since Inspect 0.3.206. A letter is a number as in Inspect's ``value_to_float``.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mlci.scores.formats.answers import build_item, digest, scorers_of, settings_of
from mlci.scores.formats.log_file import BOUNDS, LogFile, flattened, number, short_reason, text
from mlci.scores.formats.zip_members import ArchiveMembers
from mlci.scores.outages import ItemAnswer
from mlci.scores.score_log import ItemId, ItemText, ScoredItem, ScoreLog, Setting, Usage

NAME = "Inspect"
_LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_HEADER, _SUMMARIES, _START = "header.json", "summaries.json", "_journal/start.json"
_JOURNAL = "_journal/summaries/"
_TIME = "time"
_GRADED = "model_graded"


def recognises(file: LogFile) -> bool:
    """Return whether it is an Inspect archive or document."""
    if file.is_zip:
        return file.path.suffix == ".eval" or _START.encode() in file.head[:100]
    return file.names("status", "eval", "run_id", "task")


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log.

    Raises:
        InputError: if the archive or the document is damaged, or has no samples.
    """
    if not file.is_zip:
        log = file.document
        return _score_log(file, log, list(log.get("samples") or []))
    with ArchiveMembers.opened(file) as archive:
        if archive.has(_HEADER):
            header = archive.document(_HEADER, BOUNDS)
            return _score_log(file, header, list(archive.document(_SUMMARIES, BOUNDS)))
        header = {"status": "started", **archive.document(_START, BOUNDS)}
        parts = [archive.document(name, BOUNDS) for name in archive.names(_JOURNAL)]
        return _score_log(file, header, [sample for part in parts for sample in part])


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers."""
    return {_id(sample): _item_text(sample) for sample in _samples(file, wanted) if _id(sample) in wanted}


def _samples(file: LogFile, wanted: Collection[ItemId]) -> Iterator[Mapping[str, Any]]:
    if not file.is_zip:
        yield from file.document.get("samples") or []
        return
    with ArchiveMembers.opened(file) as archive:
        for key, repeat in wanted:
            name = f"samples/{key}_epoch_{repeat}.json"
            if archive.has(name):
                yield archive.document(name, BOUNDS)


def _score_log(file: LogFile, log: Mapping[str, Any], samples: list[Mapping[str, Any]]) -> ScoreLog:
    spec = log.get("eval") or {}
    items = tuple(_item(sample) for sample in samples)
    version = (spec.get("packages") or {}).get("inspect_ai")
    if not items:
        raise file.problem(f"has no samples: its status is {log.get('status', 'unknown')!r}")
    return ScoreLog(
        tool=f"{NAME} {version}" if version else NAME,
        task=text(spec.get("task")),
        items=items,
        scorers=scorers_of(items),
        settings=_settings(log, spec),
        incomplete=_why_incomplete(log, items),
    )


def _item(sample: Mapping[str, Any]) -> ScoredItem:
    return build_item(
        _id(sample),
        _scores(sample.get("scores") or {}),
        answer=_answer(sample),
        error=_error(sample),
        metadata=flattened(sample.get("metadata") or {}, "metadata"),
        usage=_usage(sample),
        content=digest({"input": sample.get("input"), "target": sample.get("target")}),
    )


def _id(sample: Mapping[str, Any]) -> ItemId:
    return str(sample.get("id")), str(sample.get("epoch", 1))


def _error(sample: Mapping[str, Any]) -> str | None:
    """Return why a sample has no answer; ``None`` if it has one."""
    error = sample.get("error")
    if error:
        return short_reason(error.get("message") if isinstance(error, Mapping) else error)
    if sample.get("completed") is False:
        return "not completed"
    limit = sample.get("limit")
    if (limit.get("type") if isinstance(limit, Mapping) else limit) == _TIME:
        return "timed out: stopped by the time limit, which counts waiting for the provider"
    return None


def _answer(sample: Mapping[str, Any]) -> ItemAnswer:
    """Return the answer: the completion, or in a summary what a scorer took for the answer."""
    answer = (sample.get("output") or {}).get("completion")
    taken = [one.get("answer") for one in (sample.get("scores") or {}).values() if isinstance(one, Mapping)]
    found = answer or next((one for one in taken if one), next((one for one in taken if one is not None), None))
    tokens = _usage(sample).output_tokens
    return ItemAnswer(text=text(found), target=text(sample.get("target")), output_tokens=tokens)


def _scores(found: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the scores by name, ``None`` of a scorer that gave none; a mapping of scores has one name for each."""
    scores: dict[str, float | None] = {}
    for name, score in found.items():
        value = score.get("value") if isinstance(score, Mapping) else score
        values = {f"{name}.{part}": one for part, one in value.items()} if isinstance(value, Mapping) else {name: value}
        scores |= {each: _as_number(one) for each, one in values.items()}
    return scores


def _as_number(value: object) -> float | None:
    if not isinstance(value, str):
        return number(value)
    if value in _LETTERS:
        return _LETTERS[value]
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    try:
        return number(float(value))
    except ValueError:
        return None


def _usage(sample: Mapping[str, Any]) -> Usage:
    models = [one for one in (sample.get("model_usage") or {}).values() if isinstance(one, Mapping)]

    def total(name: str) -> float | None:
        values = [value for one in models if (value := number(one.get(name))) is not None]
        return sum(values) if values else None

    return Usage(
        cost_usd=total("total_cost"),
        input_tokens=total("input_tokens"),
        output_tokens=total("output_tokens"),
        latency_seconds=number(sample.get("total_time")),
    )


def _settings(log: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Setting]:
    dataset = spec.get("dataset") or {}
    scorers = {f"scorer {one.get('name')}": one.get("options") or {} for one in spec.get("scorers") or []}
    voiding = {
        "task": spec.get("task"),
        "task version": spec.get("task_version"),
        "dataset": dataset.get("name") or dataset.get("location"),
        **scorers,
        "judge": _judge(spec),
    }
    listed = {
        "model": spec.get("model"),
        "generation": spec.get("model_generate_config") or None,
        "task arguments": spec.get("task_args") or None,
        "solver": (log.get("plan") or {}).get("steps"),
        "revision": (spec.get("revision") or {}).get("commit"),
        "inspect_ai": (spec.get("packages") or {}).get("inspect_ai"),
    }
    return settings_of(voiding, listed)


def _judge(spec: Mapping[str, Any]) -> object:
    """Return the judge: the role of the grader, else the model itself if a scorer asks a model and names none."""
    grader = (spec.get("model_roles") or {}).get("grader")
    graded = [one for one in spec.get("scorers") or [] if _GRADED in str(one.get("name"))]
    alone = any(not (one.get("options") or {}).get("model") for one in graded)
    return grader or (spec.get("model") if alone else None)


def _why_incomplete(log: Mapping[str, Any], items: tuple[ScoredItem, ...]) -> str | None:
    status = log.get("status")
    if status != "success":
        return f"its status is {status}" if status != "started" else "the run was still going on, or it was killed"
    total = number((log.get("results") or {}).get("total_samples"))
    if total is not None and total > len(items):
        return f"it has {len(items):,} of {int(total):,} samples"
    return None


def _item_text(sample: Mapping[str, Any]) -> ItemText:
    scores = sample.get("scores") or {}
    return ItemText(
        input=text(sample.get("input")),
        output=text((sample.get("output") or {}).get("completion")) or _last_choice(sample),
        target=text(sample.get("target")),
        explanations={
            name: str(one["explanation"])
            for name, one in scores.items()
            if isinstance(one, Mapping) and one.get("explanation")
        },
    )


def _last_choice(sample: Mapping[str, Any]) -> str | None:
    choices = (sample.get("output") or {}).get("choices") or []
    message = choices[0].get("message") if choices else None
    return text(message.get("content")) if isinstance(message, Mapping) else None
