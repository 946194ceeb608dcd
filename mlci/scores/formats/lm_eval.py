"""Sample logs of lm-evaluation-harness: ``samples_<task>_<date>.jsonl``, written with ``--log_samples``.

A file has one line for each document and filter, so a metric's name is ``exact_match,strict-match`` as in the tool's
own tables, or the plain name for the filter ``none``. ``results_<date>.json`` beside it has directions and versions.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlci.errors import InputError
from mlci.scores.formats.answers import build_item, scorers_of, settings_of
from mlci.scores.formats.log_file import LogFile, flattened, number, text
from mlci.scores.outages import ItemAnswer
from mlci.scores.score_log import ItemId, ItemText, ScoredItem, ScoreLog, Scorer, Setting
from mlci.util.digests import sha256_of

NAME = "lm-evaluation-harness"
_DEFAULT_FILTER = "none"
_PERPLEXITY = "perplexity"
"""Metric of which a sample has the log-likelihood of its target, and the tool reports exp(-mean)."""


def recognises(file: LogFile) -> bool:
    """Return whether the first line is a sample of the tool."""
    record = file.first_record
    if record is not None:
        return {"doc_id", "doc", "resps", "filtered_resps"} <= record.keys()
    return file.names("doc_id", "resps", "filtered_resps")


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log; the filters of one document are one item.

    Raises:
        InputError: if a line is not a sample; the message has its number.
    """
    found: dict[str, dict[str, Any]] = {}
    for line, record in file.lines():
        key = _key(file, record, line)
        item = found.setdefault(key, {"record": record, "scores": {}, "lists": [], "filters": set()})
        filtered = str(record.get("filter", _DEFAULT_FILTER))
        if filtered in item["filters"]:
            raise file.problem(f"has document {key} twice under the filter {filtered!r}", line=line)
        item["filters"].add(filtered)
        _add_scores(item, record, filtered)
    if not found:
        raise file.problem("has no samples")
    results = _results(file)
    task = _task(file, results)
    items = tuple(_item(key, one) for key, one in found.items())
    corpus = sorted({name for one in found.values() for name in one["lists"]})
    return ScoreLog(
        tool=f"{NAME} {results['lm_eval_version']}" if results.get("lm_eval_version") else NAME,
        task=task,
        items=items,
        scorers=_scorers(items, (results.get("higher_is_better") or {}).get(task or "") or {}),
        totals=tuple(corpus),
        settings=_settings(results, task),
        incomplete=_why_incomplete(results, task, len(items)),
        notes=_notes(items, corpus),
    )


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers."""
    found: dict[ItemId, ItemText] = {}
    for line, record in file.lines():
        item = (_key(file, record, line), "1")
        if item in wanted and item not in found:
            arguments = record.get("arguments")
            first = next(iter(arguments.values()), None) if isinstance(arguments, Mapping) else arguments
            asked = first.get("arg_0") if isinstance(first, Mapping) else first
            found[item] = ItemText(
                input=text(asked if asked is not None else record.get("doc")),
                output=text(_first(record.get("filtered_resps"))),
                target=text(record.get("target")),
            )
    return found


def _first(value: object) -> object:
    while isinstance(value, list) and value:
        value = value[0]
    return value


def _key(file: LogFile, record: Mapping[str, Any], line: int) -> str:
    key = record.get("doc_hash", record.get("doc_id"))
    if key is None:
        raise file.problem("has a line without doc_hash and doc_id, so it is not a sample", line=line)
    return str(key)


def _add_scores(item: dict[str, Any], record: Mapping[str, Any], filtered: str) -> None:
    for metric in record.get("metrics") or []:
        name = str(metric) if filtered == _DEFAULT_FILTER else f"{metric},{filtered}"
        value = record.get(metric)
        if isinstance(value, list | tuple):
            item["lists"].append(name)
            continue
        score = number(value)
        item["scores"][name] = -score if metric == _PERPLEXITY and score is not None else score


def _item(key: str, one: Mapping[str, Any]) -> ScoredItem:
    record = one["record"]
    return build_item(
        (key, "1"),
        one["scores"],
        answer=ItemAnswer(text=text(_first(record.get("resps"))), target=text(record.get("target"))),
        metadata=flattened(record.get("doc") or {}, "doc"),
        content=_digest(record, "doc_hash", "doc") + _digest(record, "target_hash", "target"),
        prompt=text(record.get("prompt_hash")),
    )


def _notes(items: Sequence[ScoredItem], corpus: Sequence[str]) -> tuple[str, ...]:
    """Return lines for the report about metrics that are not the mean of the items' scores."""
    notes = [f"{', '.join(corpus)}: computed over the whole task, so no item has a score"] if corpus else []
    if any(name.partition(",")[0] == _PERPLEXITY for item in items for name in item.scores):
        notes.append(
            "perplexity: an item's score is its negative log-likelihood, and exp of the mean is what the tool reports"
        )
    return tuple(notes)


def _digest(record: Mapping[str, Any], hashed: str, plain: str) -> str:
    return str(record.get(hashed) or sha256_of(json.dumps(record.get(plain), sort_keys=True, default=str).encode()))


def _results(file: LogFile) -> Mapping[str, Any]:
    """Return the results file of the same run beside the samples; empty if there is none."""
    stamp = _stamp(file.path)
    beside = [file.path.with_name(f"results_{stamp}.json")] if stamp else []
    for path in [*beside, file.path.with_name("results.json")]:
        if path.is_file():
            try:
                document = LogFile(path, str(Path(file.shown).with_name(path.name))).document
            except InputError:
                continue
            if isinstance(document, Mapping):
                return document
    return {}


def _stamp(path: Path) -> str | None:
    """Return the date in the name ``samples_<task>_<date>.jsonl``."""
    _, _, stamp = path.stem.rpartition("_")
    return stamp if stamp[:2] == "20" else None


def _task(file: LogFile, results: Mapping[str, Any]) -> str | None:
    known = list(results.get("configs") or {})
    name = file.path.stem.removeprefix("samples_")
    stamp = _stamp(file.path)
    name = name.removesuffix(f"_{stamp}") if stamp else name
    return name if name in known or not known else known[0] if len(known) == 1 else None


def _scorers(items: tuple[ScoredItem, ...], directions: Mapping[str, Any]) -> dict[str, Scorer]:
    return {
        name: Scorer(higher_is_better=_boolean(directions.get(name.partition(",")[0]))) for name in scorers_of(items)
    }


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _settings(results: Mapping[str, Any], task: str | None) -> dict[str, Setting]:
    config = (results.get("configs") or {}).get(task or "") or {}
    run = results.get("config") or {}
    voiding = {
        "task": task,
        "task version": (results.get("versions") or {}).get(task or ""),
        "dataset": config.get("dataset_path"),
        "few-shot examples": (results.get("n-shot") or {}).get(task or ""),
        "metrics": config.get("metric_list"),
    }
    listed = {
        "model": results.get("model_name") or run.get("model"),
        "model arguments": run.get("model_args"),
        "generation": config.get("generation_kwargs"),
        "lm_eval": results.get("lm_eval_version"),
        "revision": results.get("git_hash"),
    }
    return settings_of(voiding, listed)


def _why_incomplete(results: Mapping[str, Any], task: str | None, items: int) -> str | None:
    total = number(((results.get("n-samples") or {}).get(task or "") or {}).get("effective"))
    return f"it has {items:,} of {int(total):,} samples" if total is not None and total > items else None
