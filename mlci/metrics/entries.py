"""Entries of the catalogue: the metrics that mlci computes, with their bounds, directions and sources.

Names are scikit-learn's (those of its scorers) and fairlearn's. The page ``docs/reference/metrics.md`` and
``mlci metrics`` are written from here; names and look-up are in :mod:`mlci.metrics.catalogue`.
"""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "rate",
    "share",
    "ratio",
    "ranks",
    "class_ranks",
    "top_k",
    "loss",
    "moments",
    "calibration",
    "cost",
    "ranking",
    "operation",
    "disparity",
    "shift",
    "custom",
]
Direction = Literal["higher", "lower", "none"]
Unit = Literal["fraction", "number", "seconds", "megabytes", "usd", "kwh", "label"]


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """One metric.

    Attributes:
        name: Name in ``mlci.yml`` and ``report.json``.
        title: Name in reports.
        kind: Kind of computation: ``rate`` (a proportion), ``share`` (of a column's total), ``ratio`` (of counts),
            ``ranks``, ``class_ranks`` (a mean of AUCs over classes), ``top_k``, ``loss`` (a mean over rows),
            ``moments``, ``calibration``, ``cost`` (a mean over rows by label and decision), ``ranking`` (a mean over
            queries), ``operation`` (measured by the run), ``disparity``, ``shift`` (of both models, across groups) or
            ``custom`` (a function of rows).
        direction: The better direction; ``none`` if neither is better.
        unit: ``fraction``, ``number``, ``seconds``, ``megabytes``, ``usd``, ``kwh`` or ``label`` (the target's).
        tasks: Tasks for which it is defined.
        low, high: Bounds of its value; ``None`` without one.
        interval: Whether it has an interval; without one, a gate is judged on the estimate.
        support: Unit of its denominator, in the plural.
        formula, source: For the documentation.
        loss: Per-row loss whose moments it needs, or mean of AUCs over classes, if any.
    """

    name: str
    title: str
    kind: Kind
    direction: Direction
    tasks: frozenset[str]
    formula: str
    source: str
    unit: Unit = "fraction"
    low: float | None = 0.0
    high: float | None = 1.0
    interval: bool = True
    support: str = "rows"
    loss: str | None = None


BINARY = frozenset({"binary"})
MULTICLASS = frozenset({"multiclass"})
REGRESSION = frozenset({"regression"})
CLASSES = BINARY | MULTICLASS
RANKING = frozenset({"ranking"})
ALL = CLASSES | REGRESSION | RANKING

WILSON = "Wilson 1927, JASA 22:209; paired: Tango 1998, Stat. Med. 17:891"
BY_LABEL = "paired: Tango's score by label (Miettinen & Nurminen 1985, Stat. Med. 4:213)"
CELLS = f"delta method on the cells (Agresti 2013, ch. 16); {BY_LABEL}"
BY_CLASS = f"Wilson's limits by class (Zou, Huang & Zhang 2009, Comput. Stat. Data Anal. 53:1080); {BY_LABEL}"
DECIDED = f"Wilson 1927, JASA 22:209; {BY_LABEL}"
DELONG = "DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837; one model: Hanley & McNeil 1982, Radiology 143:29"
MEANS = "paired t interval from moments (Student 1908)"
BY_CLASS_MEANS = "one model: Hall 1992, JRSS B 54:221; variance by class, degrees of freedom: Satterthwaite 1946"
BY_CLASS_RANKS = "DeLong et al. 1988 by row: variance within and between classes; one model: Hanley & McNeil 1982"
QUERIES = "Gaffke's interval of a mean in a known range over the queries (Gaffke 2005), paired by query"
SQUARES = "log scale; Hall 1992, JRSS B 54:221; degrees of freedom by kurtosis (Satterthwaite 1946)"
_SOURCES = {
    **dict.fromkeys(("balanced_accuracy", "precision_macro", "recall_macro", "f1_macro"), BY_CLASS),
    **dict.fromkeys(("precision", "negative_predictive_value", "false_discovery_rate"), DECIDED),
    "false_omission_rate": DECIDED,
    "f1": f"Wilson's limits of the Jaccard index; {BY_LABEL}",
}


def _entry(name: str, title: str, kind: Kind, direction: Direction, /, *about: Any, **more: Any) -> MetricInfo:  # noqa: ANN401 (passed to MetricInfo, which types them)
    tasks, formula = about
    sources = {"rate": WILSON, "share": WILSON, "ratio": CELLS, "ranks": DELONG, "loss": MEANS}
    more.setdefault("source", _SOURCES.get(name, sources.get(kind, CELLS)))
    return MetricInfo(name=name, title=title, kind=kind, direction=direction, tasks=tasks, formula=formula, **more)


_POSITIVES = {"support": "labelled positives"}
_NEGATIVES = {"support": "labelled negatives"}
_TARGET = {"unit": "label", "high": None}
_BOUND_BELOW = {"low": -1.0}
_QUERY = {"support": "queries", "source": QUERIES}
_RUN = {"low": 0.0, "high": None, "interval": False, "source": "measured by mlci while the step runs"}

