"""Statistics of HELM: ``per_instance_stats.json``, with ``scenario_state.json`` and ``run_spec.json`` beside it.

An instance and a perturbation of it are two items, and so are two splits of one instance; training trials are repeats.
The tool scores a request that failed like a wrong answer: ``result.success`` of the scenario state shows which failed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from mlci.errors import InputError
from mlci.scores.formats.answers import build_item, digest, scorers_of, settings_of
from mlci.scores.formats.log_file import LogFile, number, text
from mlci.scores.outages import ItemAnswer, cached_copies
from mlci.scores.score_log import ItemId, ItemText, Scalar, ScoredItem, ScoreLog, Usage

NAME = "HELM"
_KEYS = {"instance_id", "train_trial_index", "stats"}
_BESIDE = ("inference_", "finish_reason_", "training_", "num_")
_NOT_SCORES = frozenset({"batch_size", "prompt_truncated", "logprob", "max_prob", "predicted_index"})
_LATENCY, _INPUT, _OUTPUT = "inference_runtime", "num_prompt_tokens", "num_output_tokens"
Record = Mapping[str, Any]
Place = tuple[str, str, str]
"""Instance, perturbation and trial."""


def recognises(file: LogFile) -> bool:
    """Return whether it is a list of statistics by instance."""
    return file.head.lstrip().startswith(b"[") and file.names(*_KEYS)


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log.

    Raises:
        InputError: if the file is damaged or has no instance.
    """
    found = _statistics(file)
    states = _states(file)
    copies = _copies(list(found), states)
    items = tuple(
        _item(item, place, values, states, copied)
        for ((item, place), values), copied in zip(found.items(), copies, strict=True)
    )
    run = _beside(file, "run_spec.json")
    adapter = run.get("adapter_spec") or {}
    return ScoreLog(
        tool=NAME,
        task=str(run.get("name") or "").partition(",model=")[0] or None,
        items=items,
        scorers=scorers_of(items),
        settings=settings_of(
            {
                "scenario": run.get("scenario_spec"),
                "metrics": run.get("metric_specs"),
                "judge": run.get("annotators") or None,
            },
            {"model": adapter.get("model"), "adapter": adapter or None},
        ),
        incomplete=f"it has {len(items):,} of {len(states):,} samples" if len(states) > len(items) else None,
    )


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers, if the scenario state is beside the statistics."""
    states = _states(file)
    return {item: _text(states[place]) for item, place in _statistics(file) if item in wanted and place in states}


def _statistics(file: LogFile) -> dict[tuple[ItemId, Place], dict[str, object]]:
    """Return the statistics of each answer, those of its several metrics together."""
    document = file.document
    if not isinstance(document, list) or not all(isinstance(one, dict) and one.keys() >= _KEYS for one in document):
        raise file.problem("is not a list of statistics by instance, so it is not of HELM")
    if not document:
        raise file.problem("has no instances")
    splits: dict[str, set[str]] = {}
    for record, split, _ in _each(document):
        splits.setdefault(str(record["instance_id"]), set()).add(split)
    found: dict[tuple[ItemId, Place], dict[str, object]] = {}
    for record, split, stat in _each(document):
        place = _place(record, record)
        key = " ".join(filter(None, [place[0], place[1], split if len(splits[place[0]]) > 1 else ""]))
        of_item = found.setdefault(((key, place[2]), place), {"split": split})
        of_item[str(stat["name"]["name"])] = stat.get("mean")
    return found


def _each(document: list[Record]) -> Iterator[tuple[Record, str, Record]]:
    """Yield record, split and statistic."""
    for record in document:
        for stat in record["stats"]:
            if isinstance(stat, dict) and isinstance(stat.get("name"), dict):
                yield record, str(stat["name"].get("split") or ""), stat


def _place(record: Record, instance: Record) -> Place:
    perturbation = instance.get("perturbation") or {}
    key = instance.get("instance_id", instance.get("id"))
    return str(key), str(perturbation.get("name") or ""), str(record["train_trial_index"])


def _states(file: LogFile) -> dict[Place, Record]:
    """Return the request of each answer; empty without the scenario state beside the statistics."""
    requests = _beside(file, "scenario_state.json").get("request_states") or []
    return {_place(one, one["instance"]): one for one in requests if one.get("reference_index") is None}


def _beside(file: LogFile, name: str) -> Record:
    path = file.path.with_name(name)
    if not path.is_file():
        return {}
    try:
        document = LogFile(path, name).document
    except InputError:
        return {}
    return document if isinstance(document, dict) else {}


def _copies(places: Sequence[tuple[ItemId, Place]], states: Mapping[Place, Record]) -> list[str | None]:
    """Return for each answer why it is a copy of an earlier trial: the cache gave it to the same prompt again."""
    requests = [states.get(place, {}) for _, place in places]
    return cached_copies(
        [
            (f"{key} {_text(one).input}", _text(one).output, (one.get("result") or {}).get("cached") is True)
            for ((key, _), _), one in zip(places, requests, strict=True)
        ]
    )


def _item(item: ItemId, place: Place, values: Record, states: Mapping[Place, Record], copied: str | None) -> ScoredItem:
    state = states.get(place, {})
    result, asked = state.get("result") or {}, _text(state)
    output_tokens = number(values.get(_OUTPUT))
    error = (result.get("error") or "the request failed") if result.get("success") is False else None
    metadata: dict[str, Scalar] = {"split": str(values["split"]), "perturbation": place[1] or None}
    return build_item(
        item,
        {name: value for name, value in values.items() if name != "split" and not _is_beside(name)},
        answer=ItemAnswer(text=asked.output, target=asked.target, output_tokens=output_tokens) if state else None,
        error=error or copied,
        metadata=metadata,
        usage=Usage(
            input_tokens=number(values.get(_INPUT)),
            output_tokens=output_tokens,
            latency_seconds=number(values.get(_LATENCY)),
        ),
        content=digest([(state["instance"].get("input") or {}).get("text"), asked.target]) if state else None,
        prompt=digest(asked.input) if state else None,
    )


def _is_beside(name: str) -> bool:
    """Return whether a statistic describes the request or the model, not how good the answer is."""
    return name in _NOT_SCORES or name.startswith(_BESIDE)


def _text(state: Record) -> ItemText:
    completions = (state.get("result") or {}).get("completions") or []
    references = (state.get("instance") or {}).get("references") or []
    right = [one["output"]["text"] for one in references if "correct" in (one.get("tags") or [])]
    return ItemText(
        input=text((state.get("request") or {}).get("prompt")),
        output=text(completions[0].get("text")) if completions else None,
        target=text(right[0] if right else None),
    )
