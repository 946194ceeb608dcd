"""Catalogue of the metrics that mlci computes: aliases, disparities, and look-up by name.

The metrics themselves are in :mod:`mlci.metrics.entries`. Names of functions of scikit-learn and fairlearn are aliases.
"""

import difflib
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlci.metrics.entries import ENTRIES, MetricInfo
from mlci.metrics.rankings import names as ranking

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
    "tpr_at_fpr": "recall_at_fpr",
    "sensitivity_at_fpr": "recall_at_fpr",
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
    "misclassification_cost": ("expected_cost",),
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

ALIASES = {
    **_LIBRARY_ALIASES,
    **{alias: name for name, aliases in _SHORT_ALIASES.items() for alias in aliases},
    **ranking.ALIASES,
}
"""The catalogue's name by alias."""


TOP_K = re.compile(r"^(top_k_accuracy|top_k_accuracy_score)\(k=(\d+)\)$")
_COST = re.compile(r"^misclassification_cost\((.+)\)$")
COST_OUTCOMES = ("fp", "fn", "tp", "tn")
PER_CLASS = re.compile(r"^(precision|recall|f1)\[(.+)\]$")
_CLASS_OR_UNKNOWN = re.compile(r"^(\w+)\[(.+)\]$")
SPREAD = re.compile(r"^(.+)_(difference|ratio|shift)$")
KINDS: tuple[Literal["difference", "ratio", "shift"], ...] = ("difference", "ratio", "shift")
TO_OVERALL = "(method=to_overall)"
"""End of the name of a disparity between each group and the whole set; fairlearn's parameter of the same name."""
PARITIES = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity": ("true_positive_rate",),
    "predictive_parity": ("precision",),
}
_SPREADABLE = ("rate", "ratio", "ranks", "loss", "moments", "share")
OF_PROBABILITIES = frozenset({"class_ranks", "top_k", "loss", "calibration"})
"""Kinds of metrics that need a probability for each class of a multiclass task."""
_OF_MEANS = ("rate", "loss")
"""Kinds of which the whole set's value is a weighted mean of the groups' values."""
_LABELS_ALONE = ("prevalence",)
_BY_NAME = {entry.name: entry for entry in ENTRIES}


@dataclass(frozen=True)
class DisparityInfo:
    """A disparity of groups.

    Attributes:
        bases: The metrics whose values are compared.
        kind: Largest difference, smallest ratio or largest shift.
        to_overall: Whether groups are compared with the whole set instead of with each other.
    """

    bases: tuple[str, ...]
    kind: Literal["difference", "ratio", "shift"]
    to_overall: bool = False


def names() -> list[str]:
    """Return every name that a gate can use, including aliases and disparities."""
    plain = list(dict.fromkeys([*_BY_NAME, *ALIASES, *ranking.REPORTED]))
    parities = [f"{parity}_{kind}" for parity in PARITIES for kind in KINDS]
    spreads = [spelt for name in plain for kind in KINDS if find_disparity(spelt := f"{name}_{kind}")]
    return plain + parities + spreads


def find(name: str) -> MetricInfo | None:
    """Look up a metric, an alias, one class's (``f1[drugX]``) or a disparity (``recall_difference``); else ``None``."""
    if _plain(name):
        return _info(name)
    if match := PER_CLASS.match(canonical(name)):
        return _per_class(name, match)
    if (info := _with_params(name)) is not None:
        return info
    if (parts := find_disparity(name)) and all(find(base) for base in parts.bases):
        return _disparity(name, parts)
    return None


def _with_params(name: str) -> MetricInfo | None:
    """Return the entry of a metric with a cutoff or costs in its name; ``None`` for other names."""
    if metric := ranking.parse_ranking_metric(name):
        return replace(_info(ranking.ENTRY[metric.measure]), name=metric.name, title=metric.title)
    if match := TOP_K.match(name):
        return replace(_info(match[1]), name=name, title=f"Top-{match[2]} accuracy", loss=f"top_{int(match[2])}")
    if not _COST.match(name):
        return None
    costs = costs_of(name).values()
    return replace(_info("misclassification_cost"), name=name, low=min(costs), high=max(costs))


