"""Details of lighteval (0.13): ``details_<task>_<date>.parquet``, written with ``--save-details``.

A row is a document with the value of each metric. Several samples of one document are inside its row with one value, so
there are no repeats. ``results_<date>.json``, beside the file or in the tool's folder ``results``, has the directions.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlci.errors import InputError
from mlci.scores.formats.answers import build_item, digest, scorers_of, settings_of
from mlci.scores.formats.log_file import LogFile, flattened, number, text
from mlci.scores.outages import ItemAnswer
from mlci.scores.score_log import ItemId, ItemText, ScoredItem, ScoreLog, Scorer, Usage

NAME = "lighteval"
_COLUMNS = ("doc", "metric", "model_response")
Record = Mapping[str, Any]


def recognises(file: LogFile) -> bool:
    """Return whether it is a Parquet file of details."""
    return file.is_parquet and set(_COLUMNS) <= set(file.parquet_columns)


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log.

    Raises:
        InputError: if the file is damaged, has no documents, or these are of several tasks.
    """
    records = _records(file)
    tasks = {str(record["doc"].get("task_name")) for record in records}
    if len(tasks) > 1:
        raise file.problem(f"has documents of {len(tasks)} tasks: {', '.join(sorted(tasks))}")
    task = tasks.pop()
    results = _results(file)
    config = (results.get("config_tasks") or {}).get(task) or {}
    general = results.get("config_general") or {}
    items = tuple(_item(record) for record in records)
    totals = tuple(sorted({name for record in records for name, value in record["metric"].items() if _is_total(value)}))
    directions = _directions(config)
    total = number(config.get("effective_num_docs"))
    return ScoreLog(
        tool=NAME,
        task=task,
        items=items,
        scorers={name: Scorer(higher_is_better=directions.get(name)) for name in scorers_of(items)},
        totals=totals,
        settings=settings_of(
            {
                "task": task,
                "task version": config.get("version"),
                "dataset": config.get("hf_repo"),
                "dataset subset": config.get("hf_subset"),
                "few-shot examples": config.get("num_fewshots"),
                "metrics": config.get("metrics"),
            },
            {
                "model": general.get("model_name"),
                "generation": (general.get("model_config") or {}).get("generation_parameters"),
            },
        ),
        incomplete=f"it has {len(items):,} of {int(total):,} samples" if total and total > len(items) else None,
        notes=(f"{', '.join(totals)}: computed over the whole task, so no item has a score",) if totals else (),
    )


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers."""
    return {
        _id(record): ItemText(input=text(record["doc"].get("query")), output=_shown(record), target=_target(record))
        for record in _records(file)
        if _id(record) in wanted
    }


def _records(file: LogFile) -> list[Record]:
    rows: list[Record] = [dict(zip(_COLUMNS, row, strict=True)) for row in file.parquet_rows(_COLUMNS)]
    for number_of_row, row in enumerate(rows, 1):
        if not all(isinstance(row[name], dict) for name in _COLUMNS) or row["doc"].get("id") is None:
            raise file.problem(f"has no whole document in row {number_of_row:,}, so it was not written by lighteval")
    if not rows:
        raise file.problem("has no rows: no document was evaluated")
    return rows


def _id(record: Record) -> ItemId:
    return str(record["doc"]["id"]), "1"


def _is_total(value: object) -> bool:
    """Return whether a value is the input of a metric of the whole task, such as a pair of label and prediction."""
    return isinstance(value, Mapping | list)


def _item(record: Record) -> ScoredItem:
    doc, response = record["doc"], record["model_response"]
    tokens = [len(one) for one in response.get("output_tokens") or [] if isinstance(one, Sequence)]
    answers = response.get("text") or []
    return build_item(
        _id(record),
        {name: value for name, value in record["metric"].items() if not _is_total(value)},
        answer=ItemAnswer(
            text=text(answers[0]) if answers else None,
            target=_target(record),
            output_tokens=sum(tokens) or None,  # without a tokenizer the lists are empty
        ),
        metadata=flattened(doc.get("specific") or {}, "specific"),
        usage=Usage(output_tokens=sum(tokens) or None),
        content=digest([doc.get("query"), doc.get("choices"), doc.get("gold_index")]),
        prompt=digest([doc.get("instruction"), doc.get("fewshot_samples")]),
    )


def _shown(record: Record) -> str | None:
    """Return the first sample of the answer, or of a choice the one with the highest likelihood."""
    response, choices = record["model_response"], record["doc"].get("choices") or []
    answers, likelihoods = response.get("text") or [], response.get("logprobs") or []
    if answers:
        return text(answers[0])
    if likelihoods and len(likelihoods) == len(choices):
        return text(choices[max(range(len(choices)), key=lambda index: likelihoods[index])])
    return None


def _target(record: Record) -> str | None:
    choices, gold = record["doc"].get("choices") or [], record["doc"].get("gold_index")
    places = gold if isinstance(gold, list) else [gold]
    found = [choices[place] for place in places if isinstance(place, int) and 0 <= place < len(choices)]
    return text(found[0] if len(found) == 1 else found or None)


def _directions(config: Record) -> dict[str, bool]:
    """Return the direction of each metric of a task; one entry can be a group of several metrics."""
    found: dict[str, bool] = {}
    for metric in config.get("metrics") or []:
        names, directions = metric.get("metric_name"), metric.get("higher_is_better")
        for name in names if isinstance(names, list) else [names]:
            one = directions.get(name) if isinstance(directions, Mapping) else directions
            if isinstance(one, bool):
                found[str(name)] = one
    return found


def _results(file: LogFile) -> Record:
    """Return the results of the same run: beside the file, or in the tool's own folder; empty without them."""
    name = f"results_{file.path.stem.rpartition('_')[2]}.json"
    places = [file.path.with_name(name)]
    details = next((one for one in file.path.absolute().parents if one.name == "details"), None)
    if details is not None:
        model = file.path.absolute().parent.relative_to(details).parent
        places.append(details.with_name("results") / model / name)
    for path in places:
        if path.is_file():
            try:
                found = LogFile(path, str(Path(name))).document
            except InputError:
                continue
            if isinstance(found, dict):
                return found
    return {}
