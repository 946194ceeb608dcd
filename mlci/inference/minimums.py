"""Rows that a metric needs to be defined, judged and failed on, and that a gate needs; causes of missing values.

Recall depends on labelled positives, ROC AUC on both classes, a mean on all rows. With fewer rows than ``defined`` the
value is undefined, whatever a model predicts; with fewer than ``judged`` no interval keeps its level (simulated: a ROC
AUC with two positives, average precision with four, a Brier score with one row of a class); with fewer than ``proves``
a slice never fails.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mlci.inference.evidence import Cause, Evidence, Triple, Undefined
from mlci.inference.intervals.distributions import quantile, two_sided
from mlci.metrics import catalogue
from mlci.metrics.catalogue import PER_CLASS
from mlci.metrics.clustered_rows import ClusteredRows
from mlci.metrics.statistics import Decisions, Statistics

PROVES, FRAGILE = 30, 8
"""Rows, and clusters of rows, with fewer of which a slice never fails."""
Column = Literal["rows", "label", "decision", "classes", "rarest", "queries"]


@dataclass(frozen=True)
class Carrier:
    """Rows that a metric depends on.

    Attributes:
        unit: Unit of the count, in the plural.
        column: The count: all rows, rows by label, rows by decision, the classes among the labels, or rows of the class
            with the fewest, or queries with a relevant document.
        target: The counted class: its index for a binary task, else its name.
    """

    unit: str
    column: Column
    target: int | str | None = None

    @property
    def clusters(self) -> str:
        """Unit of the clusters that hold such rows, in the plural."""
        return "clusters" if self.column == "rows" else f"clusters with {self.unit}"


@dataclass(frozen=True)
class Minimum:
    """Minimums of one carrier for one metric.

    Attributes:
        carrier: The counted rows.
        defined: Minimum for the metric to have a value; 0 if that depends on the models' predictions.
        informative: Minimum of labels for a value that depends on the model.
        judged: Minimum for judging it on an interval.
        proves: Minimum for a slice to fail.
    """

    carrier: Carrier
    defined: int = 0
    informative: int = 1
    judged: int = 1
    proves: int = 1

    @property
    def of_labels(self) -> bool:
        """Whether the count depends on the labels alone."""
        return self.carrier.column in {"label", "classes", "rarest", "queries"}


_POSITIVES = Carrier("labelled positives", "label", 1)
_NEGATIVES = Carrier("labelled negatives", "label", 0)
_CHOSEN = Carrier("predicted positives", "decision", 1)
_REJECTED = Carrier("predicted negatives", "decision", 0)
_ROWS = Carrier("rows", "rows")
_CLASSES = Carrier("labelled classes", "classes")
_RAREST = Carrier("rows of the rarest class", "rarest")
_ALL = Minimum(_ROWS, judged=1, proves=PROVES)
_MEAN = Minimum(_ROWS, judged=2, proves=PROVES)
_MEANS = frozenset({"loss", "moments"})
_QUERIES = (Minimum(Carrier("queries", "queries"), defined=1, proves=PROVES),)


def _share(carrier: Carrier) -> tuple[Minimum, ...]:
    return (Minimum(carrier, defined=1, judged=3, proves=PROVES), _ALL)


def _of_decided(carrier: Carrier, *labelled: Carrier) -> tuple[Minimum, ...]:
    """Return the minimums of precision and similar metrics; on labels of one class they are 0 or 1, or 0/0."""
    return (*map(Minimum, labelled), Minimum(carrier, judged=3, proves=PROVES), _ALL)


def _overlap(carrier: Carrier) -> tuple[Minimum, ...]:
    return (Minimum(carrier, judged=3, proves=PROVES), _ALL)


_BOTH_CLASSES = (Minimum(_POSITIVES, judged=2), Minimum(_NEGATIVES, judged=2), _MEAN)
_MINIMUMS: Mapping[str, tuple[Minimum, ...]] = {
    **dict.fromkeys(("recall", "false_negative_rate"), _share(_POSITIVES)),
    **dict.fromkeys(("true_negative_rate", "false_positive_rate"), _share(_NEGATIVES)),
    **dict.fromkeys(("precision", "false_discovery_rate"), _of_decided(_CHOSEN, _POSITIVES, _NEGATIVES)),
    **dict.fromkeys(
        ("negative_predictive_value", "false_omission_rate"), _of_decided(_REJECTED, _POSITIVES, _NEGATIVES)
    ),
    **dict.fromkeys(("f1", "jaccard"), _overlap(_POSITIVES)),
    "balanced_accuracy": (Minimum(_CLASSES, defined=2, informative=2, judged=2), _ALL),
    **dict.fromkeys(("matthews_corrcoef", "cohen_kappa_score"), (Minimum(_CLASSES, informative=2, judged=2), _ALL)),
    "average_odds": (*_share(_POSITIVES)[:1], *_share(_NEGATIVES)),
    "roc_auc": (*_share(_POSITIVES)[:1], *_share(_NEGATIVES)),
    "average_precision": (
        Minimum(_POSITIVES, defined=1, judged=5, proves=PROVES),
        Minimum(_NEGATIVES, defined=1),
        _ALL,
    ),
    **dict.fromkeys(("brier_score_loss", "log_loss"), _BOTH_CLASSES),
    **dict.fromkeys(("roc_auc_ovr", "roc_auc_ovo"), (Minimum(_RAREST, judged=3), _ALL)),
}


def minimums(metric: str) -> tuple[Minimum, ...]:
    """Return a metric's minimums, those of labels first; a minimum of all rows for metrics without others."""
    if parts := PER_CLASS.match(metric):
        return _of_class(parts[1], parts[2])
    name = catalogue.canonical(metric)
    info = catalogue.find(name)
    if info is not None and info.kind == "ranking":
        return _QUERIES
    return _MINIMUMS.get(name, (_MEAN if info is not None and info.kind in _MEANS else _ALL,))


