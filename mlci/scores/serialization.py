"""A run's items as one JSON document, which versions keep and baselines are cached as."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mlci.errors import InputError, Problem
from mlci.scores.formats.log_file import LogFile
from mlci.scores.score_log import ScoreLog

NAME = "scores.json"
_SCHEMA = "mlci/scores/1"


@cache
def _adapter() -> TypeAdapter[ScoreLog]:
    return TypeAdapter(ScoreLog)


def dump_scores(log: ScoreLog, *, texts: bool) -> bytes:
    """Return a run as JSON; without ``texts`` no input, output or explanation of an item is in it."""
    kept = log if texts else replace(log, items=tuple(replace(item, text=None) for item in log.items))
    body = _adapter().dump_json(kept, exclude_defaults=True)
    return b'{"schema":"' + _SCHEMA.encode() + b'",' + body[1:]


def load_scores(path: Path, *, shown: str) -> ScoreLog:
    """Return the run that :func:`dump_scores` wrote.

    Raises:
        InputError: if the file is of another kind or damaged.
    """
    document = LogFile(path, shown).document
    if not isinstance(document, dict) or document.pop("schema", None) != _SCHEMA:
        raise InputError(Problem("is not a file of scores that mlci wrote", shown))
    try:
        return _adapter().validate_python(document)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(Problem(f"is not a file of scores that mlci wrote: {place}", shown)) from None
