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
    named = plan.needs(loaded.config).custom
    lacking = ((name, tools.metric_lack(name, loaded.config.task)) for name in named)
    problems = [loaded.problem(words, *_place(loaded, name)) for name, words in lacking if words]
    if problems:
        raise InputError.of(problems)


def _place(loaded: Loaded, name: str) -> tuple[str | int, ...]:
    """Return where a configuration names a metric first: in a gate, or in the list of metrics."""
    for index, gate in enumerate(loaded.config.gates):
        if gate.metric == name:
            return ("gates", index, "metric")
    asked = loaded.config.evaluation.metrics if loaded.config.evaluation else None
    return ("evaluation", "metrics", (asked or ()).index(name))
