"""Rows as arrays or a frame, and the six metrics by scikit-learn, for bootstraps and point evaluations."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import metrics

SLICES = ["s1", "s2", "s3"]
ON_DECISION = {
    "accuracy": metrics.accuracy_score,
    "recall": metrics.recall_score,
    "precision": metrics.precision_score,
    "f1": metrics.f1_score,
}
ON_SCORE = {"roc_auc": metrics.roc_auc_score, "brier_score_loss": metrics.brier_score_loss}


def frame(folder: str) -> pd.DataFrame:
    return pd.read_parquet(Path(folder) / "one.parquet", columns=[*SLICES, "y", "p", "q"])


def decide(score: np.ndarray) -> np.ndarray:
    return (score >= 0.5).astype(np.int64)


def of_score(name: str) -> partial:
    """Return a metric that takes scores, deciding at 0.5 where it needs decisions."""
    if name in ON_SCORE:
        return partial(ON_SCORE[name])
    return partial(_decided, ON_DECISION[name])


def _decided(metric: object, truth: np.ndarray, score: np.ndarray) -> float:
    return metric(truth, decide(score))


def scopes(data: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
    """Return the whole set's rows and each of the 27 groups'."""
    found = [("", np.arange(len(data)))]
    for name in SLICES:
        codes, groups = pd.factorize(data[name])
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(len(groups) + 1))
        found += [
            (f"{name}={group}", order[low:high]) for group, low, high in zip(groups, edges, edges[1:], strict=False)
        ]
    return found
