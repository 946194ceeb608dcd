"""Catalogue of the metrics that mlci computes: entries, aliases, disparities, and look-up by name.

The page ``docs/reference/metrics.md`` and ``mlci metrics`` are written from here. Names are scikit-learn's (those of
its scorers, with the function names as aliases) and fairlearn's.
"""

import difflib
import functools
import re
from dataclasses import dataclass, replace
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
            ``moments``, ``calibration``, ``operation`` (measured by the run), ``disparity``, ``shift`` (of both models,
            across groups) or ``custom`` (a function of rows).
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
ALL = CLASSES | REGRESSION

WILSON = "Wilson 1927, JASA 22:209; paired: Tango 1998, Stat. Med. 17:891"
BY_LABEL = "paired: Tango's score by label (Miettinen & Nurminen 1985, Stat. Med. 4:213)"
CELLS = f"delta method on the cells (Agresti 2013, ch. 16); {BY_LABEL}"
BY_CLASS = f"Wilson's limits by class (Zou, Huang & Zhang 2009, Comput. Stat. Data Anal. 53:1080); {BY_LABEL}"
DECIDED = f"Wilson 1927, JASA 22:209; {BY_LABEL}"
DELONG = "DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837; one model: Hanley & McNeil 1982, Radiology 143:29"
MEANS = "paired t interval from moments (Student 1908)"
BY_CLASS_MEANS = "one model: Hall 1992, JRSS B 54:221; variance by class, degrees of freedom: Satterthwaite 1946"
BY_CLASS_RANKS = "DeLong et al. 1988 by row: variance within and between classes; one model: Hanley & McNeil 1982"
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

_LIBRARY_ALIASES = {
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
    "top_k_accuracy_score": "top_k_accuracy",
    "r2_score": "r2",
}
"""Names that reports show as configured: those of functions of scikit-learn and fairlearn, and of medicine."""

_ALIASES_OF_SKLEARN_METRICS = {
    "qwk": "quadratic_weighted_kappa",
    "weighted_kappa": "quadratic_weighted_kappa",
    "explained_variance_score": "explained_variance",
}
"""Aliases of metrics that scikit-learn evaluates."""

_SHORT_ALIASES = {
    "accuracy": ("acc",),
    "balanced_accuracy": ("bacc", "balanced_acc"),
    "precision": ("ppv", "positive_predictive_value"),
    "recall": ("tpr", "hit_rate"),
    "true_negative_rate": ("tnr",),
    "false_positive_rate": ("fpr",),
    "false_negative_rate": ("fnr", "miss_rate"),
    "negative_predictive_value": ("npv",),
    "false_discovery_rate": ("fdr",),
    "jaccard": ("iou",),
    "matthews_corrcoef": ("mcc",),
    "cohen_kappa_score": ("kappa", "cohen_kappa", "cohens_kappa"),
    "roc_auc": ("auc", "auroc", "auc_roc"),
    "average_precision": ("ap",),
    "brier_score_loss": ("brier", "brier_score"),
    "log_loss": ("logloss", "cross_entropy"),
    "expected_calibration_error": ("ece",),
    "mean_absolute_error": ("mae",),
    "mean_squared_error": ("mse",),
    "root_mean_squared_error": ("rmse",),
    "mean_absolute_percentage_error": ("mape",),
    **{
        f"{name}_{mean}": (f"{mean}_{name}",)
        for mean in ("macro", "weighted")
        for name in ("f1", "precision", "recall")
    },
    "f1_micro": ("micro_f1",),
    "f1": ("F1",),
    "r2": ("R2",),
}

ALIASES = {**_LIBRARY_ALIASES, **{alias: name for name, aliases in _SHORT_ALIASES.items() for alias in aliases}}
"""The catalogue's name by alias."""


