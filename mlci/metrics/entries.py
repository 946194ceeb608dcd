"""Entries of the metric catalogue."""

from typing import Any

from mlci.metrics.info import Direction, Kind, MetricInfo

BINARY = frozenset({"binary"})
MULTICLASS = frozenset({"multiclass"})
REGRESSION = frozenset({"regression"})
CLASSES = BINARY | MULTICLASS
ALL = CLASSES | REGRESSION

WILSON = "Wilson 1927, JASA 22:209; paired: Tango 1998, Stat. Med. 17:891"
BY_LABEL = "paired: Tango's score by label (Miettinen & Nurminen 1985, Stat. Med. 4:213)"
CELLS = f"delta method on the cells (Agresti 2013, ch. 16); {BY_LABEL}"
BY_CLASS = f"Wilson's limits by class (Zou, Huang & Zhang 2009, Comput. Stat. Data Anal. 53:1080); {BY_LABEL}"
DECIDED = f"Wilson 1927, JASA 22:209; {BY_LABEL}"
DELONG = "DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837; one model: Hanley & McNeil 1982, Radiology 143:29"
MEANS = "paired t interval from moments (Student 1908)"
BY_CLASS_MEANS = "one model: Hall 1992, JRSS B 54:221; variance by class, degrees of freedom: Satterthwaite 1946"
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
_RUN = {"low": 0.0, "high": None, "interval": False, "source": "measured by mlci while the step runs"}

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
    _entry(
        "negative_predictive_value",
        "Negative predictive value",
        "rate",
        "higher",
        BINARY,
        "TN / (TN + FN)",
        support="predicted negatives",
    ),
    _entry(
        "false_discovery_rate",
        "False discovery rate",
        "rate",
        "lower",
        BINARY,
        "FP / (FP + TP)",
        support="predicted positives",
    ),
    _entry(
        "false_omission_rate",
        "False omission rate",
        "rate",
        "lower",
        BINARY,
        "FN / (FN + TN)",
        support="predicted negatives",
    ),
    _entry("selection_rate", "Selection rate", "rate", "none", BINARY, "(TP + FP) / rows"),
    _entry("prevalence", "Prevalence", "rate", "none", BINARY, "(TP + FN) / rows, the same for every model"),
    _entry(
        "predicted_positive_share",
        "Share of all predicted positives",
        "share",
        "none",
        BINARY,
        "the group's (TP + FP) / the whole set's (TP + FP)",
        support="predicted positives",
        source=f"aequitas (Saleiro et al. 2018) calls it PPR; {WILSON}",
    ),
    _entry("matthews_corrcoef", "Matthews correlation", "ratio", "higher", CLASSES, "Gorodkin's R_K", **_BOUND_BELOW),
    _entry("cohen_kappa_score", "Cohen's kappa", "ratio", "higher", CLASSES, "(p_o - p_e) / (1 - p_e)", **_BOUND_BELOW),
    _entry("f1_macro", "F1, macro", "ratio", "higher", MULTICLASS, "mean F1 over classes"),
    _entry("f1_weighted", "F1, weighted", "ratio", "higher", MULTICLASS, "mean F1 over classes, by labels"),
    _entry("f1_micro", "F1, micro", "rate", "higher", MULTICLASS, "equals accuracy when every row has one class"),
    _entry("precision_macro", "Precision, macro", "ratio", "higher", MULTICLASS, "mean precision over classes"),
    _entry("precision_weighted", "Precision, weighted", "ratio", "higher", MULTICLASS, "mean precision, by labels"),
    _entry("recall_macro", "Recall, macro", "ratio", "higher", MULTICLASS, "mean recall over classes"),
    _entry("recall_weighted", "Recall, weighted", "rate", "higher", MULTICLASS, "equals accuracy"),
    _entry("roc_auc", "ROC AUC", "ranks", "higher", BINARY, "P(score of a positive > score of a negative), ties half"),
    _entry(
        "average_precision",
        "Average precision",
        "ranks",
        "higher",
        BINARY,
        "sum over thresholds of (R_n - R_n-1) P_n",
        source="one model: mixing score (Wilson 1927), jackknifed; paired: influence functions, Student's t",
    ),
    _entry(
        "brier_score_loss",
        "Brier score",
        "loss",
        "lower",
        BINARY,
        "mean (score - label)²",
        loss="squared",
        source=f"Brier 1950; {BY_CLASS_MEANS}",
    ),
    _entry(
        "log_loss",
        "Log loss",
        "loss",
        "lower",
        BINARY,
        "mean -log score of the label",
        loss="log",
        high=None,
        unit="number",
        source=BY_CLASS_MEANS,
    ),
    _entry(
        "calibration_in_the_large",
        "Calibration in the large",
        "loss",
        "none",
        BINARY,
        "mean (score - label); 0 is best",
        loss="signed",
        low=-1.0,
        source=f"Cox 1958, Biometrika 45:562; {BY_CLASS_MEANS}",
    ),
    _entry(
        "expected_calibration_error",
        "Expected calibration error, debiased",
        "calibration",
        "lower",
        BINARY,
        "sum over 15 bins of share × |mean (score - label)|, less its bias",
        interval=False,
        source="Naeini et al. 2015; debiased after Kumar, Liang & Ma 2019, NeurIPS",
    ),
    _entry(
        "mean_absolute_error",
        "Mean absolute error",
        "loss",
        "lower",
        REGRESSION,
        "mean |e|",
        loss="absolute",
        **_TARGET,
    ),
    _entry(
        "mean_squared_error",
        "Mean squared error",
        "loss",
        "lower",
        REGRESSION,
        "mean e²",
        loss="squared",
        unit="number",
        high=None,
        source=SQUARES,
    ),
    _entry(
        "root_mean_squared_error",
        "Root mean squared error",
        "moments",
        "lower",
        REGRESSION,
        "√ mean e²",
        loss="squared",
        **_TARGET,
        source=SQUARES,
    ),
    _entry(
        "r2",
        "R²",
        "moments",
        "higher",
        REGRESSION,
        "1 - sum e² / sum (y - mean y)²",
        loss="variance",
        unit="number",
        low=None,
        source="log (1 - R²); Student's t with degrees of freedom by kurtosis (Satterthwaite 1946)",
    ),
    _entry(
        "mean_error",
        "Mean error",
        "loss",
        "none",
        REGRESSION,
        "mean (prediction - label)",
        loss="signed",
        low=None,
        high=None,
        unit="label",
    ),
    _entry(
        "mean_absolute_percentage_error",
        "Mean absolute percentage error",
        "loss",
        "lower",
        REGRESSION,
        "mean |e| / |y|",
        loss="percentage",
        high=None,
    ),
    _entry(
        "mean_pinball_loss",
        "Mean pinball loss",
        "loss",
        "lower",
        REGRESSION,
        "mean |e| / 2 (alpha = 0.5)",
        loss="pinball",
        **_TARGET,
    ),
    _entry(
        "train_seconds", "Training time", "operation", "lower", ALL, "wall time of train.run", unit="seconds", **_RUN
    ),
    _entry(
        "predict_seconds_per_1k_rows",
        "Prediction time per 1,000 rows",
        "operation",
        "lower",
        ALL,
        "wall time of predict.run / rows × 1,000",
        unit="seconds",
        **_RUN,
    ),
    _entry(
        "model_megabytes",
        "Model size",
        "operation",
        "lower",
        ALL,
        "bytes of train.model / 10⁶",
        unit="megabytes",
        **_RUN,
    ),
    _entry(
        "peak_memory_megabytes",
        "Peak memory",
        "operation",
        "lower",
        ALL,
        "largest resident set of a step's processes / 10⁶",
        unit="megabytes",
        **_RUN,
    ),
)

