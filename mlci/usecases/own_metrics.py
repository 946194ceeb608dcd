"""Metrics that mlci does not derive are there before minutes are spent on training."""

from mlci.config.load import Loaded
from mlci.errors import InputError
from mlci.usecases import plan
from mlci.usecases.tools import Tools


def present(loaded: Loaded, tools: Tools) -> None:
    """Refuse a configuration that names a metric which can't be found.

    Raises:
        InputError: Each such metric, with its line.
    """
    lacking = ((metric.name, tools.metric_lack(metric.function)) for metric in plan.needs(loaded.config).custom)
    problems = [loaded.problem(words, *_place(loaded, name)) for name, words in lacking if words]
    if problems:
        raise InputError.of(problems)


def _place(loaded: Loaded, name: str) -> tuple[str | int, ...]:
    """Return where a configuration names a metric first: in a gate, or in the list of metrics."""
    for index, gate in enumerate(loaded.config.gates):
        if plan.metric_name(gate) == name:
            return ("gates", index, "metric")
    asked = loaded.config.evaluation.reported if loaded.config.evaluation else None
    return ("evaluation", "metrics", [plan.metric_name(item) for item in asked or ()].index(name))