TOP_K = re.compile(r"^(top_k_accuracy|top_k_accuracy_score)\(k=(\d+)\)$")
PER_CLASS = re.compile(r"^(precision|recall|f1)\[(.+)\]$")
_CLASS_OR_UNKNOWN = re.compile(r"^(\w+)\[(.+)\]$")
SPREAD = re.compile(r"^(.+)_(difference|ratio|shift)$")
KINDS: tuple[Literal["difference", "ratio", "shift"], ...] = ("difference", "ratio", "shift")
PARITIES = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity": ("true_positive_rate",),
    "predictive_parity": ("precision",),
}
_SPREADABLE = ("rate", "ratio", "ranks", "loss", "moments", "share")
OF_PROBABILITIES = frozenset({"class_ranks", "top_k", "loss", "calibration"})
"""Kinds of metrics that need a probability for each class of a multiclass task."""
_LABELS_ALONE = ("prevalence",)
_BY_NAME = {entry.name: entry for entry in ENTRIES}


@dataclass(frozen=True)
class DisparityInfo:
    """A disparity's base metrics, and its kind: largest difference, smallest ratio or largest shift."""

    bases: tuple[str, ...]
    kind: Literal["difference", "ratio", "shift"]


def names() -> list[str]:
    """Return every name that a gate can use, including aliases and disparities."""
    plain = [*_BY_NAME, *ALIASES]
    parities = [f"{parity}_{kind}" for parity in PARITIES for kind in KINDS]
    spreads = [spelt for name in plain for kind in KINDS if find_disparity(spelt := f"{name}_{kind}")]
    return plain + parities + spreads


def find(name: str) -> MetricInfo | None:
    """Look up a metric, an alias, one class's (``f1[drugX]``) or a disparity (``recall_difference``); else ``None``."""
    if _plain(name):
        return _info(name)
    if match := PER_CLASS.match(canonical(name)):
        return _per_class(name, match)
    if match := TOP_K.match(name):
        return replace(_info(match[1]), name=name, title=f"Top-{match[2]} accuracy", loss=f"top_{int(match[2])}")
    if (parts := find_disparity(name)) and all(find(base) for base in parts.bases):
        return _disparity(name, parts)
    return None


def find_disparity(name: str) -> DisparityInfo | None:
    """Parse the name of a disparity; ``None`` if it is not one.

    A ratio of values that can be negative is not one, because it does not measure the distance of groups. Nor is a
    shift of a metric that does not depend on the model, or of a share, whose change has no interval.
    """
    match = SPREAD.match(name)
    if match is None or _plain(name):
        return None
    base, kind = match[1], next(kind for kind in KINDS if kind == match[2])
    bases = PARITIES.get(base, (base,))
    infos = [_info(item) for item in bases if _plain(item)]
    if len(infos) != len(bases) or any(info.kind not in _SPREADABLE for info in infos):
        return None
    if kind == "ratio" and any(info.low is None or info.low < 0 for info in infos):
        return None
    if kind == "shift" and any(info.kind == "share" or info.name in _LABELS_ALONE for info in infos):
        return None
    return DisparityInfo(bases, kind)


def is_shift_metric(name: str) -> bool:
    """Return whether a metric compares both models itself, so that a single model has no value."""
    parts = find_disparity(name)
    return parts is not None and parts.kind == "shift"


def canonical(name: str) -> str:
    """Return the catalogue's name of a metric, of one of a class, or of a disparity; the argument may be an alias.

    Aliases may be written in capitals (``AUC``). An unknown name is returned unchanged.
    """
    if plain := _plain(name) or _ALIASES_OF_SKLEARN_METRICS.get(name.lower()):
        return plain
    if (match := _CLASS_OR_UNKNOWN.match(name)) and (base := _plain(match[1])):
        return f"{base}[{match[2]}]"
    if (parts := find_disparity(name)) and len(parts.bases) == 1 and (match := SPREAD.match(name)) and _plain(match[1]):
        return f"{_plain(match[1])}_{parts.kind}"
    return name