def _of_class(metric: str, wanted: str) -> tuple[Minimum, ...]:
    labelled = Carrier(f"rows labelled {wanted}", "label", wanted)
    if metric == "precision":
        return _of_decided(Carrier(f"rows decided as {wanted}", "decision", wanted), labelled)
    return _share(labelled) if metric == "recall" else _overlap(labelled)


@dataclass(frozen=True)
class MissingRows:
    """A carrier with fewer rows than needed."""

    have: int
    unit: str
    least: int

    def __str__(self) -> str:
        """Return it in words: ``1 labelled positive; 3 are needed``."""
        return f"{count_in_words(self.have, self.unit)}; {self.least:,} {'is' if self.least == 1 else 'are'} needed"


def missing_rows(metric: str, carried: Mapping[str, int], *, proving: bool = False) -> MissingRows | None:
    """Return the missing rows for an interval to be judged, or for a slice to fail; ``None`` if there are enough.

    A carrier that was not counted is not checked.
    """
    for item in minimums(metric):
        least = item.proves if proving else item.judged
        needed = ((item.carrier.unit, least), (item.carrier.clusters, min(least, FRAGILE)))
        for unit, count in needed:
            if carried.get(unit, count) < count:
                return MissingRows(carried[unit], unit, count)
    return None


def count_in_words(count: int, unit: str) -> str:
    """Return a count in words: ``no labelled positives``, ``1 labelled positive``, ``12 rows``."""
    if count == 1:
        return f"1 {_singular(unit)}"
    return f"{count:,} {unit}" if count else f"no {unit}"


def _singular(unit: str) -> str:
    if unit.startswith("clusters"):
        return unit.replace("clusters", "cluster", 1)
    if unit.startswith("rows "):
        return unit.replace("rows", "row", 1)
    if unit.endswith("ies"):
        return f"{unit.removesuffix('ies')}y"
    return unit.removesuffix("es") if unit == _CLASSES.unit else unit.removesuffix("s")


def carriers(metric: str, statistics: Statistics, *, baseline: bool = False) -> dict[str, int]:
    """Count the rows that carry a metric for one model, by unit; carriers without statistics are omitted."""
    units = [item.carrier for item in minimums(metric)]
    counts = {carrier.unit: _count(carrier, statistics, baseline=baseline) for carrier in units}
    if statistics.clustered is not None and statistics.clustered.table.cluster is not None:
        rows, names = statistics.clustered, _classes(statistics)
        for carrier in units:
            counts[carrier.clusters] = _count_clusters(carrier, rows, names, baseline=baseline)
    return {unit: count for unit, count in counts.items() if count is not None}


def _classes(statistics: Statistics) -> tuple[str, ...]:
    return () if statistics.clustered is None else statistics.clustered.table.classes


def _count_clusters(carrier: Carrier, rows: ClusteredRows, classes: tuple[str, ...], *, baseline: bool) -> int | None:
    """Count the clusters that hold rows of a carrier; of the class that the fewest hold for ``rarest``."""
    if carrier.column == "rows":
        return rows.count_clusters()
    if carrier.column == "rarest":
        return min(rows.count_clusters(rows.labels == k) for k in range(len(classes)))
    model = rows.table.baseline if baseline else rows.table.candidate
    decided = None if model is None or model.decision is None else rows.take(model.decision)
    column = rows.labels if carrier.column == "label" else decided
    target = carrier.target
    index = classes.index(target) if isinstance(target, str) and target in classes else target
    if column is None or not isinstance(index, int) or carrier.column == "classes":
        return None
    return rows.count_clusters(column == index)


def undefined_by_labels(metric: str, carried: Mapping[str, int]) -> str | None:
    """Return the words for labels that leave a metric without a value for every model; ``None`` if they do not."""
    needed = minimums(metric)
    lacking = next((item.carrier.unit for item in needed if item.defined and not carried.get(item.carrier.unit, 1)), "")
    if lacking and {item.carrier for item in needed if item.defined} >= {_POSITIVES, _NEGATIVES}:
        info = catalogue.find(metric)
        return f"no {lacking}; {info.title if info else metric} needs both classes"
    return _short_of_labels([(item, item.defined) for item in needed], carried)