LIBRARY_NAMES = frozenset(
    {
        "accuracy_score",
        "average_precision_score",
        "balanced_accuracy_score",
        "f1_score",
        "jaccard_score",
        "precision_score",
        "r2_score",
        "recall_score",
        "roc_auc_score",
        "sensitivity",
        "specificity",
        "true_positive_rate",
    }
)
"""Names that reports show as configured: those of functions of scikit-learn and fairlearn, and of medicine."""

FOREIGN_ALIASES = {
    "qwk": "quadratic_weighted_kappa",
    "weighted_kappa": "quadratic_weighted_kappa",
    "explained_variance_score": "explained_variance",
}
"""Aliases of metrics that scikit-learn evaluates."""

ALIASES = {
    "accuracy_score": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "precision_score": "precision",
    "recall_score": "recall",
    "true_positive_rate": "recall",
    "sensitivity": "recall",
    "specificity": "true_negative_rate",
    "f1_score": "f1",
    "jaccard_score": "jaccard",
    "roc_auc_score": "roc_auc",
    "average_precision_score": "average_precision",
    "r2_score": "r2",
    **dict.fromkeys(("acc",), "accuracy"),
    **dict.fromkeys(("bacc", "balanced_acc"), "balanced_accuracy"),
    **dict.fromkeys(("ppv", "positive_predictive_value"), "precision"),
    **dict.fromkeys(("tpr", "hit_rate"), "recall"),
    **dict.fromkeys(("tnr",), "true_negative_rate"),
    **dict.fromkeys(("fpr",), "false_positive_rate"),
    **dict.fromkeys(("fnr", "miss_rate"), "false_negative_rate"),
    **dict.fromkeys(("npv",), "negative_predictive_value"),
    **dict.fromkeys(("fdr",), "false_discovery_rate"),
    **dict.fromkeys(("iou",), "jaccard"),
    **dict.fromkeys(("mcc",), "matthews_corrcoef"),
    **dict.fromkeys(("kappa", "cohen_kappa", "cohens_kappa"), "cohen_kappa_score"),
    **dict.fromkeys(("auc", "auroc", "auc_roc"), "roc_auc"),
    **dict.fromkeys(("ap",), "average_precision"),
    **dict.fromkeys(("brier", "brier_score"), "brier_score_loss"),
    **dict.fromkeys(("logloss", "cross_entropy"), "log_loss"),
    **dict.fromkeys(("ece",), "expected_calibration_error"),
    **dict.fromkeys(("mae",), "mean_absolute_error"),
    **dict.fromkeys(("mse",), "mean_squared_error"),
    **dict.fromkeys(("rmse",), "root_mean_squared_error"),
    **dict.fromkeys(("mape",), "mean_absolute_percentage_error"),
    **{f"macro_{name}": f"{name}_macro" for name in ("f1", "precision", "recall")},
    **{f"weighted_{name}": f"{name}_weighted" for name in ("f1", "precision", "recall")},
    "micro_f1": "f1_micro",
    "F1": "f1",
    "R2": "r2",
}
"""Aliases by the catalogue's name."""
