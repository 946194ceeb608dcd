"""Search for the worst slices: what to search, the sums that confirm a slice, and the slices that were found."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SliceSearch:
    """Search for combinations of columns on which the candidate is worse than the baseline.

    Attributes:
        columns: Columns to combine; ``None`` takes those of the evaluation set.
        max_columns: Most columns in one slice, 1 to 3.
        min_group_size: Fewest rows of a slice in either half of the evaluation set.
    """

    columns: tuple[str, ...] | None = None
    max_columns: int = 3
    min_group_size: int = 30


@dataclass(frozen=True, kw_only=True)
class LossSums:
    """Sums over some rows of both models' losses, and of their difference, the candidate's minus the baseline's."""

    rows: int
    baseline: float
    candidate: float
    change: float
    squared_change: float

    @property
    def mean_change(self) -> float:
        """Mean difference."""
        return self.change / self.rows

    @property
    def variance(self) -> float:
        """Sample variance of the difference; 0 if it is within rounding error."""
        centred = self.squared_change - self.change**2 / self.rows
        return max(centred, 0.0) / (self.rows - 1) if centred > 1e-12 * self.squared_change else 0.0


@dataclass(frozen=True, kw_only=True)
class ChosenSlice:
    """A slice that one half of the rows suggests, with sums over the other half.

    Attributes:
        conditions: Group of each of its columns.
        rows: Its rows in both halves.
        inside, outside: Sums over the other half's rows in the slice and beside it.
        worse, better: Rows in ``inside`` whose loss rose and fell.
    """

    conditions: Mapping[str, str]
    rows: int
    inside: LossSums
    outside: LossSums
    worse: int
    better: int


@dataclass(frozen=True, kw_only=True)
class SearchedSlices:
    """Result of a search, before it is judged.

    Attributes:
        loss: Name of the loss.
        searched: Slices that were compared.
        columns: Columns that were combined.
        left_out: Columns that were not, each with the reason.
        chosen: Slices to confirm, the most suspicious first.
    """

    loss: str
    searched: int
    columns: tuple[str, ...]
    left_out: tuple[str, ...]
    chosen: tuple[ChosenSlice, ...]


@dataclass(frozen=True, kw_only=True)
class WorstSlice:
    """A slice on which the candidate is worse than the baseline, and than on the other rows.

    Attributes:
        conditions: Group of each of its columns.
        rows: Its rows in the evaluation set.
        confirmed_on: Those that the numbers below are measured on.
        baseline, candidate: Mean losses.
        change: Candidate minus baseline.
        change_low, change_high: Interval of the change, of this slice alone.
        change_elsewhere: Change on the other rows.
        p: Holm-adjusted p-value.
    """

    conditions: Mapping[str, str]
    rows: int
    confirmed_on: int
    baseline: float
    candidate: float
    change: float
    change_low: float
    change_high: float
    change_elsewhere: float
    p: float


@dataclass(frozen=True, kw_only=True)
class WorstSlices:
    """Result of a search: the slices that hold, the smallest p first; none if chance explains all.

    Attributes:
        loss: Name of the loss.
        searched, checked: Slices that were compared, and those of them that were tested on the other half.
        columns: Columns that were combined.
        left_out: Columns that were not, each with the reason.
        slices: The slices.
    """

    loss: str
    searched: int
    checked: int
    columns: tuple[str, ...]
    left_out: tuple[str, ...]
    slices: tuple[WorstSlice, ...]
