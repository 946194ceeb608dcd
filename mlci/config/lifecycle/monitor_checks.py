"""Checks of ``monitor:`` against the other sections."""

from collections.abc import Iterator

from mlci.config.loader import LoadedConfig
from mlci.errors import Problem


def check_monitor(loaded: LoadedConfig) -> Iterator[Problem]:
    """Yield what is wrong with ``monitor:`` beyond its own values."""
    monitor, evaluation = loaded.config.monitor, loaded.config.evaluation
    if monitor is None:
        return
    if evaluation is None:
        yield loaded.problem(
            "`monitor` compares rows of production with the evaluation set; a metrics file has no rows: remove it, or "
            "let `predict` leave predictions (`run` or `file`)",
            "monitor",
        )
        return
    if monitor.labels is not None and (monitor.key or evaluation.key) is None:
        yield loaded.problem(
            "`monitor.labels` needs `key`: the column of the log and of the labels that rows are joined by",
            "monitor",
            "labels",
        )
    for index, column in enumerate(monitor.columns or ()):
        if column in {evaluation.label, monitor.label, monitor.time}:
            yield loaded.problem(
                f"`monitor.columns` names {column!r}, which is not a feature; remove it", "monitor", "columns", index
            )
