"""Test runs of deepeval: ``.deepeval/.latest_run_full.json`` and ``test_run_<date>.json``.

The key of a test case is ``metadata.id`` if all have one, else a digest of its input and expected output. The same test
case again is a repeat. A metric's direction is that by which the tool compared its scores with the threshold.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mlci.scores.formats.answers import build_item, digest, digest_key, number_repeats, scorers_of, settings_of
from mlci.scores.formats.log_file import LogFile, flattened, number, text
from mlci.scores.outages import ItemAnswer
from mlci.scores.score_log import ItemId, ItemText, ScoredItem, ScoreLog, Scorer, Usage

NAME = "deepeval"
_ID = "id"
Record = Mapping[str, Any]


def recognises(file: LogFile) -> bool:
    """Return whether it is a test run."""
    return file.names("testCases", "metricsData")


def read(file: LogFile) -> ScoreLog:
    """Return the run of a log.

    Raises:
        InputError: if the file is damaged or has no test case.
    """
    run = _run(file)
    cases = run["testCases"]
    items = tuple(_item(case, item) for case, item in zip(cases, _ids(cases), strict=True))
    skipped = len(run.get("conversationalTestCases") or [])
    judges, thresholds = _settings(cases)
    return ScoreLog(
        tool=NAME,
        task=text(run.get("testFile")),
        items=items,
        scorers={name: Scorer(higher_is_better=_direction(cases, name)) for name in scorers_of(items)},
        settings=settings_of(judges, {**thresholds, "hyperparameters": run.get("hyperparameters") or None}),
        incomplete=_why_incomplete(run),
        notes=(f"{skipped:,} conversations are not read, only single turns",) if skipped else (),
    )


def read_texts(file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
    """Return what people read about the wanted answers."""
    cases = _run(file)["testCases"]
    return {item: _text(case) for case, item in zip(cases, _ids(cases), strict=True) if item in wanted}


def _why_incomplete(run: Record) -> str | None:
    """Return why the run is not whole, by the tool's own count of test cases."""
    counts = [run.get("testPassed"), run.get("testFailed")]
    total = sum(one for one in counts if isinstance(one, int))
    cases = len(run["testCases"]) + len(run.get("conversationalTestCases") or [])
    return f"it has {cases:,} of {total:,} samples" if total > cases else None


def _run(file: LogFile) -> Record:
    document = file.document
    run: Record = document.get("testRunData", document) if isinstance(document, dict) else {}
    cases = run.get("testCases")
    if not isinstance(cases, list) or not all(isinstance(case, dict) and "input" in case for case in cases):
        raise file.problem("has no list of test cases, so it is not a test run of deepeval")
    if not cases:
        raise file.problem("has no test cases with one turn")
    return run


def _ids(cases: Sequence[Record]) -> list[ItemId]:
    named = [(case.get("metadata") or {}).get(_ID) for case in cases]
    asked = [digest_key(_asked(case)) for case in cases]
    clear = None not in named and len(set(zip(map(str, named), asked, strict=True))) == len(set(map(str, named)))
    keys = [str(name) for name in named] if clear else asked
    return list(zip(keys, number_repeats(keys), strict=True))


def _asked(case: Record) -> list[object]:
    return [case.get("input"), case.get("expectedOutput"), case.get("context")]


def _metrics(case: Record) -> list[Record]:
    return [one for one in case.get("metricsData") or [] if isinstance(one, dict) and one.get("name")]


def _item(case: Record, item: ItemId) -> ScoredItem:
    tokens = number(case.get("outputTokenCount"))
    answer, target = text(case.get("actualOutput")), text(case.get("expectedOutput"))
    return build_item(
        item,
        {str(one["name"]): None if one.get("error") else one.get("score") for one in _metrics(case)},
        answer=ItemAnswer(text=answer, target=target, output_tokens=tokens),
        metadata=flattened(case.get("metadata") or {}, "metadata"),
        usage=Usage(
            cost_usd=number(case.get("tokenCost")),
            input_tokens=number(case.get("inputTokenCount")),
            output_tokens=tokens,
            latency_seconds=number(case.get("completionTime")),
        ),
        content=digest(_asked(case)),
    )


def _direction(cases: Sequence[Record], name: str) -> bool | None:
    """Return whether more is better, by the scores that are not at their threshold; ``None`` if they do not show it."""
    found = set()
    for one in (one for case in cases for one in _metrics(case) if one["name"] == name):
        score, threshold = number(one.get("score")), number(one.get("threshold"))
        if score is not None and threshold is not None and score != threshold and isinstance(one.get("success"), bool):
            found.add(one["success"] == (score > threshold))
    return found.pop() if len(found) == 1 else None


def _settings(cases: Sequence[Record]) -> tuple[dict[str, object], dict[str, object]]:
    """Return the judge of each metric, and its threshold."""
    judges: dict[str, object] = {}
    thresholds: dict[str, object] = {}
    for one in (one for case in cases for one in _metrics(case)):
        if one.get("evaluationModel"):
            judges.setdefault(f"judge of {one['name']}", one["evaluationModel"])
        thresholds.setdefault(f"threshold of {one['name']}", one.get("threshold"))
    return judges, thresholds


def _text(case: Record) -> ItemText:
    return ItemText(
        input=text(case.get("input")),
        output=text(case.get("actualOutput")),
        target=text(case.get("expectedOutput")),
        explanations={str(one["name"]): str(one["reason"]) for one in _metrics(case) if one.get("reason")},
    )
