"""Facts about a training script: what it reads, splits, fits, evaluates and writes."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlci.operations.init.scripts.shuffles import UnseededShuffle
from mlci.operations.init.scripts.values import TracedValue

DECISION_METRICS = {
    "accuracy_score", "f1_score", "precision_score", "recall_score", "classification_report", "confusion_matrix",
    "balanced_accuracy_score", "matthews_corrcoef", "cohen_kappa_score",
}  # fmt: skip
SCORE_METRICS = {"roc_auc_score", "average_precision_score", "log_loss", "brier_score_loss", "roc_curve"}
REGRESSION_METRICS = {
    "mean_squared_error", "mean_absolute_error", "r2_score", "root_mean_squared_error", "median_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_log_error", "explained_variance_score",
}  # fmt: skip
Evidence = Literal["training", "name", "fit", "predict", "score", "loss", "metric"]


@dataclass(frozen=True, kw_only=True)
class UnseededCall:
    """A call that chooses rows at random without a fixed seed."""

    node: ast.Call
    name: str


@dataclass(frozen=True, kw_only=True)
class SavedFile:
    """A file that the script writes: its path, if the tree shows it, and the variable that it holds."""

    path: str | None
    variable: str | None
    writer: str
    line: int


@dataclass(frozen=True, kw_only=True)
class EvaluationPoint:
    """A statement after which labels and predictions of the test part are known.

    Attributes:
        statement: The statement.
        evidence: What showed it.
        names: What the variables hold after it.
        labels: Text of the labels.
        features: Text of the features, if they are known.
        decision: Text of the decided classes, or of a regression's values.
        score: Text of the scores.
        model: Variable of the model.
        estimator: Class of the model.
        metric: Name of the metric's function.
        looped: Whether it is inside of a loop.
        helper: Whether it is in a function that gets labels and model or predictions from its caller.
        batches: Loop over the batches that labels and decisions are those of; ``None`` if they are of all rows.
        repeated: Whether it is in a loop over epochs.
    """

    statement: ast.stmt
    evidence: Evidence
    names: Mapping[str, TracedValue]
    labels: str
    label_value: TracedValue
    features: str | None = None
    decision: str | None = None
    score: str | None = None
    model: str | None = None
    estimator: str | None = None
    metric: str | None = None
    looped: bool = False
    helper: bool = False
    batches: ast.stmt | None = None
    repeated: bool = False


@dataclass(kw_only=True)
class ScriptFacts:
    """What a script does, as far as its syntax tree shows.

    Attributes:
        path: Path of the script in the repository.
        text: Its text.
        reads: Files that it reads as tables; ``sklearn:NAME`` for a data set of scikit-learn.
        unseeded: Calls that choose rows without a seed.
        shuffles: Shuffles of rows to which no seed can be added in their own line.
        splits: Calls of ``train_test_split``.
        sizes: Numeric sizes of each split by keyword, also of splits in the repository's own modules.
        modules: Files of the repository that it imports, also by way of others.
        does_something: Whether it does more than to define functions, and may come to one of the points.
        fits: Class of each model that is fitted, by line.
        points: Places at which labels and predictions are known.
        trainings: Places at which models are fitted, with features and labels of the training part.
        saved: Models that it saves.
        tables: Tables that it writes.
        metrics: Metrics files that it writes.
        loads: Models that it loads from files.
        imports: Modules that it imports, without what follows a dot.
        arguments: Line that takes an argument from the command; ``None`` if it needs none.
        pandas, numpy: Name under which it imports each of them; ``None`` if it does not.
        binary: Whether a metric shows that there are two classes, 0 and 1.
    """

    path: str
    text: str
    reads: list[str] = field(default_factory=list)
    unseeded: list[UnseededCall] = field(default_factory=list)
    shuffles: list[UnseededShuffle] = field(default_factory=list)
    splits: list[ast.Call] = field(default_factory=list)
    sizes: list[dict[str, float]] = field(default_factory=list)
    modules: frozenset[str] = frozenset()
    does_something: bool = True
    fits: dict[int, str | None] = field(default_factory=dict)
    points: list[EvaluationPoint] = field(default_factory=list)
    trainings: list[EvaluationPoint] = field(default_factory=list)
    saved: list[SavedFile] = field(default_factory=list)
    tables: list[SavedFile] = field(default_factory=list)
    metrics: list[SavedFile] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    imports: frozenset[str] = frozenset()
    arguments: int | None = None
    pandas: str | None = None
    numpy: str | None = None
    binary: bool = False


_RANKS: dict[Evidence, int] = {"training": 0, "name": 0, "fit": 0, "predict": 1, "score": 2, "loss": 2, "metric": 3}


def choose_point(facts: ScriptFacts) -> EvaluationPoint | None:
    """Return the point at which the predictions of the final model are known; ``None`` if the tree shows none.

    The final model is the one that is saved, or the last one.
    """
    points = [point for point in facts.points if not point.looped]
    saved = {item.variable for item in facts.saved}
    of_saved = [point for point in points if point.model in saved]
    chosen = of_saved or points
    if not chosen:
        return None
    last = chosen[-1].model
    same = [point for point in chosen if point.model == last]
    best = max(map(_rank, same))
    return [point for point in same if _rank(point) == best][-1]


def _rank(point: EvaluationPoint) -> tuple[bool, int]:
    """Return how much a point shows; one in a helper function that does not have the model shows least."""
    return not point.helper, _RANKS[point.evidence]