def costs_of(name: str) -> dict[str, float]:
    """Return the cost of each outcome of ``misclassification_cost(fn=100, fp=5)``; an error costs 1 without them."""
    costs = {"fp": 1.0, "fn": 1.0, "tp": 0.0, "tn": 0.0}
    match = _COST.match(name)
    pairs = (part.split("=") for part in match[1].split(", ")) if match else ()
    return costs | {key: float(value) for key, value in pairs}


def find_disparity(name: str) -> DisparityInfo | None:
    """Parse the name of a disparity; ``None`` if it is not one.

    A ratio of values that can be negative is not one, because it does not measure the distance of groups. Nor is a
    shift of a metric that does not depend on the model, or of a share, whose change has no interval. Only rates and
    means over rows are compared with the whole set, whose value is their mean.
    """
    match, overall = SPREAD.match(name.removesuffix(TO_OVERALL)), name.endswith(TO_OVERALL)
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
    if overall and (kind == "shift" or any(info.kind not in _OF_MEANS for info in infos)):
        return None
    return DisparityInfo(bases, kind, overall)


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
    if metric := ranking.parse_ranking_metric(name):
        return metric.name
    if (match := _CLASS_OR_UNKNOWN.match(name)) and (base := _plain(match[1])):
        return f"{base}[{match[2]}]"
    parts, match = find_disparity(name), SPREAD.match(name.removesuffix(TO_OVERALL))
    if parts and len(parts.bases) == 1 and match and _plain(match[1]):
        return f"{_plain(match[1])}_{parts.kind}{TO_OVERALL if parts.to_overall else ''}"
    return name


def shown_metric(name: str) -> str:
    """Return the name for reports: the canonical one, or a library's name as it was configured."""
    match = None if _plain(name) else _CLASS_OR_UNKNOWN.match(name) or SPREAD.match(name)
    return name if (match[1] if match else name) in _LIBRARY_ALIASES else canonical(name)


def shown_name(name: str, params: Mapping[str, object]) -> str:
    """Return the name of a metric with its parameters: ``fbeta_score(beta=2)``."""
    if not params:
        return name
    return f"{name}({', '.join(f'{key}={params[key]}' for key in sorted(params))})"


def hypothesis(name: str) -> str:
    """Return a key of the measured number: equal for two names of one number, such as two disparities of recall."""
    parts = find_disparity(name)
    if parts is None:
        return canonical(name)
    bases = "+".join(sorted(canonical(base) for base in parts.bases))
    return f"{bases}_{parts.kind}{TO_OVERALL if parts.to_overall else ''}"


def nearest_metric(name: str) -> str | None:
    """Return the known name that is closest to a misspelled one."""
    close = difflib.get_close_matches(name, names(), n=1)
    return close[0] if close else None


def metrics_of_task(task: str) -> list[str]:
    """Return the metrics reported for a task if the configuration names none.

    These are all but operational metrics, a cost that only the user knows, and metrics without information on the whole
    set: the prevalence depends on the labels only, the whole set's share of itself is 1, and average odds are there for
    their difference.
    """
    if task == "ranking":
        return list(ranking.REPORTED)
    left_out = {"prevalence", "predicted_positive_share", "misclassification_cost", "average_odds"}
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
    parity = next((key for key in PARITIES if SPREAD.sub(r"\1", name.removesuffix(TO_OVERALL)) == key), None)
    overall = " to the overall value" if parts.to_overall else ""
    compared = "a group and the whole set" if parts.to_overall else "two groups"
    title = (parity or bases[0].title).replace("_", " ")
    bounded = difference and all(base.low is not None and base.high is not None for base in bases)
    high = max((base.high or 0) - (base.low or 0) for base in bases) if bounded else None
    return MetricInfo(
        name=name,
        title=f"{title[0].upper()}{title[1:]} {parts.kind}{overall}",
        kind="disparity",
        direction="lower" if difference else "higher",
        unit=bases[0].unit if difference else "fraction",
        tasks=tasks,
        low=0.0,
        high=high if difference else 1.0,
        formula=f"{'largest difference' if difference else 'smallest ratio'} between {compared} of "
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
