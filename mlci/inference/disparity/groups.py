"""Groups of a slice, and the values from which a disparity is computed."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlci.inference.context import MeasureContext
from mlci.inference.disparity.simultaneous import Kind
from mlci.inference.evidence import Point, Tie
from mlci.inference.families import rates
from mlci.inference.families.decision_metrics import base_rate
from mlci.inference.result import Comparison
from mlci.metrics import catalogue
from mlci.metrics.statistics import Decisions, Floats, Statistics


@dataclass(frozen=True, kw_only=True)
class GroupedValues:
    """Groups of one slice for a disparity.

    Attributes:
        slice: Its name.
        groups: Statistics of every group, in order.
        reference: Name of the group to compare with; ``None`` compares all pairs.
        min_group_size: Minimum of rows for a group to be judged.
    """

    slice: str
    groups: tuple[Statistics, ...]
    reference: str | None
    min_group_size: int

    @property
    def names(self) -> list[str]:
        """Names of the groups."""
        return [str(group.scope.group) for group in self.groups]

    @property
    def index(self) -> int | None:
        """Position of the reference group."""
        return self.names.index(self.reference) if self.reference in self.names else None


@dataclass(frozen=True)
class DisparityOptions:
    """Settings and values for comparing the groups of one disparity."""

    bases: tuple[str, ...]
    kind: Kind
    across: GroupedValues
    context: MeasureContext
    measured: list[list[Comparison]]

    @property
    def counted(self) -> bool:
        """Whether every base is a rate, so that groups can be redrawn as counts."""
        infos = [catalogue.find(base) for base in self.bases]
        return all(info is not None and info.kind == "rate" and "[" not in info.name for info in infos)

    def values(self, model: str) -> Floats:
        """Return the raw values of one model, shape (bases, groups); NaN if undefined."""
        rows = [[getattr(item, model).value for item in base] for base in self.measured]
        return np.array([[np.nan if value is None else value for value in row] for row in rows])

    def errors(self, what: str) -> Floats:
        """Return standard errors of values or changes, shape (bases, groups); NaN if unknown."""
        return np.array([[error_of(getattr(item, what)) for item in base] for base in self.measured])


def share_of(decisions: Decisions | None, base: str, model: str) -> rates.Share:
    """Count one group's rate for one model."""
    if decisions is None:
        raise ValueError("no decisions")
    return rates.share_of_rows(decisions, base_rate(base, decisions), getattr(decisions, model))


def error_of(evidence: Any) -> float:  # noqa: ANN401 (any kind of evidence)
    """Return a standard error; NaN if there is none."""
    if evidence is None or evidence.value is None or isinstance(evidence, Point):
        return float("nan")
    if isinstance(evidence, Tie):
        return 0.0
    return float(np.sqrt(evidence.scaled_variance() / evidence.rows))
