"""Evaluation of scores outside [0, 1] without a configured threshold: nothing that rests on decisions is reported."""

from collections.abc import Sequence
from dataclasses import replace

from mlci.config.models import Config
from mlci.errors import InputError, Problem
from mlci.inference.evaluate import Question
from mlci.metrics import catalogue
from mlci.metrics.catalogue import PER_CLASS

_OF_SCORES = frozenset({"ranks", "loss", "calibration", "operation"})
_REMEDY = "set the one that decides: `predict: {threshold: …}`"


def without_decisions(config: Config, question: Question, found: Sequence[str], path: str) -> tuple[Question, str]:
    """Return the question without metrics of decisions, and a note that says why.

    Args:
        config: The configuration, without a threshold.
        question: What inference would be asked.
        found: Models whose scores have no threshold, each with its column and range.
        path: The candidate's predictions, for errors.

    Raises:
        InputError: if a gate looks at a metric of decisions.
    """
    why = f"{found[0]}, for which 0.5 is not a threshold"
    gated = dict.fromkeys(gate.metric for gate in config.gates if _decides(gate.metric))
    if gated:
        listed = ", ".join(f"`{name}`" for name in gated)
        raise InputError(Problem(f"{why}, and gates look at {listed}: {_REMEDY}", path))
    left = tuple(name for name in question.metrics if not _decides(name))
    spreads = tuple(pair for pair in question.disparities if not _decides(pair[0]))
    note = f"{why}, so metrics of decisions are left out; to report them, {_REMEDY}"
    return replace(question, metrics=left, disparities=spreads), note


def _decides(metric: str) -> bool:
    """Tell whether a metric, or what its spread is taken of, rests on decisions."""
    spread = catalogue.spread(metric)
    if spread is not None:
        return any(_decides(base) for base in spread.bases)
    if PER_CLASS.match(metric):
        return True
    info = catalogue.find(metric)
    return info is not None and info.kind not in _OF_SCORES
