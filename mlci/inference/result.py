"""Evaluation result: every metric in every scope and every disparity, with evidence for both models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlci.inference.class_curves import ClassCurves
from mlci.inference.evidence import Evidence
from mlci.inference.plots import Confusion, Curves, Residuals
from mlci.metrics.cost_budget import CostBudget
from mlci.metrics.item_changes import ItemChanges
from mlci.metrics.row_changes import RowChanges
from mlci.metrics.statistics import Scope
from mlci.metrics.worst_slices import WorstSlices

ITEMS, QUERIES = "items", "queries"
"""Units of what is independent, where that is not a row."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One metric in one scope.

    Attributes:
        metric: Name as configured, or of the catalogue.
        scope: Its rows.
        rows: Rows in the scope.
        support: Rows of the metric's denominator, e.g. the labelled positives for recall.
        unit: Unit of ``support``, in the plural: ``"rows"``, ``"labelled positives"``.
        candidate: The candidate's value.
        baseline: The baseline's; ``None`` without a baseline.
        change: Candidate minus baseline on the same rows; ``None`` without a baseline.
        disagreements: Rows among those that carry the metric on which the two models differ; ``None`` if unknown.
        carriers: Rows that carry the candidate's value, by unit.
        baseline_carriers: The same for the baseline's value; empty without a baseline.
        higher_is_better: Direction of a metric that the catalogue does not have, such as a scorer; ``None`` if unknown.
    """

    metric: str
    scope: Scope
    rows: int
    support: int
    unit: str
    candidate: Evidence
    baseline: Evidence | None = None
    change: Evidence | None = None
    disagreements: int | None = None
    carriers: Mapping[str, int] = field(default_factory=dict)
    baseline_carriers: Mapping[str, int] = field(default_factory=dict)
    higher_is_better: bool | None = None

    @property
    def independent(self) -> tuple[int, str]:
        """Number and unit of what is independent in the scope: its rows, items or queries."""
        return (self.support, QUERIES) if self.unit == QUERIES else (self.rows, ITEMS if self.unit == ITEMS else "rows")


@dataclass(frozen=True, kw_only=True)
class GroupRate:
    """One group's value under a disparity, with its ratio to and difference from the reference group.

    ``shortage`` has the rows, such as labelled positives, that are too few to judge the group; ``None`` without one.
    """

    group: str
    rows: int
    baseline: float | None
    candidate: float | None
    ratio: float | None
    difference: float | None
    shortage: str | None = None


@dataclass(frozen=True, kw_only=True)
class Disparity:
    """The disparity of one metric between the groups of one slice.

    Attributes:
        metric: e.g. ``equalized_odds_difference``.
        across: The slice.
        reference: The group compared against; ``None`` compares all pairs.
        groups: Every group with its value; a small or undefined one is listed too.
        small: Groups below the configured size, which leave the disparity undecided.
        smallest: Rows in the smallest group that is compared.
    """

    metric: str
    across: str
    reference: str | None
    groups: tuple[GroupRate, ...]
    small: tuple[str, ...]
    smallest: int
    candidate: Evidence
    baseline: Evidence | None = None
    change: Evidence | None = None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Correct and wrong decisions of both models on the whole set (McNemar 1947).

    ``both``, ``baseline_only``, ``candidate_only``, ``neither`` count rows by the models that decided them correctly.
    """

    both: int
    baseline_only: int
    candidate_only: int
    neither: int
    chi2: float | None
    chi2_corrected: float | None
    exact_p: float


class BehaviourOutcome(StrEnum):
    """Outcome of a behavioural test, as pytest has it; ``INCONCLUSIVE`` is one of a cost budget."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


NEEDS_BASELINE = "needs a baseline, and there was none"
"""Message of a test that was skipped for that reason."""


@dataclass(frozen=True)
class BehaviourTest:
    """A behavioural test of the candidate: its name, such as ``tests/test_model.py::test_age``, and its outcome.

    ``message`` is the first line of what it reported; empty if it passed and has no budget.
    """

    name: str
    outcome: BehaviourOutcome
    message: str = ""
    budget: CostBudget | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """One complete evaluation, for gates and reports.

    Attributes:
        task: ``binary``, ``multiclass``, ``regression`` or ``scores``.
        rows: Rows of the evaluation set; ``None`` for a metrics file.
        fingerprint: Content hash of the evaluation set, ``sha256:…``; ``None`` for a metrics file.
        has_baseline: Whether it has a baseline.
        confidence: Two-sided level of intervals.
        curves: ROC, precision–recall and calibration curves of a binary task; ``None`` without scores.
        class_curves: Curves of one class against all others; empty unless each class has a probability.
        residuals: Residuals of a regression by prediction; ``None`` without rows.
        confusion: Both models' confusion matrices; ``None`` without decisions, or for many classes.
        notes: Remarks for the reader (joined by position, bins instead of ranks, …).
        tests: Behavioural tests of the candidate, in the order in which they ran.
        row_changes: Rows whose loss changed most; ``None`` unless the configuration asks for them.
        worst_slices: Result of the search for the worst slices; ``None`` unless the configuration asks for it.
        item_changes: Comparison by item of two evaluation logs; ``None`` for other tasks.
        unchanged_since: Merge base from which no relevant file differs, so that nothing was trained.
        classes: Names of the classes; empty for regression and for a metrics file.
        cluster: Column of rows that belong together; ``None`` if rows are independent.
        clusters: Number of clusters; ``None`` without them.
        weight: Column with the rows' weights; ``None`` if rows count equally.
    """

    task: str
    rows: int | None
    fingerprint: str | None
    has_baseline: bool
    confidence: float
    seed: int
    comparisons: tuple[Comparison, ...]
    disparities: tuple[Disparity, ...] = ()
    agreement: Agreement | None = None
    curves: Curves | None = None
    class_curves: tuple[ClassCurves, ...] = ()
    residuals: Residuals | None = None
    confusion: Confusion | None = None
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    tests: tuple[BehaviourTest, ...] = ()
    row_changes: RowChanges | None = None
    worst_slices: WorstSlices | None = None
    item_changes: ItemChanges | None = None
    unchanged_since: str | None = None
    cluster: str | None = None
    clusters: int | None = None
    weight: str | None = None

    @property
    def measured_nothing(self) -> bool:
        """Whether nothing was evaluated, because no relevant file differs from the baseline's commit."""
        return self.unchanged_since is not None and not self.comparisons
