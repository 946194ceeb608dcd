"""The targets of mlci's cost, each with the figure that it limits."""

from collections.abc import Mapping
from dataclasses import dataclass

REPLICATES = 1000
LARGE, MIDDLE = 10_000_000, 1_000_000
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Target:
    """One bound on one figure.

    Attributes:
        what: The claim, as the table says it.
        figure: Name of the figure.
        limit: The bound.
        least: Whether the figure has to be at least the limit; else at most.
        unit: Written behind the numbers.
    """

    what: str
    figure: str
    limit: float
    least: bool = False
    unit: str = "×"


@dataclass(frozen=True)
class Judged:
    """A target with what was measured; ``value`` is ``None`` where nothing could be."""

    target: Target
    value: float | None

    @property
    def holds(self) -> bool:
        """Return true if the limit is met; a figure that is missing or not a number meets none."""
        if self.value is None:
            return False
        return self.value >= self.target.limit if self.target.least else self.value <= self.target.limit


TARGETS = {
    MIDDLE: (
        Target("CPU of the best bootstrap, 1,000 replicates, over mlci; cold", "bootstrap", 5000, least=True),
        Target("imports of `mlci --help`", "imports", 0.3, unit=" s"),
    ),
    LARGE: (  # the slope of groups is a difference of two runs, which noise drowns with fewer rows
        Target("CPU of each further row, 270 groups over 27 (10 if rows were multiplied by groups); warm", "groups", 3),
        Target("counts over the floor, 10,000,000 rows, one file; warm", "counts", 2.5),
        Target("everything over the floor, 10,000,000 rows, one file; warm", "everything", 5),
        Target("counts, joined by key, over a bare join, 10,000,000 rows; warm", "join_counts", 1.5),
        Target("counts over the floor, 10,000,000 rows, one file; cold", "counts_cold", 2.5),
        Target("everything over the floor, 10,000,000 rows, one file; cold", "everything_cold", 5),
        Target("counts, joined by key, over a bare join, 10,000,000 rows; cold", "join_counts_cold", 1.5),
        Target("peak memory, 10,000,000 rows, one file or joined; cold", "peak", 2.0, unit=" GiB"),
        Target("time of 10,000,000 rows over 1,000,000, everything, one file; warm", "linear", 13),
    ),
}


def judge(figures: Figures, sizes: list[int]) -> list[Judged]:
    """Hold figures against the targets of the sizes that were run; a missing figure misses its target."""
    targets = [target for size, listed in TARGETS.items() if size in sizes for target in listed]
    return [Judged(target, figures.get(target.figure)) for target in targets]


def extrapolate(few: tuple[int, float], more: tuple[int, float], replicates: int = REPLICATES) -> float:
    """Return the cost of ``replicates`` from two measured counts: what is fixed once, the rest in proportion.

    Args:
        few, more: (replicates, cost) as measured, ascending.
        replicates: The number wanted.

    Raises:
        ValueError: if more replicates did not cost more, so that nothing can be extrapolated.
    """
    each = (more[1] - few[1]) / (more[0] - few[0])
    if each <= 0:
        raise ValueError("more replicates did not cost more; the machine was too busy to measure them")
    return few[1] + (replicates - few[0]) * each
