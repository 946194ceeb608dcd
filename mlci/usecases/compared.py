"""Both models on the same rows, before anything is judged."""

from dataclasses import dataclass

from mlci.baseline.head import Head
from mlci.inference.evaluation import EvaluationResult
from mlci.lineage.past import Past
from mlci.registry.ledger import Tail
from mlci.usecases.document import Facts
from mlci.usecases.held import Held
from mlci.usecases.scored_champion import ScoredChampion
from mlci.usecases.sides import Side


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Both models on the same rows, and where everything came from.

    Attributes:
        result: What was estimated.
        facts: What the report says beside it.
        candidate: The candidate's predictions.
        rows: What identifies the rows that they belong to.
        head: The checkout's commit, before any step ran.
        held: The candidate's bytes, if they were asked for.
        end: The ledger's end, where it was read.
        against: Version that the candidate was compared with.
        past: What the commit that it was compared with was made from.
        scored: The champion's predictions, if they were made for this comparison.
        has_rows: Whether an evaluation set, or a metrics file of the candidate, was read.
    """

    result: EvaluationResult
    facts: Facts
    candidate: Side
    rows: str
    head: Head | None
    held: Held | None = None
    end: Tail | None = None
    against: int | None = None
    past: Past | None = None
    scored: ScoredChampion | None = None
    has_rows: bool = True