# fmt: off
ENTRIES: tuple[MetricInfo, ...] = (
    _entry("accuracy", "Accuracy", "rate", "higher", CLASSES, "rows decided as labelled / rows"),
    _entry("balanced_accuracy", "Balanced accuracy", "ratio", "higher", CLASSES, "mean recall over labelled classes"),
    _entry("precision", "Precision", "rate", "higher", BINARY, "TP / (TP + FP)", support="predicted positives"),
    _entry("recall", "Recall", "rate", "higher", BINARY, "TP / (TP + FN)", **_POSITIVES),
    _entry("f1", "F1", "ratio", "higher", BINARY, "2 TP / (2 TP + FP + FN)"),
    _entry("jaccard", "Jaccard index", "ratio", "higher", BINARY, "TP / (TP + FP + FN)"),
    _entry("true_negative_rate", "True-negative rate", "rate", "higher", BINARY, "TN / (TN + FP)", **_NEGATIVES),
    _entry("false_positive_rate", "False-positive rate", "rate", "lower", BINARY, "FP / (FP + TN)", **_NEGATIVES),
    _entry("false_negative_rate", "False-negative rate", "rate", "lower", BINARY, "FN / (FN + TP)", **_POSITIVES),
    _entry("negative_predictive_value", "Negative predictive value", "rate", "higher", BINARY, "TN / (TN + FN)",
           support="predicted negatives"),
    _entry("false_discovery_rate", "False discovery rate", "rate", "lower", BINARY, "FP / (FP + TP)",
           support="predicted positives"),
    _entry("false_omission_rate", "False omission rate", "rate", "lower", BINARY, "FN / (FN + TN)",
           support="predicted negatives"),
    _entry("selection_rate", "Selection rate", "rate", "none", BINARY, "(TP + FP) / rows"),
    _entry("prevalence", "Prevalence", "rate", "none", BINARY, "(TP + FN) / rows, the same for every model"),
    _entry("predicted_positive_share", "Share of all predicted positives", "share", "none", BINARY,
           "the group's (TP + FP) / the whole set's (TP + FP)", support="predicted positives",
           source=f"aequitas (Saleiro et al. 2018) calls it PPR; {WILSON}"),
    _entry("average_odds", "Average odds", "ratio", "none", BINARY,
           "(TP / (TP + FN) + FP / (FP + TN)) / 2, of which `average_odds_difference` compares groups",
           source=f"AIF360 (Bellamy et al. 2018, arXiv 1810.01943); {BY_CLASS}"),
    _entry("matthews_corrcoef", "Matthews correlation", "ratio", "higher", CLASSES, "Gorodkin's R_K", **_BOUND_BELOW),
    _entry("cohen_kappa_score", "Cohen's kappa", "ratio", "higher", CLASSES, "(p_o - p_e) / (1 - p_e)", **_BOUND_BELOW),
    _entry("f1_macro", "F1, macro", "ratio", "higher", MULTICLASS, "mean F1 over classes"),
    _entry("f1_weighted", "F1, weighted", "ratio", "higher", MULTICLASS, "mean F1 over classes, by labels"),
    _entry("f1_micro", "F1, micro", "rate", "higher", MULTICLASS, "equals accuracy when every row has one class"),
    _entry("precision_macro", "Precision, macro", "ratio", "higher", MULTICLASS, "mean precision over classes"),
    _entry("precision_weighted", "Precision, weighted", "ratio", "higher", MULTICLASS, "mean precision, by labels"),
    _entry("recall_macro", "Recall, macro", "ratio", "higher", MULTICLASS, "mean recall over classes"),
    _entry("recall_weighted", "Recall, weighted", "rate", "higher", MULTICLASS, "equals accuracy"),
    _entry("misclassification_cost", "Misclassification cost", "cost", "lower", BINARY,
           "mean over rows of the cost of the decision; `params: {fp: 5, fn: 100}`, also `tp` and `tn`, which are 0",
           unit="number", high=None,
           source="Elkan 2001, IJCAI; exact bound for values in a known range (Gaffke 2005), paired by row"),
    _entry("roc_auc", "ROC AUC", "ranks", "higher", BINARY, "P(score of a positive > score of a negative), ties half"),
    _entry("average_precision", "Average precision", "ranks", "higher", BINARY,
           "sum over thresholds of (R_n - R_n-1) P_n",
           source="one model: mixing score (Wilson 1927), jackknifed; paired: influence functions, Student's t"),
    _entry("roc_auc_ovr", "ROC AUC, one v. rest", "class_ranks", "higher", MULTICLASS,
           "mean over classes of the AUC of the class against all others", loss="ovr", source=BY_CLASS_RANKS),
    _entry("roc_auc_ovo", "ROC AUC, one v. one", "class_ranks", "higher", MULTICLASS,
           "mean over pairs of classes of the AUC of one against the other, by either probability", loss="ovo",
           source=f"Hand & Till 2001, Mach. Learn. 45:171; {BY_CLASS_RANKS}"),
    _entry("top_k_accuracy", "Top-2 accuracy", "top_k", "higher", MULTICLASS,
           "rows whose label is among the k most probable classes / rows; k = 2, or `params: {k: 3}`; of equal ones, "
           "the last class comes first, as in scikit-learn", loss="top_2",
           source=WILSON),
    _entry("brier_score_loss", "Brier score", "loss", "lower", CLASSES,
           "mean (score - label)²; multiclass: mean sum over classes, at most 2", loss="squared",
           source=f"Brier 1950; {BY_CLASS_MEANS}; multiclass: {SQUARES}"),
    _entry("log_loss", "Log loss", "loss", "lower", CLASSES, "mean -log score of the label", loss="log", high=None,
           unit="number", source=f"{BY_CLASS_MEANS}; multiclass: {SQUARES}"),
    _entry("calibration_in_the_large", "Calibration in the large", "loss", "none", BINARY,
           "mean (score - label); 0 is best", loss="signed", low=-1.0,
           source=f"Cox 1958, Biometrika 45:562; {BY_CLASS_MEANS}"),
    _entry("expected_calibration_error", "Expected calibration error, debiased", "calibration", "lower", CLASSES,
           "sum over 15 bins of share × |mean (score - label)|, less its bias; multiclass: of the most probable class",
           interval=False,
           source="Naeini et al. 2015; debiased after Kumar, Liang & Ma 2019, NeurIPS"),
    _entry("mean_absolute_error", "Mean absolute error", "loss", "lower", REGRESSION, "mean |e|", loss="absolute",
           **_TARGET),
    _entry("mean_squared_error", "Mean squared error", "loss", "lower", REGRESSION, "mean e²", loss="squared",
           unit="number", high=None, source=SQUARES),
    _entry("root_mean_squared_error", "Root mean squared error", "moments", "lower", REGRESSION, "√ mean e²",
           loss="squared", **_TARGET, source=SQUARES),
    _entry("r2", "R²", "moments", "higher", REGRESSION, "1 - sum e² / sum (y - mean y)²", loss="variance",
           unit="number", low=None,
           source="log (1 - R²); Student's t with degrees of freedom by kurtosis (Satterthwaite 1946)"),
    _entry("mean_error", "Mean error", "loss", "none", REGRESSION, "mean (prediction - label)", loss="signed",
           low=None, high=None, unit="label"),
    _entry("mean_absolute_percentage_error", "Mean absolute percentage error", "loss", "lower", REGRESSION,
           "mean |e| / |y|", loss="percentage", high=None),
    _entry("mean_pinball_loss", "Mean pinball loss", "loss", "lower", REGRESSION, "mean |e| / 2 (alpha = 0.5)",
           loss="pinball", **_TARGET),
    _entry("ndcg", "NDCG", "ranking", "higher", RANKING,
           "mean over queries of Σ label / log2(position + 1), over its largest; @k: the first k", **_QUERY),
    _entry("ndcg_burges", "NDCG, exponential gain", "ranking", "higher", RANKING,
           "the same with 2^label - 1 for the label", **_QUERY),
    _entry("mean_average_precision", "Mean average precision", "ranking", "higher", RANKING,
           "mean over queries of Σ precision at each relevant document / relevant documents", **_QUERY),
    _entry("mean_reciprocal_rank", "Mean reciprocal rank", "ranking", "higher", RANKING,
           "mean over queries of 1 / position of the first relevant document", **_QUERY),
    _entry("recall_at_k", "Recall@k", "ranking", "higher", RANKING,
           "mean over queries of relevant documents among the first k / relevant documents", **_QUERY),
    _entry("precision_at_k", "Precision@k", "ranking", "higher", RANKING,
           "mean over queries of relevant documents among the first k / k", **_QUERY),
    _entry("hit_rate_at_k", "Hit rate@k", "ranking", "higher", RANKING,
           "share of queries with a relevant document among the first k", **_QUERY),
    _entry("train_seconds", "Training time", "operation", "lower", ALL, "wall time of train.run", unit="seconds",
           **_RUN),
    _entry("predict_seconds_per_1k_rows", "Prediction time per 1,000 rows", "operation", "lower", ALL,
           "wall time of predict.run / rows × 1,000", unit="seconds", **_RUN),
    _entry("model_megabytes", "Model size", "operation", "lower", ALL, "bytes of train.model / 10⁶", unit="megabytes",
           **_RUN),
    _entry("peak_memory_megabytes", "Peak memory", "operation", "lower", ALL,
           "largest resident set of a step's processes / 10⁶", unit="megabytes", **_RUN),
    _entry("cost_usd", "Cost of training and prediction", "operation", "lower", ALL,
           "minutes of train.run and predict.run, rounded up × price of the runner's minute", unit="usd", **_RUN),
    _entry("predict_cost_usd_per_1k_rows", "Prediction cost per 1,000 rows", "operation", "lower", ALL,
           "predict_seconds_per_1k_rows / 60 × price of the runner's minute", unit="usd", **_RUN),
    _entry("energy_kwh", "Energy of training and prediction", "operation", "lower", ALL,
           "energy of the machine while train.run and predict.run ran, by CodeCarbon", unit="kwh", **_RUN),
)
# fmt: on