def shown_metric(name: str) -> str:
    """Return the name for reports: the canonical one, or a library's name as it was configured."""
    match = None if _plain(name) else _CLASS_OR_UNKNOWN.match(name) or SPREAD.match(name)
    return name if (match[1] if match else name) in _LIBRARY_ALIASES else canonical(name)


def hypothesis(name: str) -> str:
    """Return a key of the measured number: equal for two names of one number, such as two disparities of recall."""
    parts = find_disparity(name)
    if parts is None:
        return canonical(name)
    return f"{'+'.join(sorted(canonical(base) for base in parts.bases))}_{parts.kind}"


def nearest_metric(name: str) -> str | None:
    """Return the known name that is closest to a misspelled one."""
    close = difflib.get_close_matches(name, names(), n=1)
    return close[0] if close else None


def metrics_of_task(task: str) -> list[str]:
    """Return the metrics reported for a task if the configuration names none.

    These are all but operational metrics and metrics without information on the whole set: the prevalence depends on
    the labels only, and the whole set's share of itself is 1.
    """
    left_out = {"prevalence", "predicted_positive_share"}
    return [
        entry.name
        for entry in ENTRIES
        if task in entry.tasks and entry.kind != "operation" and entry.name not in left_out
    ]


def _plain(name: str) -> str | None:
    """Return the entry's name for a name or an alias; ``None`` if it is neither."""
    if name in _BY_NAME:
        return name
    return ALIASES.get(name) or ALIASES.get(name.lower())


@functools.cache
def _info(name: str) -> MetricInfo:
    """Return the entry; with an alias it keeps that name."""
    return replace(_BY_NAME[_plain(name) or name], name=name)


def for_task(info: MetricInfo, task: str) -> MetricInfo:
    """Return the entry with the bounds that it has for a task: a Brier score over all classes is at most 2."""
    return replace(info, high=2.0) if task == "multiclass" and _plain(info.name) == "brier_score_loss" else info


def _per_class(name: str, match: re.Match[str]) -> MetricInfo:
    base = _info(match[1])
    title = f"{base.title} of class {match[2]}"
    return replace(base, name=name, title=title, tasks=frozenset({"multiclass"}))


def _disparity(name: str, parts: DisparityInfo) -> MetricInfo:
    if parts.kind == "shift":
        return _shift(name, parts)
    bases = [info for base in parts.bases if (info := find(base))]
    tasks = frozenset.intersection(*(base.tasks for base in bases))
    difference = parts.kind == "difference"
    parity = next((key for key in PARITIES if SPREAD.sub(r"\1", name) == key), None)
    title = (parity or bases[0].title).replace("_", " ")
    bounded = difference and all(base.low is not None and base.high is not None for base in bases)
    high = max((base.high or 0) - (base.low or 0) for base in bases) if bounded else None
    return MetricInfo(
        name=name,
        title=f"{title[0].upper()}{title[1:]} {parts.kind}",
        kind="disparity",
        direction="lower" if difference else "higher",
        unit=bases[0].unit if difference else "fraction",
        tasks=tasks,
        low=0.0,
        high=high if difference else 1.0,
        formula=("largest difference between two groups of " if difference else "smallest ratio between two groups of ")
        + " or ".join(base.name for base in bases),
        source="fairlearn (Weerts et al. 2023); simultaneous intervals after Agresti & Caffo 2000 and Tukey's max-t",
        support="rows",
    )


def _shift(name: str, parts: DisparityInfo) -> MetricInfo:
    """Return the entry of the largest shift, which is at most twice the largest change of a group."""
    gap = _disparity(name, replace(parts, kind="difference"))
    bases = " or ".join(base.name for item in parts.bases if (base := find(item)))
    title = gap.title.removesuffix(" difference")
    return replace(
        gap,
        title=f"{title} shift",
        kind="shift",
        high=None if gap.high is None else 2 * gap.high,
        formula=f"largest change of a group minus the smallest, candidate minus baseline of {bases}",
        source="Bonferroni over pairs of groups, paired by row (Dunn 1961, JASA 56:52); Berger 1982",
    )
