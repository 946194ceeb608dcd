# ruff: noqa: E501 - a table reads best with one case a line
"""`task: scores` in `mlci.yml`: keys of rows are refused there, and keys of logs elsewhere."""

import pytest

from mlci.config.read import load_text
from mlci.errors import InputError
from mlci.metrics import catalogue

GOOD = """\
model: support
task: scores
predict: {log: now.eval}
evaluation: {slices: [language]}
baseline: {log: before.eval}
gates:
  - {metric: accuracy, max_drop: 0.02}
"""
ROWS = "is for rows of a table, and `task: scores` reads a log; remove it"
BAD = {
    ("log: now.eval", "file: now.csv"): "3: `task: scores` reads evaluation logs; `predict.file` is for other tasks; name the evaluation log: `predict: {log: logs/*.eval}`",
    ("now.eval}", "now.eval, score: p}"): f"3: `predict.score` {ROWS}",
    ("[language]", "auto"): "4: `slices: auto` searches rows of a table, and `task: scores` reads a log; name the slices",
    ("[language]}", "[language], slice_search: {max_columns: 2}}"): f"4: `evaluation.slice_search` {ROWS}",
    ("[language]}", "[language], weight: w}"): f"4: `evaluation.weight` {ROWS}",
    ("[language]}", "[language], query: q}"): "4: `evaluation.query` is for `task: ranking`, and this task is scores; remove it",
    ("[language]}", "[language], repeat: run}"): "4: `evaluation.repeat` is for a table of scores, which needs `key`: the column with the item",
    ("log: before.eval", "file: before.csv"): "5: `baseline.file` is for predictions and metrics; name the log as `baseline: {log: …}`",
    ("gates:", "tests: {run: pytest}\ngates:"): "6: `tests` needs predictions for rows, and `task: scores` has none; remove it",
    ("max_drop", "params: {k: 2}, max_drop"): "7: `gates[0].params` has no effect with `task: scores`; remove it",
    ("max_drop", "higher_is_better: false, max_drop"): "7: `gates[0].max_drop` would limit an improvement: the gate says that lower is better for `accuracy`; use `max_rise`",
}  # fmt: skip


def find_problems(text):
    try:
        load_text(text, catalogue, path="m")
    except InputError as error:
        return [str(problem) for problem in error.problems]
    return []


def changed(old, new):
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_check_score_task__accepts():
    assert find_problems(GOOD) == []


@pytest.mark.parametrize(("change", "expected"), BAD.items(), ids=[new for _, new in BAD])
def test_check_score_task__refuses(change, expected):
    assert find_problems(changed(*change))[0] == f"m:{expected}"
