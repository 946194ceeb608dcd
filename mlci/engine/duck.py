"""The embedded engine: DuckDB reads tables, NumPy reduces them to statistics."""

import tempfile
from pathlib import Path

from mlci.engine import sql
from mlci.engine.bind import Bound, bind
from mlci.engine.fingerprint import of_table
from mlci.engine.interface import Job, Observed
from mlci.engine.load import load
from mlci.engine.reduction import reduce


class DuckEngine:
    """Implements :class:`mlci.engine.interface.Engine` in this process."""

    def __init__(
        self, *, threads: int | None = None, memory_limit: str | None = None, exact_rows: int = 250_000
    ) -> None:
        """Set limits.

        Args:
            threads: Threads of DuckDB and NumPy blocks; ``None`` takes what the machine has. No result depends on it.
            memory_limit: DuckDB's own limit, e.g. ``"1GB"``; beyond it, it spills to the temporary folder.
            exact_rows: Most rows for which scores are ranked exactly instead of in bins.
        """
        self.threads, self.memory_limit, self.exact_rows = threads, memory_limit, exact_rows

    def observe(self, job: Job) -> Observed:
        """Read, check and join the tables and reduce them.

        Raises:
            InputError: With every problem found.
        """
        with tempfile.TemporaryDirectory(prefix="mlci-", ignore_cleanup_errors=True) as scratch:
            connection = sql.connect(threads=self.threads, memory_limit=self.memory_limit, scratch=scratch)
            try:
                bound = bind(connection, job, Path(scratch))
                loaded = load(bound)
                fingerprint = of_table(
                    connection, bound.table, _prediction_columns(bound),
                    known=loaded.known, weights=loaded.weights, threads=self.threads,
                )  # fmt: skip
                statistics, notes = reduce(job, loaded, exact_rows=self.exact_rows, threads=self.threads)
                return Observed(
                    statistics=statistics, rows=loaded.rows, fingerprint=fingerprint, notes=(*loaded.notes, *notes)
                )
            finally:
                connection.close()


def _prediction_columns(bound: Bound) -> set[str]:
    """Return the evaluation table's columns that only hold predictions."""
    own = [side for side in bound.sides if not bound.joined(side)]
    predicted = {column.name for side in own for column in (side.score, side.decision) if column is not None}
    kept = {bound.label.name, *(column.name for _, column in bound.bases)} | ({bound.key.name} if bound.key else set())
    return predicted - kept
