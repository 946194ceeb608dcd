"""Join of the logs of several tasks to one run, such as a log for each subject of a benchmark."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mlci.errors import InputError
from mlci.scores.score_log import ScoredItem, ScoreLog, Scorer, Setting

TASK = "task"
"""Metadata name of an item's task, for slices."""


def join_tasks(logs: Sequence[ScoreLog], shown: Sequence[str]) -> ScoreLog:
    """Return one run whose items are named by task and key, if it has several tasks.

    Args:
        logs: The logs.
        shown: Their files, for messages.

    Raises:
        InputError: if two logs are of one task, or one of several names no task.
    """
    if len(logs) == 1:
        log = logs[0]
        return replace(log, items=tuple(_of_task(item, log.task, prefix="") for item in log.items))
    _refuse_repeated(logs, shown)
    return ScoreLog(
        tool=", ".join(dict.fromkeys(log.tool for log in logs)),
        task=", ".join(str(log.task) for log in logs),
        items=tuple(_of_task(item, log.task, prefix=f"{log.task}: ") for log in logs for item in log.items),
        scorers=_scorers(logs),
        totals=tuple(dict.fromkeys(name for log in logs for name in log.totals)),
        settings=_settings(logs),
        incomplete="; ".join(f"{log.task}: {log.incomplete}" for log in logs if log.incomplete) or None,
        notes=tuple(f"{log.task}: {note}" for log in logs for note in log.notes),
    )


def _of_task(item: ScoredItem, task: str | None, *, prefix: str) -> ScoredItem:
    return replace(item, key=f"{prefix}{item.key}", metadata={TASK: task, **item.metadata})


def _refuse_repeated(logs: Sequence[ScoreLog], shown: Sequence[str]) -> None:
    nameless = [path for path, log in zip(shown, logs, strict=True) if log.task is None]
    if nameless:
        raise InputError(f"{nameless[0]} names no task, so its items have no place among those of the other logs")
    task, count = Counter(log.task for log in logs).most_common(1)[0]
    if count > 1:
        files = ", ".join(path for path, log in zip(shown, logs, strict=True) if log.task == task)
        raise InputError(
            f"{count} logs are of the task {task!r}: {files}. Name one of them in `log`, or let the run write to an "
            "empty folder"
        )


def _scorers(logs: Sequence[ScoreLog]) -> dict[str, Scorer]:
    """Return the scorers of all logs; what two logs say differently of one is unknown."""
    found: dict[str, Scorer] = {}
    for log in logs:
        for name, scorer in log.scorers.items():
            found[name] = scorer if found.get(name, scorer) == scorer else Scorer()
    return found


def _settings(logs: Sequence[ScoreLog]) -> dict[str, Setting]:
    """Return settings that all logs share once, and others by task."""
    settings: dict[str, Setting] = {}
    for name in dict.fromkeys(name for log in logs for name in log.settings):
        values = [log.settings.get(name) for log in logs]
        if len(set(values)) == 1 and values[0] is not None:
            settings[name] = values[0]
            continue
        settings |= {f"{name} of {log.task}": one for log, one in zip(logs, values, strict=True) if one is not None}
    return settings
