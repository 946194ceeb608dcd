"""Outputs of promptfoo: ``-o out.json`` (version 3) and ``-o out.jsonl``.

The key of a test is a digest of its variables and assertions: each repeat has a ``testIdx`` of its own. ``success``
and ``score`` are scorers beside the named scores. In a file with several prompts or providers each has its own items.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mlci.scores.formats.answers import build_item, digest, digest_key, number_repeats, scorers_of, settings_of
from mlci.scores.formats.log_file import LogFile, flattened, number, text
from mlci.scores.outages import ItemAnswer, cached_copies
from mlci.scores.score_log import ItemId, ItemText, ScoredItem, ScoreLog, Scorer, Usage

NAME = "promptfoo"
_ERROR = 2
_BETWEEN = ("success", "score")
Record = Mapping[str, Any]


def recognises(file: LogFile) -> bool:
    """Return whether it is a document or a line of the tool."""
    return file.names("gradingResult", "promptIdx", "namedScores") or _is_document(file)


def _is_document(file: LogFile) -> bool:
    return file.head.lstrip(b"\xef\xbb\xbf \t\r\n{").startswith(b'"evalId"') and file.names("results", "version")


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log.

    Raises:
        InputError: if the file is damaged or has no results.
    """
    document, records = _records(file)
    copies = _copies(records)
    items = tuple(
        _item(record, item, copied) for record, item, copied in zip(records, _ids(records), copies, strict=True)
    )
    cached = sum(_response(record).get("cached") is True for record in records)
    config = document.get("config") or {}
    version = (document.get("metadata") or {}).get("promptfooVersion")
    return ScoreLog(
        tool=f"{NAME} {version}" if version else NAME,
        task=text(config.get("description")),
        items=items,
        scorers={
            name: Scorer(low=0, high=1, higher_is_better=True) if name == "success" else scorer
            for name, scorer in scorers_of(items).items()
        },
        settings=settings_of({"judge": _judges(config, records)}, _listed(records)),
        incomplete=_why_incomplete(document, len(records)),
        notes=(_cache_note(cached, len(records)),) if cached else (),
    )


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers."""
    _, records = _records(file)
    return {item: _text(record) for record, item in zip(records, _ids(records), strict=True) if item in wanted}


def _copies(records: Sequence[Record]) -> list[str | None]:
    """Return for each record why it is a copy of an earlier repeat."""
    in_order = sorted(range(len(records)), key=lambda index: records[index]["testIdx"])
    ids, responses = _ids(records), [_response(record) for record in records]
    found = cached_copies(
        [(ids[i][0], text(responses[i].get("output")), responses[i].get("cached") is True) for i in in_order]
    )
    reasons = dict(zip(in_order, found, strict=True))
    return [reasons[index] for index in range(len(records))]


def _why_incomplete(document: Record, records: int) -> str | None:
    stats = (document.get("results") or {}).get("stats") or {}
    total = sum(stats[name] for name in ("successes", "failures", "errors") if isinstance(stats.get(name), int))
    return f"it has {records:,} of {total:,} samples" if total > records else None


def _judges(config: Record, records: Sequence[Record]) -> str | None:
    """Return the providers that grade: those of the assertions, and the default of the file."""
    default = config.get("defaultTest")
    options = (default.get("options") or {}) if isinstance(default, dict) else {}
    asserted = [one.get("provider") for record in records for one in _assertions(record)]
    found = dict.fromkeys(str(_provider_id(one)) for one in [options.get("provider"), *asserted] if one)
    return ", ".join(found) or None


def _provider_id(provider: object) -> object:
    return provider.get("id") if isinstance(provider, dict) else provider


def _assertions(record: Record) -> list[Record]:
    found = (record.get("testCase") or {}).get("assert") or []
    return [one for one in found if isinstance(one, dict)]


def _cache_note(cached: int, answers: int) -> str:
    return (
        f"{cached:,} of {answers:,} answers are from promptfoo's cache: copies of an earlier answer, so they are not "
        "independent repeats (`promptfoo eval --no-cache`)"
    )


def _records(file: LogFile) -> tuple[Record, list[Record]]:
    """Return the document around the results, and the results."""
    if not _is_document(file):
        found = [(line, one) for line, one in file.lines()]
        damaged = next((line for line, one in found if not _is_result(one)), None)
        if damaged is not None:
            raise file.problem("has a line that is not a result of promptfoo", line=damaged)
        return {}, [one for _, one in found]
    document = file.document
    results = document.get("results") if isinstance(document, dict) else None
    records = results.get("results") if isinstance(results, dict) else None
    if not isinstance(records, list) or not all(map(_is_result, records)):
        raise file.problem("has no results.results, so it is not an output of version 3 of promptfoo")
    if not records:
        raise file.problem("has no results: no test ran")
    return document, records


def _is_result(record: object) -> bool:
    return isinstance(record, dict) and {"testIdx", "promptIdx", "vars"} <= record.keys()


def _ids(records: Sequence[Record]) -> list[ItemId]:
    columns = {record["promptIdx"] for record in records}
    keys = [
        digest_key(_asked(record)) + (f" prompt {record['promptIdx'] + 1}" if len(columns) > 1 else "")
        for record in records
    ]
    in_order = sorted(range(len(records)), key=lambda index: records[index]["testIdx"])
    repeats = dict(zip(in_order, number_repeats(keys[index] for index in in_order), strict=True))
    return [(key, repeats[index]) for index, key in enumerate(keys)]


def _asked(record: Record) -> list[object]:
    """Return what an item asks: its variables and assertions, without the judge of these."""
    asserted = [{name: value for name, value in one.items() if name != "provider"} for one in _assertions(record)]
    return [record["vars"], asserted or None]


def _response(record: Record) -> Record:
    found = record.get("response")
    return found if isinstance(found, dict) else {}


def _tokens(record: Record) -> Record:
    """Return the tokens of the response; not those of the result, which are zeros if the provider gave none."""
    found = _response(record).get("tokenUsage")
    return found if isinstance(found, dict) else {}


def _item(record: Record, item: ItemId, copied: str | None) -> ScoredItem:
    output, tokens = text(_response(record).get("output")), _tokens(record)
    error = record.get("error") or "error" if record.get("failureReason") == _ERROR else None
    completion = number(tokens.get("completion"))
    return build_item(
        item,
        {**{name: record.get(name) for name in _BETWEEN}, **(record.get("namedScores") or {})},
        answer=ItemAnswer(text=output, output_tokens=completion),
        error=error or (f"{copied} (`promptfoo eval --no-cache`)" if copied else None),
        metadata={**flattened(record["vars"], "vars"), **flattened(_own_metadata(record), "metadata")},
        usage=Usage(
            cost_usd=number(record.get("cost")),
            input_tokens=number(tokens.get("prompt")),
            output_tokens=completion,
            latency_seconds=_seconds(record.get("latencyMs")),
        ),
        content=digest(_asked(record)),
        prompt=digest((record.get("prompt") or {}).get("raw")),
    )


def _seconds(milliseconds: object) -> float | None:
    found = number(milliseconds)
    return None if found is None else found / 1_000


def _own_metadata(record: Record) -> Record:
    """Return the metadata of the test, without what the tool adds."""
    found = (record.get("testCase") or {}).get("metadata") or {}
    return {name: value for name, value in found.items() if not name.startswith("_")}


def _listed(records: Sequence[Record]) -> dict[str, object]:
    prompts = dict.fromkeys(str((record.get("prompt") or {}).get("label")) for record in records)
    providers = dict.fromkeys(_provider(record) for record in records)
    return {"prompt": "\n\n".join(prompts), "model": ", ".join(providers)}


def _provider(record: Record) -> str:
    found = record.get("provider")
    return str(found.get("label") or found.get("id")) if isinstance(found, dict) else str(found)


def _text(record: Record) -> ItemText:
    graded = record.get("gradingResult") or {}
    parts = graded.get("componentResults") or []
    named = {
        str((one.get("assertion") or {}).get("metric")): str(one.get("reason"))
        for one in parts
        if isinstance(one, dict) and (one.get("assertion") or {}).get("metric")
    }
    reason = {name: str(graded["reason"]) for name in _BETWEEN if graded.get("reason")}
    return ItemText(
        input=text((record.get("prompt") or {}).get("raw")),
        output=text(_response(record).get("output")),
        target=text((record.get("testCase") or {}).get("assert")),
        explanations={**reason, **named},
    )