def silent_labels(metric: str, carried: Mapping[str, int]) -> str | None:
    """Return the words for labels on which a metric is undefined or the same whatever a model predicts."""
    if catalogue.canonical(metric) == "recall_macro":  # it has only one cause
        return "a class is decided here that no row is labelled as"
    return _short_of_labels([(item, item.informative) for item in minimums(metric)], carried)


def _short_of_labels(items: list[tuple[Minimum, int]], carried: Mapping[str, int]) -> str | None:
    for item, least in items:
        unit = item.carrier.unit
        if item.of_labels and carried.get(unit, least) < least:
            return str(MissingRows(carried[unit], unit, max(least, item.judged)))
    return None


def _count(carrier: Carrier, statistics: Statistics, *, baseline: bool) -> int | None:
    decisions = statistics.decisions
    if carrier.column == "rows":
        return statistics.rows
    if carrier.column == "queries":
        return next((len(one.candidate) for one in statistics.rankings.values()), 0)
    if decisions is None:
        return _by_score(carrier, statistics)
    if carrier.column == "classes":
        return len(np.unique(decisions.label))
    if carrier.column == "rarest":
        counts = np.bincount(decisions.label, weights=decisions.count, minlength=len(decisions.classes))
        return int(counts.min())
    decided = decisions.baseline if baseline else decisions.candidate
    column = decisions.label if carrier.column == "label" else decided
    index = _index(carrier.target, decisions)
    return None if column is None or index is None else int(decisions.count[column == index].sum())


def _index(target: int | str | None, decisions: Decisions) -> int | None:
    if isinstance(target, str):
        return decisions.classes.index(target) if target in decisions.classes else None
    return target if len(decisions.classes) == 2 else None


def _by_score(carrier: Carrier, statistics: Statistics) -> int | None:
    """Count labels by the histogram of scores, if no decisions were counted."""
    if statistics.scores is None or carrier.column != "label":
        return None
    bins = statistics.scores.candidate
    return int((bins.positives if carrier.target == 1 else bins.negatives).sum())


def undefined_evidence(message: str, *, baseline: bool) -> Triple:
    """Return undefined evidence for all models: no prediction could define the metric on these labels."""
    undefined = Undefined(message, cause=Cause.LABELS)
    return undefined, (undefined if baseline else None), (undefined if baseline else None)


def attribute_causes(triple: Triple, *, labels: str | None) -> Triple:
    """Return evidence whose missing values have a cause; a change needs a value of both models.

    Args:
        triple: Evidence for the candidate, for the baseline, and for the change.
        labels: The words for labels on which a missing value is not caused by a model; ``None`` if they suffice.
    """
    candidate, baseline, change = triple
    first = _attribute_cause(candidate, Cause.CANDIDATE, labels)
    second = None if baseline is None else _attribute_cause(baseline, Cause.BASELINE, labels)
    if change is None or baseline is None:
        return first, second, None
    missing = next((item for item in (candidate, baseline) if item.value is None), None)
    lost = missing if missing is not None and change.value is not None else change
    cause = missing_models(candidate=candidate.value is None, baseline=baseline.value is None)
    return first, second, _attribute_cause(lost, cause, labels)


def missing_models(*, candidate: bool, baseline: bool) -> Cause | None:
    """Return the cause of an undefined change, by which of the models has a value."""
    causes = {(True, True): Cause.BOTH, (True, False): Cause.CANDIDATE, (False, True): Cause.BASELINE}
    return causes.get((candidate, baseline))


def _attribute_cause(evidence: Evidence, cause: Cause | None, labels: str | None) -> Evidence:
    if not isinstance(evidence, Undefined) or evidence.cause is not None:
        return evidence
    if labels is not None:
        return replace(evidence, reason=labels, cause=Cause.LABELS)
    if evidence.method == "too few":
        return replace(evidence, cause=Cause.TOO_FEW)
    return replace(evidence, cause=cause)


MOST_ROWS = 10**12
"""More rows than any evaluation set has; a limit that would need more counts as met exactly."""


def rows_needed(scaled_variance: float, *, distance: float, confidence: float, power: float = 0.8) -> int | None:
    """Return the rows at which the test of a limit at ``distance`` has ``power``.

    n >= (z_(1-α) + z_power)² × scaled_variance / distance², α = (1 - confidence) / 2; for a difference of two
    accuracies ``scaled_variance`` is the share of rows on which the models disagree (Connor 1987, Biometrics 43:207, to
    first order). ``None`` if no number of rows up to :data:`MOST` would do.
    """
    if distance <= 0 or not math.isfinite(scaled_variance):
        return None
    factor = (two_sided(confidence) + quantile(power)) ** 2
    rows = factor * scaled_variance / distance / distance  # a square could underflow
    return math.ceil(rows - 1e-9) if rows <= MOST_ROWS else None


def rows_without_disagreement(distance: float, *, confidence: float) -> int | None:
    """Return the rows at which Tango's interval around no disagreement, z² / (n + z²), is inside ``distance``."""
    if not 0 < distance < 1:
        return None
    z = two_sided(confidence)
    rows = z * z * (1 - distance) / distance
    return math.ceil(rows) if rows <= MOST_ROWS else None
