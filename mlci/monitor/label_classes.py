"""Classes that the labels of a window lack: such rows are not a sample of production, and tell nothing of its quality.

Labels often arrive by class: a fraud is reported, and a good payment never is.
"""

from collections.abc import Iterable, Mapping, Sequence

from mlci.metrics import catalogue
from mlci.metrics.statistics import WHOLE, Statistics
from mlci.monitor.findings import QualityRow
from mlci.monitor.quality import ScopedResult

BY_CHANCE = 0.01
"""Chance from which a class of several may be absent: a rare one is, in a small window."""
_OF_ONE_CLASS = frozenset({"recall", "true_negative_rate", "false_positive_rate", "false_negative_rate"})


def lacking_classes(window: ScopedResult, reference: ScopedResult) -> tuple[str, ...]:
    """Return the classes of the evaluation set that no labelled row has; none for regression.

    If labels of one class are all there are, every other class is lacking. Else a class is lacking if a sample of as
    many rows would have it with a chance of more than 1 - :data:`BY_CHANCE`.
    """
    before, now = (_label_counts(one.statistics.get(WHOLE)) for one in (reference, window))
    rows, everything = sum(now.values()), sum(before.values())
    absent = {name: count for name, count in before.items() if count and not now.get(name)}
    if not rows or not absent:
        return ()
    if sum(1 for count in now.values() if count) == 1:
        return tuple(absent)
    return tuple(name for name, count in absent.items() if (1 - count / everything) ** rows < BY_CHANCE)


def _label_counts(statistics: Statistics | None) -> Mapping[str, int]:
    """Return the rows of each label; those of scores without a threshold are known by their side only."""
    if statistics is None:
        return {}
    if (decisions := statistics.decisions) is not None:
        names: Sequence[str] = decisions.classes
        counts = dict.fromkeys(names, 0)
        for label, count in zip(decisions.label, decisions.count, strict=True):
            counts[names[int(label)]] += int(count)
        return counts
    if statistics.scores is None:
        return {}
    bins = statistics.scores.candidate
    return {"negative": int(bins.negatives.sum()), "positive": int(bins.positives.sum())}


def without_lacking(rows: Iterable[QualityRow], reason: str) -> tuple[QualityRow, ...]:
    """Return the gates as not known; one that counts rows of one class only keeps its finding."""
    return tuple(
        row
        if row.finding == "unknown" or catalogue.canonical(row.metric) in _OF_ONE_CLASS
        else row.model_copy(update={"finding": "unknown", "reason": reason})
        for row in rows
    )
