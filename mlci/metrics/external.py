"""Metric names outside the catalogue: scikit-learn's, and common ones of metrics files.

Scorers and functions of scikit-learn 1.5 to 1.9 that map labels and one column of predictions to one number; metrics
that need a matrix of scores, clusters or queries are listed with the reason why they are not supported. This module
does not import scikit-learn.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlci.metrics.entries import Direction

_CLASSES = frozenset({"binary", "multiclass"})
_BINARY = frozenset({"binary"})
_MULTICLASS = frozenset({"multiclass"})
_REGRESSION = frozenset({"regression"})

KAPPA = {"quadratic_weighted_kappa": "quadratic", "linear_weighted_kappa": "linear"}
"""mlci's names for a function of scikit-learn with fixed weights."""

OWN_DIRECTIONS: dict[str, Direction] = {
    "recall_at_fpr": "higher",
    "specificity_at_sensitivity": "higher",
    "calibration_slope": "none",
    "calibration_intercept": "none",
}
"""The better direction of the functions of :mod:`mlci.metrics.score_functions`, which scikit-learn does not have."""

TASKS: dict[str, frozenset[str]] = {
    **dict.fromkeys(OWN_DIRECTIONS, _BINARY),
    **dict.fromkeys(
        ("fbeta_score", "hamming_loss", "linear_weighted_kappa", "quadratic_weighted_kappa", "zero_one_loss"), _CLASSES
    ),
    **dict.fromkeys(
        (
            "d2_brier_score",
            "d2_log_loss_score",
            "hinge_loss",
            "neg_brier_score",
            "neg_log_loss",
            "neg_negative_likelihood_ratio",
            "positive_likelihood_ratio",
        ),
        _BINARY,
    ),
    **dict.fromkeys(
        ("jaccard_macro", "jaccard_micro", "jaccard_weighted", "precision_micro", "recall_micro"), _MULTICLASS
    ),
    **dict.fromkeys(
        (
            "d2_absolute_error_score",
            "d2_pinball_score",
            "d2_tweedie_score",
            "explained_variance",
            "explained_variance_score",
            "max_error",
            "mean_gamma_deviance",
            "mean_poisson_deviance",
            "mean_squared_log_error",
            "mean_tweedie_deviance",
            "median_absolute_error",
            "neg_max_error",
            "neg_mean_absolute_error",
            "neg_mean_absolute_percentage_error",
            "neg_mean_gamma_deviance",
            "neg_mean_poisson_deviance",
            "neg_mean_squared_error",
            "neg_mean_squared_log_error",
            "neg_median_absolute_error",
            "neg_root_mean_squared_error",
            "neg_root_mean_squared_log_error",
            "root_mean_squared_log_error",
        ),
        _REGRESSION,
    ),
}


_WEIGHTED = "weights classes by their labels, which are random themselves; use"
_QUERIES = "ranks the items of queries or samples, and mlci scores rows"
_LIST = "returns several numbers, and a gate limits one"
_CLUSTERS = "compares clusters, and mlci compares predictions with labels"

LACKING: dict[str, str] = {
    "roc_auc_ovo_weighted": f"{_WEIGHTED} `roc_auc_ovo`",
    "roc_auc_ovr_weighted": f"{_WEIGHTED} `roc_auc_ovr`",
    **dict.fromkeys(
        ("coverage_error", "dcg_score", "label_ranking_average_precision_score", "label_ranking_loss"),
        f"{_QUERIES}; use `average_precision`, `ndcg` of `task: ranking`, or `module:function`",
    ),
    **dict.fromkeys(
        (
            "class_likelihood_ratios",
            "classification_report",
            "confusion_matrix",
            "det_curve",
            "multilabel_confusion_matrix",
            "precision_recall_curve",
            "precision_recall_fscore_support",
            "roc_curve",
        ),
        f"{_LIST}; name one, such as `precision` or `recall`",
    ),
    **dict.fromkeys(
        (
            "adjusted_mutual_info_score",
            "adjusted_rand_score",
            "calinski_harabasz_score",
            "completeness_score",
            "davies_bouldin_score",
            "fowlkes_mallows_score",
            "homogeneity_score",
            "mutual_info_score",
            "normalized_mutual_info_score",
            "rand_score",
            "silhouette_score",
            "v_measure_score",
        ),
        f"{_CLUSTERS}; use `module:function`",
    ),
}
"""Names of scikit-learn that need more than labels and one column of predictions, with the reason."""


