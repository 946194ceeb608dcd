"""scikit-learn's names for metrics that the catalogue does not derive itself; known without importing scikit-learn.

Scorers and functions of scikit-learn 1.5 to 1.9 that turn labels and one column of predictions into one number. What
needs an argument, a matrix of scores or clusters is left out.
"""

from dataclasses import dataclass
from typing import Literal

_CLASSES = frozenset({"binary", "multiclass"})
_BINARY = frozenset({"binary"})
_MULTICLASS = frozenset({"multiclass"})
_REGRESSION = frozenset({"regression"})

TASKS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("hamming_loss", "zero_one_loss"), _CLASSES),
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


@dataclass(frozen=True)
class Foreign:
    """What a name alone tells about a metric that is computed by someone else's function.

    Attributes:
        tasks: Tasks that it exists for; ``None`` where that is not known.
        direction: Which way is better, by scikit-learn's convention (user guide, "The scoring parameter"): names that
            end in ``_error``, ``_loss`` or ``_deviance`` are better when lower, ``neg_`` turns that round.
    """

    tasks: frozenset[str] | None
    direction: Literal["higher", "lower", "none"]


def foreign(name: str) -> Foreign | None:
    """Return what is known of one of scikit-learn's names; ``None`` if it is not one."""
    if name not in TASKS:
        return None
    lower = name.endswith(("_error", "_loss", "_deviance")) and not name.startswith("neg_")
    return Foreign(TASKS[name], "lower" if lower else "higher")
