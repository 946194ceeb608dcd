"""Scores outside [0, 1] without a configured threshold: metrics of decisions and of probabilities are left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlci.config.models import Config
from mlci.errors import InputError, Problem
from mlci.inference.evaluate import Question
from mlci.metrics import catalogue
from mlci.metrics.catalogue import PER_CLASS
from mlci.usecases.plan import PROBABILITY

_OF_SCORES = frozenset({"ranks", "loss", "calibration", "operation"})
_REMEDY = "set the one that decides: `predict: {threshold: …}`"


def note(found: Sequence[str]) -> str:
    """Return the report's note about models whose scores have no threshold."""
    return f"{_why(found)}, so metrics of decisions and probabilities are left out; to report the former, {_REMEDY}"


def _why(found: Sequence[str]) -> str:
    return f"{found[0]}, for which 0.5 is not a threshold"


@dataclass(frozen=True)
class Decides:
    """Selection of the metrics that rest on decisions.

    Attributes:
        custom: Names of custom metrics that are given decisions.
    """

    custom: frozenset[str]

    def refuse_gates(self, config: Config, found: Sequence[str], path: str) -> None:
        """Stop where a gate looks at a metric of decisions.

        Raises:
            InputError: if there is one; ``path`` is the candidate's predictions.
        """
        gates = [gate for gate in config.gates if self.rests(gate.metric)]
        if gates:
            listed = ", ".join(dict.fromkeys(f"`{gate.metric}`" for gate in gates))
            raise InputError(Problem(f"{_why(found)}, and gates look at {listed}: {_REMEDY}", path))

    def leave_out(self, question: Question) -> Question:
        """Return the question without metrics of decisions, and of probabilities, which such scores are not."""
        kept = (name for name in question.metrics if not self.rests(name))
        metrics = tuple(name for name in kept if catalogue.canonical(name) not in PROBABILITY)
        spreads = tuple(pair for pair in question.disparities if not self.rests(pair[0]))
        return replace(question, metrics=metrics, disparities=spreads)

    def rests(self, metric: str) -> bool:
        """Tell whether a metric, or what its spread is taken of, rests on decisions."""
        spread = catalogue.spread(metric)
        if spread is not None:
            return any(self.rests(base) for base in spread.bases)
        info = catalogue.find(metric)
        if info is None:
            return metric in self.custom or PER_CLASS.match(metric) is not None
        return info.kind not in _OF_SCORES
