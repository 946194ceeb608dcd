"""Disagreements: rows among those that carry a metric on which the two models differ."""

import numpy as np

from mlci.inference.by_decision import base_rate
from mlci.metrics.catalogue import PER_CLASS
from mlci.metrics.info import MetricInfo
from mlci.metrics.rates import rate
from mlci.metrics.statistics import Decisions, Statistics


def disagreements(name: str, info: MetricInfo | None, statistics: Statistics) -> int | None:
    """Return how many rows can move a metric between the models; ``None`` without a baseline.

    Recall is moved by labelled positives that are decided differently, and not by the negatives; a metric of scores by
    all rows whose scores differ.
    """
    if info is None:
        found = statistics.replicates.get(name)
        return None if found is None or found.baseline is None else found.differing
    if info.kind in {"rate", "ratio"}:
        return _decided(name, info, statistics.decisions)
    if info.kind == "ranks" and statistics.scores is not None:
        return None if statistics.scores.baseline is None else statistics.scores.differing
    moments = statistics.moments.get(info.loss or "")
    return None if moments is None or "baseline" not in moments.names else moments.differing


def _decided(name: str, info: MetricInfo, decisions: Decisions | None) -> int | None:
    if decisions is None or decisions.baseline is None:
        return None
    label, now, before = decisions.label, decisions.candidate, decisions.baseline
    moved = now != before
    if found := PER_CLASS.match(name):
        if found[2] not in decisions.classes:
            return None
        index = decisions.classes.index(found[2])
        moved = (now == index) != (before == index)
        masks = None if found[1] == "f1" else rate(found[1], len(decisions.classes), index)
    else:
        masks = base_rate(name, decisions) if info.kind == "rate" else None
    if masks is not None and masks.shared:
        moved = masks.base[label, now] & (masks.part[label, now] != masks.part[label, before])
    return int(decisions.count[np.asarray(moved)].sum())