@dataclass(frozen=True)
class SklearnMetric:
    """Tasks and direction of an external metric, derived from its name.

    Attributes:
        tasks: Tasks that it exists for; ``None`` if they are not known.
        direction: The better direction, by scikit-learn's convention (user guide, "The scoring parameter"): names that
            end in ``_error``, ``_loss`` or ``_deviance`` are better when lower, ``neg_`` reverses that.
    """

    tasks: frozenset[str] | None
    direction: Direction


def sklearn_metric(name: str) -> SklearnMetric | None:
    """Return tasks and direction of a function of scikit-learn or of mlci; ``None`` for other names."""
    if name not in TASKS:
        return None
    if name in OWN_DIRECTIONS:
        return SklearnMetric(TASKS[name], OWN_DIRECTIONS[name])
    lower = name.endswith(("_error", "_loss", "_deviance")) and not name.startswith("neg_")
    return SklearnMetric(TASKS[name], "lower" if lower else "higher")


_LOWER = (
    "brier brier_score cross_entropy crossentropy ece eer error error_rate fdr fnr fpr hinge kl logloss loss mae mape "
    "mase mdape medae msle mse nll perplexity rmse rmsle smape wape wer cer"
)
_HIGHER = (
    "acc accuracy ap auc auc_pr auc_roc aucpr auprc auroc bleu dice f1 f2 gini hit_rate iou kappa map mcc mrr ndcg npv "
    "ppv pr_auc precision r2 recall rouge score sensitivity specificity tnr tpr"
)
_CUSTOM: dict[str, Direction] = {
    **dict.fromkeys(_LOWER.split(), "lower"),
    **dict.fromkeys(_HIGHER.split(), "higher"),
}
_TURNED: dict[Direction, Direction] = {"lower": "higher", "higher": "lower", "none": "none"}
_SEPARATOR = re.compile(r"[.:/\\|\s]+")
_DETAIL = re.compile(r"(_at_|_?@)[\w.]+$|_(macro|micro|weighted|samples|mean|avg|average|overall)$")
_MINUS = re.compile(r"(^|_)(neg|negative|minus)$|^1$")


def guess_direction(name: str, direction_of: Callable[[str], Direction | None]) -> Direction:
    """Return the better direction by the words of a metrics file's name; ``none`` if they are ambiguous.

    The last part of a nested name decides, by its longest known ending: ``validation.log_loss``, ``val_auc`` and
    ``my_loss`` have the directions of ``log_loss``, ``auc`` and ``loss``; ``neg_`` reverses them.

    Args:
        name: The name with its dots.
        direction_of: Direction of an ending in the catalogue or in scikit-learn; ``None`` if unknown.
    """
    last = [part for part in _SEPARATOR.split(name) if part][-1:]
    for before, ending in _endings("".join(last).lower().replace("-", "_")):
        direction = direction_of(ending) or _CUSTOM.get(ending)
        if direction is not None:
            return _TURNED[direction] if _MINUS.search(before) else direction
    return "none"


def _endings(word: str) -> Iterator[tuple[str, str]]:
    """Yield splits of a word into start and ending, longest ending first; each also without ``_macro`` or ``@5``."""
    starts = [0, *(match.end() for match in re.finditer("_", word))]
    for form in dict.fromkeys((word, _DETAIL.sub("", word))):
        for start in starts:
            yield form[:start].strip("_"), form[start:]
