"""Names of ranking metrics: a measure of the documents of a query, and a cutoff, such as ``ndcg@10``.

The names are those of ranx (Bassani 2022, ECIR); those of torchmetrics, ir_measures and scikit-learn are aliases.
"""

import re
from dataclasses import dataclass
from typing import Literal

Measure = Literal[
    "ndcg", "ndcg_burges", "mean_average_precision", "mean_reciprocal_rank", "recall", "precision", "hit_rate"
]
Gain = Literal["linear", "exponential"]

ENTRY: dict[Measure, str] = {
    "ndcg": "ndcg",
    "ndcg_burges": "ndcg_burges",
    "mean_average_precision": "mean_average_precision",
    "mean_reciprocal_rank": "mean_reciprocal_rank",
    "recall": "recall_at_k",
    "precision": "precision_at_k",
    "hit_rate": "hit_rate_at_k",
}
"""The catalogue's entry of each measure."""
ALIASES: dict[str, str] = {
    **dict.fromkeys(("ndcg_at_k", "ndcg_score", "normalized_dcg", "retrieval_normalized_dcg"), "ndcg"),
    "ndcg_burges_at_k": "ndcg_burges",
    **dict.fromkeys(("map", "map_at_k", "retrieval_average_precision"), "mean_average_precision"),
    **dict.fromkeys(("mrr", "mrr_at_k", "retrieval_reciprocal_rank"), "mean_reciprocal_rank"),
    "retrieval_recall": "recall_at_k",
    "retrieval_precision": "precision_at_k",
    "retrieval_hit_rate": "hit_rate_at_k",
}
"""The catalogue's entry by alias."""
REPORTED = ("ndcg@10", "mean_average_precision", "mean_reciprocal_rank", "recall@10", "precision@10")
"""Metrics that are reported if the configuration names none."""

_CUT = frozenset({"recall", "precision", "hit_rate"})
_SHORT: dict[str, Measure] = {
    "r": "recall",
    "p": "precision",
    "ap": "mean_average_precision",
    "rr": "mean_reciprocal_rank",
    "success": "hit_rate",
}
"""Names that need a cutoff, because without one they are those of other metrics."""
_TITLES: dict[Measure, str] = {
    "ndcg": "NDCG",
    "ndcg_burges": "NDCG, exponential gain",
    "mean_average_precision": "Mean average precision",
    "mean_reciprocal_rank": "Mean reciprocal rank",
    "recall": "Recall",
    "precision": "Precision",
    "hit_rate": "Hit rate",
}
_AT = re.compile(r"(\w+)@([1-9]\d{0,8})")
_CALL = re.compile(r"(\w+)\((.*)\)")


@dataclass(frozen=True)
class RankingMetric:
    """A measure of the documents of a query, of the first ``k`` of them; ``None`` for all."""

    measure: Measure
    k: int | None = None

    @property
    def name(self) -> str:
        """Name in reports."""
        return ENTRY[self.measure] if self.k is None else f"{self.measure}@{self.k}"

    @property
    def title(self) -> str:
        """Name in sentences."""
        title = _TITLES[self.measure]
        if self.k is None:
            return f"{title}@k" if self.lacks_cutoff else title
        return f"NDCG@{self.k}, exponential gain" if self.measure == "ndcg_burges" else f"{title}@{self.k}"

    @property
    def lacks_cutoff(self) -> bool:
        """Whether it has no value without a cutoff, and has none: the recall of all documents is 1."""
        return self.measure in _CUT and self.k is None


def parse_ranking_metric(name: str) -> RankingMetric | None:
    """Return the metric of a name such as ``ndcg@10``, ``P@5``, ``map`` or ``recall_at_k(k=10)``; ``None`` for others.

    A name that a binary metric has, such as ``recall``, needs ``@`` to be one of a ranking.
    """
    if match := _AT.fullmatch(name):
        measure = _measure(match[1]) or _SHORT.get(match[1].lower()) or _plain(match[1].lower())
        return None if measure is None else RankingMetric(measure, int(match[2]))
    match = _CALL.fullmatch(name)
    measure = _measure(match[1] if match else name)
    if measure is None:
        return None
    return _with_params(measure, match[2]) if match else RankingMetric(measure)


def _measure(name: str) -> Measure | None:
    entry = ALIASES.get(name.lower(), name.lower())
    return next((measure for measure, of in ENTRY.items() if of == entry), None)


def _plain(name: str) -> Measure | None:
    return next((measure for measure in ENTRY if measure == name), None)


def _with_params(measure: Measure, written: str) -> RankingMetric | None:
    """Return a metric with parameters as reports show them: ``gain=exponential, k=10``."""
    params = dict(part.split("=", 1) for part in written.split(", ") if "=" in part)
    k = params.pop("k", None) or params.pop("top_k", None)
    gain = params.pop("gain", "linear")
    if params or gain not in {"linear", "exponential"} or (gain == "exponential" and measure != "ndcg"):
        return None
    if k is not None and not re.fullmatch(r"[1-9]\d{0,8}", k):
        return None
    return RankingMetric("ndcg_burges" if gain == "exponential" else measure, None if k is None else int(k))
