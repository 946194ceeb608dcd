"""One gate as it is planned: margin, scope, and its outcome for the evidence of a simulated pull request.

The outcome is that of the judge of ``mlci run``, so that a stated power is the power of the intervals that decide.
"""

from dataclasses import dataclass

from mlci.gates.expand import GateCase
from mlci.gates.judge import JudgeSettings, judge_change
from mlci.gates.limits import Limit, Rule
from mlci.gates.outcomes import Outcome
from mlci.inference.evidence import Evidence, Point
from mlci.inference.result import Comparison
from mlci.metrics.statistics import WHOLE, Scope

POWER = 0.8
"""Share of pull requests in which a gate has to find the truth."""
TWICE = 2.0
"""Drop that a gate has to find, in margins, unless another is asked for."""


@dataclass(frozen=True, kw_only=True)
class PlannedGate:
    """A gate on a change.

    Attributes:
        metric: Name in reports.
        limit: ``max_drop`` or ``max_rise``.
        margin: The limit in the metric's units, without a sign.
        scope: The whole set or a group.
        unit: What the rows below are, in the plural: ``rows``, ``labelled positives``, ``items``.
        rows: Rows that carry the metric now.
        scope_rows: Rows of the scope now.
        confidence: Two-sided level of intervals.
        family: Gates of the run that Holm's method divides the level by.
        min_group_size: Rows that a group needs.
    """

    metric: str
    limit: Limit
    margin: float
    rows: int
    scope: Scope = WHOLE
    unit: str = "rows"
    scope_rows: int = 0
    confidence: float = 0.95
    family: int = 1
    min_group_size: int = 30

    @property
    def name(self) -> str:
        """Id of the gate, as in ``report.json``."""
        return self.limit.gate_id(self.metric, str(self.scope))

    @property
    def sign(self) -> float:
        """Direction in which the metric gets worse."""
        return -1.0 if self.limit.is_floor else 1.0

    @property
    def level(self) -> float:
        """One-sided level of every test."""
        return (1 - self.confidence) / 2

    def outcome(self, evidence: Evidence, *, rows: int, differing: int | None) -> Outcome:
        """Return what the judge makes of a change, if no other gate of the run fails.

        Args:
            evidence: The change.
            rows: Rows that carry the metric.
            differing: Rows among them on which the models differ.
        """
        share = max(self.scope_rows, self.rows) / self.rows if self.rows else 1.0
        measured = Comparison(
            metric=self.metric,
            scope=self.scope,
            rows=round(rows * share),
            support=rows,
            unit=self.unit,
            candidate=Point(0.0),
            baseline=Point(0.0),
            change=evidence,
            disagreements=differing,
            carriers={self.unit: rows},
            baseline_carriers={self.unit: rows},
        )
        case = GateCase(
            rule=Rule(metric=self.metric, limits=(self.limit,), each=self.scope.slice),
            limit=self.limit,
            measured=measured,
            evidence=evidence,
            bound=self.sign * self.margin,
            judge="interval",
        )
        settings = JudgeSettings(
            confidence=self.confidence, min_group_size=self.min_group_size, family=max(1, self.family)
        )
        return judge_change(case, settings)


@dataclass(frozen=True)
class Power:
    """Shares of pull requests in which a gate passes and in which it fails, for one true change."""

    passed: float
    failed: float
