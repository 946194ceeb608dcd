"""Choice of the format of an evaluation log by its content."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from mlci.errors import InputError
from mlci.scores.formats import (
    deepeval,
    every_eval_ever,
    helm,
    inspect_ai,
    lighteval,
    lm_eval,
    mlflow_genai,
    nemo_evaluator,
    openai_evals,
    promptfoo,
)
from mlci.scores.formats.log_file import LogFile
from mlci.scores.outages import mark_empty_answers
from mlci.scores.score_log import ItemId, ItemText, ScoreLog, repeated_id


class LogFormat(Protocol):
    """Interface of the modules in this folder."""

    NAME: str

    def recognises(self, file: LogFile) -> bool:
        """Return whether the first bytes are of this format."""
        ...

    def read(self, file: LogFile) -> ScoreLog:
        """Return the run of a log.

        Raises:
            InputError: if the file is damaged or has no items; the message has the place.
        """
        ...

    def read_texts(self, file: LogFile, wanted: Collection[ItemId]) -> dict[ItemId, ItemText]:
        """Return what people read about the wanted answers."""
        ...


FORMATS: tuple[LogFormat, ...] = (
    inspect_ai,
    lm_eval,
    promptfoo,
    deepeval,
    openai_evals,
    nemo_evaluator,
    every_eval_ever,
    helm,
    lighteval,
    mlflow_genai,
)
"""In the order in which they are asked; the first that recognises a file reads it."""
_TOTALS = (
    (
        ("results", "group_subtasks", "configs"),
        lm_eval.NAME,
        "run it with `--log_samples`, and name the `samples_*.jsonl` beside this file",
    ),
    (("name", "count", "sum_squared"), helm.NAME, "name the `per_instance_stats.json` beside it"),
    (("evaluation_results", "eval_library"), every_eval_ever.NAME, "name the `*_samples.jsonl` beside it"),
    (("benchmark", "n_results", "sdk_version"), nemo_evaluator.NAME, "name the `results.jsonl` beside it"),
)
"""Keys of a tool's file of totals, the tool, and where its scores of items are."""


def read_log(path: Path, *, shown: str | None = None) -> ScoreLog:
    """Read an evaluation log in whichever format it is.

    Raises:
        InputError: if no format recognises it, it is damaged, or two answers have the same item and repeat.
    """
    file = LogFile(path, shown or str(path))
    log = find_format(file).read(file)
    twice = repeated_id(log.items)
    if twice is not None:
        raise file.problem(f"has item {twice[0]!r} twice as repeat {twice[1]}: two runs were joined, or keys repeat")
    return replace(log, items=mark_empty_answers(log.items))


def find_format(file: LogFile) -> LogFormat:
    """Return the format that recognises a file.

    Raises:
        InputError: if none does; the message lists the formats.
    """
    if not file.path.is_file():
        raise InputError(f"{file.shown}: no such file")
    if not file.head:
        raise file.problem("is empty: the run wrote nothing")
    for one in FORMATS:
        if one.recognises(file):
            return one
    for totals, tool, remedy in _TOTALS:
        if file.names(*totals):
            raise file.problem(f"has only totals of {tool}, and no score of an item: {remedy}")
    known = ", ".join(one.NAME for one in FORMATS)
    raise file.problem(f"is not a log of a known tool; known are {known}")
