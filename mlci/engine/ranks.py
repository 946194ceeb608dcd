"""Ranks of scores in every scope: exact for few rows, in bins for many."""

from mlci.engine.binned_ranks import BOUND, binned
from mlci.engine.binning import FINE
from mlci.engine.exact_ranks import exactly
from mlci.engine.frame import Frame
from mlci.engine.levels import Key
from mlci.metrics.statistics import Scores


def ranks(frame: Frame, *, exact_rows: int, threads: int | None) -> tuple[dict[Key, Scores], tuple[str, ...]]:
    """Rank both models' scores in every scope.

    Args:
        frame: The rows.
        exact_rows: Most rows that are ranked exactly from the start; a scope of more is ranked exactly only where no
            bins keep its AUC within 5e-4.
        threads: For NumPy; no result depends on it.

    Returns:
        The scores, and notes for the report.
    """
    scopes: list[Key] = [(None, 0)] + [
        (i, g) for i, names in enumerate(frame.partition.groups) for g in range(len(names))
    ]
    if frame.rows <= exact_rows:
        return exactly(frame, scopes), ()
    found, bounds = binned(frame, exact_rows=exact_rows, threads=threads)
    loose = [key for key in scopes if bounds[key] > BOUND]
    found.update(exactly(frame, loose))
    worst = max((bound for key, bound in bounds.items() if key not in loose), default=0.0)
    said = f"scores ranked in {FINE:,} bins; the AUC is off by at most {worst:.1e}"
    return found, (said,) if worst else ()
